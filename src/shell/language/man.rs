//! The man page, from the definitions that the help is made of.

use clap::{Arg, Command, CommandFactory as _};
use clap_mangen::Man;
use clap_mangen::roff::{Inline, Roff, bold, italic, roman};

use super::classify::is_list;
use super::cli::Cli;
use super::help::groups;
use crate::shell::answer::status;
use crate::shell::text::argument::value_name;

/// The whole page, for `man -l`.
pub(crate) fn page() -> String {
    let mut tree = Cli::command().subcommand_required(false);
    tree.build();
    let man = Man::new(Cli::command()).title("RUSTY-KV").manual("User Commands").date(DATE);
    let mut page = Vec::new();
    // Writing to a Vec cannot fail.
    let _ = man.render_title(&mut page).and_then(|()| man.render_name_section(&mut page));
    let mut text = String::from_utf8(page).unwrap_or_default();
    let mut roff = Roff::new();
    synopsis(&mut roff);
    section(&mut roff, "DESCRIPTION");
    for (number, paragraph) in DESCRIPTION.iter().enumerate() {
        if number > 0 {
            roff.control("PP", []);
        }
        flow(&mut roff, paragraph);
    }
    section(&mut roff, "OPTIONS");
    roff.text([roman("They may come before or after the command.")]);
    tree.get_arguments().for_each(|arg| argument(&mut roff, arg));
    for (group, commands) in groups(&tree) {
        section(&mut roff, &format!("COMMANDS: {}", group.to_uppercase()));
        for found in commands {
            command(&mut roff, found);
        }
    }
    section(&mut roff, "EXIT STATUS");
    literal(&mut roff, status::TABLE.lines().skip(1));
    for (name, rows) in [("ENVIRONMENT", &ENVIRONMENT[..]), ("FILES", &FILES)] {
        section(&mut roff, name);
        for (name, about) in rows {
            tagged(&mut roff, [bold(*name)], about);
        }
    }
    section(&mut roff, "SEE ALSO");
    roff.control("BR", ["jq", "(1),"]);
    roff.control("BR", ["redis-cli", "(1),"]);
    roff.control("BR", ["sqlite3", "(1)"]);
    text.push_str(&roff.to_roff());
    text
}

/// When the text was last gone through.
const DATE: &str = "2026-11-24";

const DESCRIPTION: [&str; 4] = [
    "A key-value database that can be read: the data is one plain JSON file with a sorted line for each key, for cat, jq, git and an editor, with the speed and the safety of a database.",
    "With a command it runs that one. Without, it is a shell on a terminal, and else runs stdin as a script of one command a line; -f runs the script in a file. All three speak the same language.",
    "A key may be any text. A word goes to the next blank; '…' is literal but for \\' and \\\\, and \"…\" knows \\n, \\t, \\xHH, \\u{H…} and the like, and all of JSON's. JSON needs no quotes. A line that begins with # is a comment.",
    "Answers go to stdout, everything else to stderr. Into a pipe a value is exact; on a terminal nothing that is stored acts on it.",
];

const ENVIRONMENT: [(&str, &str); 6] = [
    ("RUSTY_KV_DB", "The database that is meant where --db names none."),
    ("RUSTY_KV_HISTORY", "The file of the lines that were typed; empty for none."),
    ("XDG_CONFIG_HOME, XDG_STATE_HOME", "Where the databases and the history lie."),
    ("VISUAL, EDITOR", "The editor of edit and of Ctrl-X Ctrl-E."),
    ("PAGER", "What shows answers that are longer than the screen."),
    ("NO_COLOR, CLICOLOR, CLICOLOR_FORCE", "Whether there are colours."),
];

const FILES: [(&str, &str); 5] = [
    ("~/.config/rusty-kv/NAME.json", "A database."),
    ("NAME.json.journal", "The changes to a large one since it was last saved."),
    ("NAME.json.lock", "What writers lock; it is never deleted."),
    ("~/.config/rusty-kv/rc", "Commands that are run when the shell starts on a terminal."),
    ("~/.local/state/rusty-kv/history", "The lines that were typed."),
];

