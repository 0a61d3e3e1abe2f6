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
    format!("{} {}", grouped(count), if count == 1 { one } else { many })
}

/// A number with its thousands apart: `2,522`.
pub(super) fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut grouped = String::with_capacity(digits.len() + digits.len() / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}
