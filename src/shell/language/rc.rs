//! Reads the `mask` lines of the rc file for a one-shot command, and nothing else.

use std::io::{self, Write as _};

use super::cli::Line;
use super::command::{Command, ShellCommand};
use super::parse::{Parsed, Parser};
use super::reading;
use crate::shell::answer::reply::Failure;
use crate::shell::commands::mask::MaskArgs;
use crate::shell::config;
use crate::shell::render;
use crate::shell::terminal::console;
use crate::shell::text::argument::ColorWhen;
use crate::shell::text::glob::Glob;
use crate::shell::text::words::Step;

/// The patterns that the rc file masks. If it cannot be read, everything is masked, and a message says so.
pub(crate) fn masks() -> Vec<Glob> {
    let Some(path) = config::rc_file() else { return Vec::new() };
    let read = std::fs::read(&path).map_err(|error| Failure::io("read", &path, &error));
    match read.and_then(|rc| masks_in(&rc)) {
        Ok(patterns) => patterns,
        Err(failure) => {
            let warning = format!("warning: rc: {}. Until you fix this, every value is masked", failure.message);
            // If stderr is broken, there is nowhere left to report that.
            let _ = io::stderr().write_all(render::note(console::err_style(ColorWhen::Auto), &warning).as_bytes());
            Glob::new("*").into_iter().collect()
        }
    }
}

fn masks_in(rc: &[u8]) -> Result<Vec<Glob>, Failure> {
    let mut splitter = reading::script();
    let mut parser = Parser::default();
    let mut patterns = Vec::new();
    let mut rest = rc;
    while !rest.is_empty() {
        let consumed = match splitter.step(rest, true) {
            Step::Command { words, consumed, .. } => {
                // It need not come first: options may.
                if words.iter().any(|word| is_mask(&word.bytes))
                    && let Parsed::Run(Line { command: Command::Shell(ShellCommand::Mask(args)), .. }) =
                        parser.line(&words)?
                {
                    args.check()?;
                    let MaskArgs { patterns: added, off } = args;
                    if off {
                        patterns.clear();
                    }
                    patterns.extend(added);
                }
                consumed
            }
            Step::Error { error, consumed, .. } => {
                // The prompt reports errors in other lines.
                if rest[..consumed].split(u8::is_ascii_whitespace).any(is_mask) {
                    return Err(Failure::usage(error.message));
                }
                consumed
            }
            Step::More(_) => break,
        };
        rest = rest.get(consumed.max(1)..).unwrap_or_default();
    }
    Ok(patterns)
}

/// Whether a word may name the command, also as in other shells: `.mask`.
fn is_mask(word: &[u8]) -> bool {
    let start = word.iter().position(u8::is_ascii_alphanumeric).unwrap_or(word.len());
    let end = word.iter().rposition(u8::is_ascii_alphanumeric).map_or(start, |last| last + 1);
    word[start..end].eq_ignore_ascii_case(b"mask")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_mask_lines_count() {
        let names = |rc: &str| {
            let patterns = masks_in(rc.as_bytes()).map_err(|failure| failure.message)?;
            Ok::<_, String>(patterns.iter().map(|pattern| pattern.as_str().to_owned()).collect::<Vec<_>>().join(" "))
        };
        assert_eq!(
            names("timer on\nMASK a:* 'b c'\n# mask d\nset mask x\nbad 'x'y\nmask *e*"),
            Ok("a:* b c *e*".into())
        );
        assert_eq!(names("mask a\nmask --off\nmask b\n"), Ok("b".into()));
        assert_eq!(names(".mask a\n-o json .mask b\nset k mask"), Ok("a b".into()));
        assert!(names("-q mask a").unwrap_err().contains("-q"));
        assert!(names("mask 'a'b").is_err());
        assert!(names("mask a;").unwrap_err().contains("'a;'"));
        assert!(names("mask --of").unwrap_err().contains("--off"));
    }
}
