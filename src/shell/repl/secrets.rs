//! Finds lines that may contain a secret. They are not added to the history, and earlier ones are not shown.

use super::cursor;
use crate::shell::language::reading;
use crate::shell::text::mask::Masks;

/// Whether an entered text sets a masked key or asks for a secret; if that is unknown, it does.
pub(super) fn may_be_in(text: &str, masks: &Masks) -> bool {
    cursor::parts(text.as_bytes()).iter().any(|part| {
        let words: Vec<&[u8]> = part.words.iter().map(|word| &*word.bytes).collect();
        let is_key = |word: &&[u8]| str::from_utf8(word).is_ok_and(|key| masks.hides(key));
        let asks = part.words.iter().any(|word| !word.quoted && *word.bytes == *b"--ask");
        asks || (words.iter().any(is_key) && reading::may_hold_value(&words))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::shell::text::glob::Glob;

    #[test]
    fn lines_that_set_a_masked_key_or_ask_for_a_secret_are_found() {
        let masks = Masks::default();
        masks.add(vec![Glob::new("api:*").unwrap()]);
        for line in [
            "set api:key hunter2",
            "PUT 'api:key' x",
            "-o json append api:key x",
            "set k v\nset --json api:key {\"a\":1}",
            "set api:key 'hunter2'x",
            "sett api:key hunter2",
            "wait api:key --equals=hunter2",
            "set k --ask",
        ] {
            assert!(may_be_in(line, &masks), "{line}");
        }
        for line in ["get api:key", "del api:key", "set k v", "list api:*", "set k '--ask'", "# set api:key x", ""] {
            assert!(!may_be_in(line, &masks), "{line}");
        }
    }
}
