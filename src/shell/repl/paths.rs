//! Files and folders that Tab offers.

use std::ffi::OsStr;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::PathBuf;

use super::candidate::{Candidate, CandidateKind, MOST};
use super::cursor::CursorContext;
use crate::shell::text::argument;
use crate::shell::text::words;

/// The files and folders whose path begins so, sorted; hidden ones only if asked for.
pub(super) fn paths(cursor: &CursorContext<'_>) -> Vec<Candidate> {
    let typed = &cursor.typed[..];
    let in_home = cursor.quote.is_none() && words::is_in_home(typed);
    if in_home && typed == b"~" {
        return vec![Candidate::new("~/".to_owned(), CandidateKind::Begun)];
    }
    let (folder, name) = typed.split_at(typed.iter().rposition(|&byte| byte == b'/').map_or(0, |slash| slash + 1));
    let listed = match folder {
        b"" => PathBuf::from("."),
        folder if in_home => argument::in_home(folder),
        folder => PathBuf::from(OsStr::from_bytes(folder)),
    };
    let Ok(entries) = std::fs::read_dir(&listed) else { return Vec::new() };
    // Unquoted, `~/` is another folder.
    let is_tilde = |found: &[u8]| folder.is_empty() && cursor.quote.is_none() && found == b"~";
    let fits = |found: &[u8]| {
        found.starts_with(name) && (found.first() != Some(&b'.') || name.first() == Some(&b'.')) && !is_tilde(found)
    };
    let mut names: Vec<Vec<u8>> =
        entries.flatten().map(|entry| entry.file_name().into_vec()).filter(|found| fits(found)).collect();
    names.sort_unstable();
    let last = if names.len() > MOST { names.pop() } else { None };
    names.truncate(MOST);
    let path = |name: &[u8]| {
        let path = [folder, name].concat();
        // In quotes a `~` is an ordinary character.
        let is_quoted = in_home && words::quote(&path).as_bytes() != path;
        if is_quoted { listed.join(OsStr::from_bytes(name)).into_os_string().into_vec() } else { path }
    };
    let last = last.map(|name| Candidate { kind: CandidateKind::Last, ..Candidate::of(path(&name)) });
    let candidate = |mut name: Vec<u8>| {
        let is_folder = listed.join(OsStr::from_bytes(&name)).is_dir();
        if is_folder {
            name.push(b'/');
        }
        let kind = if is_folder { CandidateKind::Begun } else { CandidateKind::Data };
        let shown = String::from_utf8_lossy(&name).into_owned();
        Candidate { shown, kind, ..Candidate::of(path(&name)) }
    };
    names.into_iter().map(candidate).chain(last).collect()
}
