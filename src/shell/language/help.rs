//! `help`: the list of commands by group, and the full help of a command, from the same definitions.

use clap::{Command, CommandFactory};

use super::cli::{Cli, Line};
use super::command::{self, names_of};
use super::habits;
use super::nearest::{is_short, nearest};
use super::topics::{self, TOPICS};
use crate::shell::answer::reply::{Failure, did_you_mean};
use crate::shell::commands::traits::Group;

/// What `help` or `help TOPIC` prints in this many columns; in a pipe, there is no limit.
pub(crate) fn text(topic: Option<&str>, columns: usize) -> Result<String, Failure> {
    whole(topic).map(|text| fitted(&text, columns_or_those_of_a_pipe(columns)))
}

fn columns_or_those_of_a_pipe(columns: usize) -> usize {
    const IN_A_PIPE: usize = 100;
    if columns > 0 { columns } else { IN_A_PIPE }
}

/// The same with each paragraph on one line.
fn whole(topic: Option<&str>) -> Result<String, Failure> {
    let Some(topic) = topic else { return Ok(overview()) };
    if let Some(topic) = topics::topic(topic) {
        return Ok((topic.text)().trim_end().to_owned());
    }
    let name = topic.to_ascii_lowercase();
    command(&name).or_else(|| habits::help(&name)).ok_or_else(|| {
        let near = did_you_mean(nearest_topic(&name).as_deref());
        let topic = crate::shell::text::escape::excerpt(topic, 40);
        Failure::usage(format!("no help on '{topic}'{near} (`help help` lists the topics)"))
    })
}

/// The full help of a command: its usage, arguments, options, notes and examples. The global options have their own
/// topic.
pub(crate) fn command(name: &str) -> Option<String> {
    let mut tree = Line::command().mut_args(|arg| if arg.is_global_set() { arg.hide(true) } else { arg });
    tree.build();
    let command = tree.find_subcommand_mut(name)?;
    let mut text = command.render_help().to_string().replace("Usage:  ", "Usage: ").trim_end().to_owned();
    if command.get_name() == "help" {
        text =
            text.replacen("\nExamples:", &format!("\nTopics besides the commands:\n{}\nExamples:", topics::list()), 1);
    }
    Some(text)
}

/// Wraps a text to the width: a long line continues below its explanation or, if there is no room, slightly indented.
fn fitted(text: &str, columns: usize) -> String {
    let mut lines = Vec::new();
    for line in text.lines() {
        let start = line.len() - line.trim_start().len();
        let explanation = line[start..].find("  ").map(|gap| {
            let behind = &line[start + gap..];
            start + gap + behind.len() - behind.trim_start().len()
        });
        let further = if start > 0 { start + 2 } else { 0 };
        let indent = " ".repeat(explanation.filter(|&at| at <= columns / 2).unwrap_or(further));
        let options = textwrap::Options::new(columns).subsequent_indent(&indent).break_words(false);
        lines.extend(textwrap::wrap(line, options.word_splitter(textwrap::WordSplitter::NoHyphenation)));
    }
    lines.join("\n")
}

/// The nearest command or alias to a word, if one is close.
pub(crate) fn nearest_command(word: &str) -> Option<String> {
    is_short(word).then(|| nearest(word, names(), |name| 1 + word.len().min(name.len()) / 5)).flatten()
}

/// The nearest command, alias or topic to a word, if one is close.
fn nearest_topic(word: &str) -> Option<String> {
    is_short(word).then(|| nearest(word, topics(), |name| 1 + word.len().min(name.len()) / 5)).flatten()
}

/// All names of commands, aliases included.
pub(crate) fn names() -> Vec<String> {
    names_in(&Line::command())
}

/// The same for a tree that was already built.
pub(crate) fn names_in(tree: &Command) -> Vec<String> {
    let names = tree.get_subcommands().filter(|command| !command.is_hide_set()).flat_map(names_of);
    names.map(str::to_owned).collect()
}

/// Everything that `help` explains: the commands by all their names, and the topics.
pub(crate) fn topics() -> Vec<String> {
    names().into_iter().chain(TOPICS.iter().map(|topic| topic.name.to_owned())).collect()
}

