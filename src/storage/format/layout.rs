//! What is known about a snapshot in canonical form without reading it.

use serde::{Deserialize, Serialize};

/// The offsets in a snapshot in canonical form, in bytes from its start. Stored in the journal's header.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Layout {
    /// The length of the file.
    pub(crate) length: u64,
    /// The lines of the map, from the first indent to the end of the last newline; empty if there are none.
    pub(crate) map: (u64, u64),
    /// The lines of the expiries, likewise.
    pub(crate) expires: (u64, u64),
    /// Where the text after both sections starts: top-level members that are not ours, then `\n}\n`.
    pub(crate) rest: u64,
    /// How many lines the map has.
    pub(crate) count: u64,
    /// How many lines the expiries have.
    pub(crate) expiring: u64,
    /// The wrapping sum of the [`line_hash`] of every line of both sections and of the rest.
    #[serde(with = "hex")]
    pub(crate) hash: u64,
}

/// The text before the lines of the map; a map without lines closes right after it.
pub(crate) const HEAD: &[u8] = b"{\n  \"map\": {";
/// The text before the lines of the expiries.
pub(crate) const BETWEEN: &[u8] = b",\n  \"expires\": {\n";
/// The text after the last line of a section.
pub(crate) const CLOSE: &[u8] = b"  }";
/// The end of the file.
pub(crate) const END: &[u8] = b"\n}\n";

impl Layout {
    /// Whether a snapshot can have this layout. Any other must not be used for reading.
    pub(crate) fn is_sound(&self) -> bool {
        let &Self { length, map, expires, rest, count, expiring, .. } = self;
        let ends = [map.0, map.1, expires.0, expires.1, rest];
        if length > i64::MAX.unsigned_abs() || ends.iter().any(|end| *end > length) {
            return false;
        }
        let after = |part: &[u8], at: u64| at + part.len() as u64;
        let map_starts = after(HEAD, u64::from(count > 0));
        let map_closed = if count > 0 { after(CLOSE, map.1) } else { after(b"}", map.1) };
        let (expires_starts, closed) = match expiring {
            0 => (map_closed, map_closed),
            _ => (after(BETWEEN, map_closed), after(CLOSE, expires.1)),
        };
        let are_lines = |(from, to): (u64, u64), count| if count > 0 { from < to } else { from == to };
        map.0 == map_starts
            && are_lines(map, count)
            && expires.0 == expires_starts
            && are_lines(expires, expiring)
            && expiring <= count
            && rest == closed
            && length >= after(END, rest)
    }
}

/// The section of a line: the same line means something different in the other one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Section {
    Map = 1,
    Expires = 2,
    Rest = 3,
}

/// The hash of a line's content, without indent, comma and newline.
pub(crate) fn line_hash(section: Section, content: &[u8]) -> u64 {
    xxhash_rust::xxh3::xxh3_64_with_seed(content, section as u64)
}

/// 64-bit numbers as 16 hexadecimal digits, because JSON parsers round large numbers.
pub(crate) mod hex {
    use serde::{Deserialize as _, Deserializer, Serializer, de::Error as _};

    #[expect(clippy::trivially_copy_pass_by_ref, reason = "serde gives a reference")]
    pub(crate) fn serialize<S: Serializer>(bits: &u64, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(&format_args!("{bits:016x}"))
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<u64, D::Error> {
        let text = <std::borrow::Cow<'de, str>>::deserialize(from)?;
        let digits = text.len() == 16 && text.bytes().all(|b| b.is_ascii_hexdigit());
        u64::from_str_radix(&text, 16).ok().filter(|_| digits).ok_or_else(|| D::Error::custom("16 hexadecimal digits"))
    }
}
