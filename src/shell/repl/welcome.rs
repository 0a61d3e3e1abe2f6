//! The welcome and the text of the prompt.

use std::path::Path;

use unicode_width::UnicodeWidthStr as _;

use crate::shell::commands::Session;
use crate::shell::config;
use crate::shell::render;
use crate::shell::text::escape::{excerpt, terminal};
use crate::store::{Store as _, StoreExt as _};

/// The welcome: the program, the database, and how to get help, on one line or as many as the width requires.
pub(super) fn lines(session: &Session, width: usize) -> Vec<String> {
    let path = session.db.path().map_or_else(|| session.location.name.clone(), config::short);
    let state = match session.db.len() {
        _ if !session.db.describe().exists => "no file yet".to_owned(),
        Ok(count) => render::keys(count),
        // The first command reports problems with the database.
        Err(_) => String::new(),
    };
    let parts = [concat!("rusty-kv ", env!("CARGO_PKG_VERSION")), &terminal(&path), &state, "(help, exit)"];
    fill(&parts, width)
}

/// Joins parts into lines of at most `width` columns, if no part alone is longer; 0 means no limit.
fn fill(parts: &[&str], width: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for part in parts.iter().filter(|part| !part.is_empty()) {
        match lines.last_mut() {
            Some(line) if width == 0 || line.width() + 2 + part.width() <= width => {
                line.push_str("  ");
                line.push_str(part);
            }
            _ => lines.push((*part).to_owned()),
        }
    }
    lines
}

/// The default prompt.
pub(super) const PROMPT: &str = "{db}{tx}> ";

/// The prompt of a template, without colors: `{db}` stands for the name of the database or of its file, `{tx}` for the
/// number of changes in the open transaction, and `{keys}` for the number of keys.
pub(super) fn prompt(session: &Session, template: &str) -> String {
    /// A longer prompt would leave no room for the command.
    const WIDEST: usize = 60;
    /// The rest of the line is for the command.
    const LONGEST: usize = 24;
    let location = &session.location;
    let file = location.path().and_then(Path::file_name).filter(|_| !location.is_named());
    let name = file.map_or_else(|| location.name.clone().into(), |name| name.to_string_lossy());
    let read_only = session.is_read_only().then(|| "read-only".to_owned());
    let transaction = session.db.open_transaction().map(|changed| format!("tx {changed}"));
    let states: Vec<String> = read_only.into_iter().chain(transaction).collect();
    let states = if states.is_empty() { String::new() } else { format!(" ({})", states.join(", ")) };
    let mut shown = excerpt(template, WIDEST).replace("{tx}", &states);
    if shown.contains("{keys}") {
        let keys = session.db.len().map_or_else(|_| "?".to_owned(), |keys| keys.to_string());
        shown = shown.replace("{keys}", &keys);
    }
    // The name is inserted last, because it may contain a placeholder.
    shown.replace("{db}", &excerpt(&name, LONGEST))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_welcome_is_one_line_where_it_fits_and_breaks_between_its_parts_where_not() {
        let parts = ["rusty-kv 0.1.0", "~/.config/rusty-kv/kv.json", "12 keys", "(help, exit)"];
        assert_eq!(fill(&parts, 80), ["rusty-kv 0.1.0  ~/.config/rusty-kv/kv.json  12 keys  (help, exit)"]);
        assert_eq!(fill(&parts, 40), ["rusty-kv 0.1.0", "~/.config/rusty-kv/kv.json  12 keys", "(help, exit)"]);
        assert_eq!(fill(&parts, 0).len(), 1);
        assert_eq!(fill(&parts, 10), parts);
    }
}