fn synopsis(roff: &mut Roff) {
    section(roff, "SYNOPSIS");
    let program = || bold("rusty-kv");
    roff.text([program(), roman(" ["), italic("options"), roman("] "), italic("command"), roman(" …")]);
    roff.control("br", []);
    roff.text([program(), roman(" ["), italic("options"), roman("] [-f "), italic("file"), roman("]…")]);
}

fn section(roff: &mut Roff, name: &str) {
    roff.control("SH", [name]);
}

/// A command with its arguments and examples.
fn command(roff: &mut Roff, command: &Command) {
    let places: Vec<String> = command.get_positionals().filter(|arg| !arg.is_hide_set()).map(place).collect();
    roff.control("SS", [[command.get_name(), &places.join(" ")].join(" ").trim_end()]);
    let aliases: Vec<&str> = command.get_visible_aliases().collect();
    let about = command.get_about().map(ToString::to_string).unwrap_or_default();
    let aliases = if aliases.is_empty() { String::new() } else { format!(" Also: {}.", aliases.join(", ")) };
    flow(roff, &format!("{about}.{aliases}"));
    command.get_arguments().filter(|arg| !arg.is_global_set()).for_each(|arg| argument(roff, arg));
    if let Some(more) = command.get_after_help() {
        roff.control("PP", []);
        literal(roff, more.to_string().lines());
    }
}

/// An argument by place as the usage shows it.
fn place(arg: &Arg) -> String {
    let name = value_name(arg);
    let name = if arg.is_last_set() { format!("-- {name}") } else { name.to_owned() };
    let name = if is_list(arg) { format!("{name}…") } else { name };
    if arg.is_required_set() { name } else { format!("[{name}]") }
}

fn argument(roff: &mut Roff, arg: &Arg) {
    let Some(help) = arg.get_help().filter(|_| !arg.is_hide_set()) else { return };
    let value = if arg.get_action().takes_values() { value_name(arg) } else { "" };
    let mut name = Vec::new();
    if arg.is_positional() {
        name.push(italic(value));
    } else {
        let short = arg.get_short().map(|short| format!("-{short}"));
        let long = arg.get_long().map(|long| format!("--{long}"));
        name.push(bold(short.into_iter().chain(long).collect::<Vec<_>>().join(", ")));
        if !value.is_empty() {
            name.extend([roman(" "), italic(value)]);
        }
    }
    tagged(roff, name, &help.to_string());
}

fn tagged(roff: &mut Roff, tag: impl Into<Vec<Inline>>, about: &str) {
    roff.control("TP", []);
    roff.text(tag);
    flow(roff, about);
}

/// A paragraph: its lines are filled, but those of the source are to be short.
fn flow(roff: &mut Roff, text: &str) {
    const LONGEST: usize = 60;
    let mut line = String::new();
    for word in text.split(' ') {
        if !line.is_empty() && line.len() + word.len() > LONGEST {
            roff.text([roman(std::mem::take(&mut line))]);
        }
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(word);
    }
    roff.text([roman(line)]);
}

/// Lines as they are: those between blank lines, where they are indented, and paragraphs else.
fn literal<'a>(roff: &mut Roff, lines: impl Iterator<Item = &'a str>) {
    let mut is_open = false;
    let mut was_blank = false;
    for line in lines {
        if line.is_empty() {
            was_blank = true;
            continue;
        }
        if line.starts_with(' ') != is_open {
            is_open = !is_open;
            roff.control(if is_open { "nf" } else { "fi" }, []);
        }
        if std::mem::take(&mut was_blank) {
            roff.control("PP", []);
        }
        if is_open {
            roff.text([roman(line)]);
        } else {
            flow(roff, line);
        }
    }
    if is_open {
        roff.control("fi", []);
    }
}
