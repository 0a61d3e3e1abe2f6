//! The man page, from the same definitions as the help.

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

/// The date on which the text was last revised.
const DATE: &str = "2026-11-24";

const DESCRIPTION: [&str; 4] = [
    "A key-value database you can read: the data is one plain JSON file, sorted, with a line for each key, which you can cat, jq, git diff and edit by hand. The shell around it adds the speed and the safety of a database.",
    "With a command, rusty-kv runs that command. Without one, it starts an interactive shell in a terminal, or else runs the script on stdin, one command per line; -f runs a script from a file. All three use the same language.",
    "A key may be any text. A word ends at the next space; '…' is literal except for \\' and \\\\, and \"…\" knows \\n, \\t, \\xHH, \\u{H…} and all escapes of JSON. JSON needs no quotes. A line that starts with # is a comment.",
    "Answers go to stdout, everything else to stderr. A pipe gets the exact value; on a terminal, control characters of stored data are escaped.",
];

const ENVIRONMENT: [(&str, &str); 6] = [
    ("RUSTY_KV_DB", "Default database when --db is not given."),
    ("RUSTY_KV_HISTORY", "The history file; empty for no history."),
    ("XDG_CONFIG_HOME, XDG_STATE_HOME", "The directories of the databases and of the history."),
    ("VISUAL, EDITOR", "The editor for edit and Ctrl-X Ctrl-E."),
    ("PAGER", "The pager for answers longer than the screen."),
    ("NO_COLOR, CLICOLOR, CLICOLOR_FORCE", "Controls colored output."),
];

const FILES: [(&str, &str); 5] = [
    ("~/.config/rusty-kv/NAME.json", "A database."),
    ("NAME.json.journal", "The changes to a large database since it was last saved."),
    ("NAME.json.lock", "The lock that writers hold; it is never deleted."),
    ("~/.config/rusty-kv/rc", "Commands to run when the interactive shell starts."),
    ("~/.local/state/rusty-kv/history", "The lines entered at the prompt."),
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

/// A positional argument as the usage shows it.
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

/// A paragraph, which is filled; the lines of the source are kept short.
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

/// Indented lines between blank lines as they are, and paragraphs otherwise.
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
