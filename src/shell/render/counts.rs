//! Counts in words.

/// `1 key`, `2 keys`.
pub(crate) fn keys(count: u64) -> String {
    counted(count, "key", "keys")
}

/// `1 change`, `2 changes`.
pub(crate) fn changes(count: u64) -> String {
    counted(count, "change", "changes")
}

/// A count and its noun: `1 key`, `2 keys`.
pub(crate) fn counted(count: u64, one: &str, many: &str) -> String {
    format!("{count} {}", if count == 1 { one } else { many })
}