/// What `rusty-kv --help` prints in this many columns: the usage, the commands, and the options.
pub(crate) fn program(columns: usize) -> String {
    let tree = Cli::command();
    let about = tree.get_about().map(ToString::to_string).unwrap_or_default();
    let commands = grouped(&tree);
    let text = format!(
        "{about}\n\nUsage: rusty-kv [OPTIONS] [COMMAND]\n\nWithout a command, rusty-kv starts the interactive shell in a terminal, or else runs the commands on stdin, one per line. Run `rusty-kv help COMMAND` for help on a command.\n\n{commands}\n{}",
        topics::options()
    );
    fitted(&text, columns_or_those_of_a_pipe(columns))
}

fn overview() -> String {
    format!(
        "{}\nQuote words that contain spaces: set \"my key\" 'a value'. JSON needs no quotes: set --json u {{\"a\":1}}\n`help COMMAND` explains a command, with examples. More topics: {}.",
        grouped(&Line::command()),
        TOPICS.map(|topic| format!("`help {}`", topic.name)).join(", ")
    )
}

/// The groups, each with its commands, without hidden ones.
pub(crate) fn groups(tree: &Command) -> impl Iterator<Item = (&'static str, Vec<&Command>)> {
    Group::ALL.into_iter().map(|group| {
        let rows = command::all().filter(|traits| traits.group == group);
        let commands = rows.filter_map(|traits| tree.find_subcommand(traits.name));
        (group.name(), commands.filter(|command| !command.is_hide_set()).collect())
    })
}

/// One line per command, under the names of their groups.
fn grouped(tree: &Command) -> String {
    let mut text = String::new();
    for (group, commands) in groups(tree) {
        text.push_str(group);
        text.push_str(":\n");
        for command in commands {
            let name = command.get_name();
            let about = command.get_about().map(ToString::to_string).unwrap_or_default();
            let aliases: Vec<&str> = command.get_visible_aliases().collect();
            let aliases = if aliases.is_empty() { String::new() } else { format!(" [{}]", aliases.join(", ")) };
            text.push_str(&format_args!("  {name:<11}  {about}{aliases}\n").to_string());
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_command_is_in_one_group_and_has_help_with_two_examples() {
        let tree = Line::command();
        let grouped: Vec<&str> = groups(&tree).flat_map(|(_, commands)| commands).map(Command::get_name).collect();
        let mut commands: Vec<String> = names_of_shown(&tree);
        commands.sort_unstable();
        let mut sorted = grouped.clone();
        sorted.sort_unstable();
        assert_eq!(sorted, commands);
        for name in grouped {
            let help = whole(Some(name)).unwrap();
            assert!(help.contains("Usage:"), "{name}");
            let examples =
                help.lines().skip_while(|line| *line != "Examples:").filter(|line| line.starts_with("  ")).count();
            assert!(examples >= 2, "{name}: {help}");
        }
    }

    fn names_of_shown(tree: &Command) -> Vec<String> {
        let shown = tree.get_subcommands().filter(|command| !command.is_hide_set());
        shown.map(|command| command.get_name().to_owned()).collect()
    }

    #[test]
    fn a_near_miss_is_named_and_a_far_one_is_not() {
        assert_eq!(nearest_command("gte").as_deref(), Some("get"));
        assert_eq!(nearest_command("SAVEE").as_deref(), Some("save"));
        assert_eq!(nearest_command("xyzzy"), None);
        let mut tree = Line::command();
        tree.build();
        let set = tree.find_subcommand("set").unwrap();
        let nearest =
            |flag| super::super::nearest::nearest_flag(set.get_arguments().filter_map(clap::Arg::get_long), flag);
        assert_eq!(nearest("tl"), Some("ttl"));
        assert_eq!(nearest("if-absnet"), Some("if-absent"));
        assert_eq!(nearest("colour"), None);
        assert_eq!(nearest(&"ttl".repeat(2_000_000)), None);
    }

    #[test]
    fn topics_are_sorted_and_none_hides_a_command() {
        assert!(TOPICS.is_sorted_by_key(|topic| topic.name));
        let commands = names();
        for topics::Topic { name, text, .. } in &TOPICS {
            assert!(!commands.iter().any(|command| command == name), "{name}");
            assert!(text().len() > 200, "{name}");
        }
    }

    #[test]
    fn the_definitions_are_sound() {
        Line::command().debug_assert();
        crate::shell::language::cli::Cli::command().debug_assert();
    }
}
