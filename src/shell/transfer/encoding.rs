//! Detects an encoding other than UTF-8 by the first bytes of a file.

/// The mark of UTF-8, which is no part of the text.
pub(super) const BOM: &[u8] = b"\xef\xbb\xbf";

/// Its name, and its name in iconv.
pub(super) fn of(head: &[u8]) -> Option<(&'static str, &'static str)> {
    const MARKS: [(&[u8], &str, &str); 4] = [
        (b"\xff\xfe\0\0", "UTF-32 (little-endian)", "UTF-32"),
        (b"\0\0\xfe\xff", "UTF-32 (big-endian)", "UTF-32"),
        (b"\xff\xfe", "UTF-16 (little-endian)", "UTF-16"),
        (b"\xfe\xff", "UTF-16 (big-endian)", "UTF-16"),
    ];
    let marked =
        MARKS.into_iter().find(|(mark, ..)| head.starts_with(mark)).map(|(_, name, encoding)| (name, encoding));
    marked.or_else(|| unmarked(head))
}

/// Without a byte order mark: ASCII with a NUL next to each character.
fn unmarked(head: &[u8]) -> Option<(&'static str, &'static str)> {
    const LOOKED_AT: usize = 8;
    let pairs = || head.chunks_exact(2).take(LOOKED_AT);
    let all =
        |high: usize| pairs().len() > 1 && pairs().all(|pair| pair[high] == 0 && matches!(pair[1 - high], 9..=126));
    if all(1) {
        Some(("UTF-16 (little-endian)", "UTF-16LE"))
    } else if all(0) {
        Some(("UTF-16 (big-endian)", "UTF-16BE"))
    } else {
        None
    }
}
