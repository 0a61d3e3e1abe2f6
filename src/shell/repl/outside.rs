//! Tab after `|` and `!`, in the words of the system's shell: programs where one begins, files elsewhere.

use std::collections::BTreeSet;
use std::os::unix::fs::PermissionsExt as _;

use rustyline::completion::Pair;

use super::candidate::{Candidate, CandidateKind, MOST, fill};
use super::cursor::CursorContext;
use super::paths::paths;

/// What the last word could go on with, where it begins, and what stands behind the cursor. The words of that shell begin at
/// `start`.
pub(super) fn at(text: &str, start: usize, after: &str, widest: usize) -> (usize, Vec<Pair>) {
    let line = &text[start..];
    let is_end = |c: char| c.is_whitespace() || "|;&()<>".contains(c);
    let (head, word) =
        line.split_at(line.rfind(is_end).map_or(0, |at| at + line[at..].chars().next().map_or(0, char::len_utf8)));
    let cursor = CursorContext {
        before: Vec::new(),
        start: start + head.len(),
        flag: None,
        typed: word.as_bytes().to_vec(),
        quote: None,
    };
    let head = head.trim_end();
    let begins = head.is_empty() || head.ends_with(['|', ';', '&', '(']);
    let candidates = match word {
        _ if !is_plain(word.strip_prefix("~/").unwrap_or(word)) => Vec::new(),
        word if begins && !word.contains('/') => programs(word),
        _ => paths(&cursor).into_iter().filter(|path| str::from_utf8(&path.text).is_ok_and(is_plain)).collect(),
    };
    (cursor.start, fill(&cursor, &candidates, word, after, widest))
}

/// Whether a word means itself in every shell.
fn is_plain(word: &str) -> bool {
    word.chars().all(|c| c.is_alphanumeric() || "_-./+:@%,=~".contains(c)) && !word.starts_with('~')
}

/// The programs of the PATH that begin so, sorted.
fn programs(typed: &str) -> Vec<Candidate> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let mut names = BTreeSet::new();
    for folder in std::env::split_paths(&path) {
        let Ok(entries) = std::fs::read_dir(folder) else { continue };
        for entry in entries.flatten() {
            let Ok(name) = entry.file_name().into_string() else { continue };
            // What it leads to is run, if it is a link.
            let is_program = || {
                std::fs::metadata(entry.path())
                    .is_ok_and(|meta| meta.is_file() && meta.permissions().mode() & 0o111 != 0)
            };
            if name.starts_with(typed) && is_plain(&name) && !names.contains(&name) && is_program() {
                names.insert(name);
            }
        }
    }
    let last = names.last().filter(|_| names.len() > MOST).cloned();
    let shown = names.into_iter().take(MOST).map(|name| Candidate::new(name, CandidateKind::Word));
    shown.chain(last.map(|name| Candidate::new(name, CandidateKind::Last))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_begins_a_command_of_the_shell_and_files_stand_elsewhere() {
        let found = |text: &str| {
            let (start, pairs) = at(text, 0, "", 20);
            (start, pairs.into_iter().map(|pair| pair.replacement).collect::<Vec<_>>())
        };
        assert!(found("mkfif").1.contains(&"mkfifo ".to_owned()));
        assert_eq!(found("cat x | mkfif"), (8, vec!["mkfifo ".to_owned()]));
        assert_eq!(found("sort /et"), (5, vec!["/etc/".to_owned()]));
        for nothing in ["cat '/et", "echo $HO", "mkfif/", "echo ~root"] {
            assert!(found(nothing).1.is_empty(), "{nothing}");
        }
    }
}
