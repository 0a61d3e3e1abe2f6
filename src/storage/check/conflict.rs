//! The part of an unfinished merge that holds the common ancestor of both sides, which includes what they deleted.

use std::ops::Range;

/// The part of a conflict that a line belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum ConflictPart {
    Ours,
    /// Where its marker is.
    Base(usize),
    Theirs,
}

/// Fewer characters than this are not a marker.
const SHORTEST: usize = 3;

/// The base parts of all conflicts, each including its opening marker, in order; those of nested conflicts are inside
/// that of the outer conflict. A part counts only if it is closed: after the last marker of a truncated file, there may
/// be anything.
pub(crate) fn base_parts(bytes: &[u8]) -> Vec<Range<usize>> {
    // Open conflicts: the length of their markers, and the part. Conflicts nested in a base may have longer ones.
    let mut open: Vec<(usize, ConflictPart)> = Vec::new();
    let mut parts: Vec<Range<usize>> = Vec::new();
    let mut at = 0;
    for line in bytes.split_inclusive(|&byte| byte == b'\n') {
        let start = at;
        at += line.len();
        let Some((sign, length)) = marker(line) else { continue };
        if sign == b'<' {
            open.push((length, ConflictPart::Ours));
            continue;
        }
        let follows = |&(of, part): &(usize, ConflictPart)| {
            of == length
                && match sign {
                    b'|' => part == ConflictPart::Ours,
                    b'=' => part != ConflictPart::Theirs,
                    _ => true,
                }
        };
        // An unfinished inner conflict ends with the outer one.
        let Some(this) = open.iter().rposition(follows) else { continue };
        open.truncate(this + 1);
        match sign {
            b'|' => open[this].1 = ConflictPart::Base(start),
            b'=' => {
                if let ConflictPart::Base(from) = open[this].1 {
                    parts.retain(|part| part.start < from);
                    parts.push(from..start);
                }
                open[this].1 = ConflictPart::Theirs;
            }
            _ => open.truncate(this),
        }
    }
    parts
}

/// Whether a merge left a conflict with three parts.
pub(crate) fn has_conflict(bytes: &[u8]) -> bool {
    !base_parts(bytes).is_empty()
}

/// The character of a marker and its count. No line of a database starts like this.
fn marker(line: &[u8]) -> Option<(u8, usize)> {
    let sign = *line.first().filter(|sign| b"<|=>".contains(sign))?;
    let length = line.iter().take_while(|&&byte| byte == sign).count();
    let ends = line.get(length).is_none_or(u8::is_ascii_whitespace);
    (ends && length >= SHORTEST).then_some((sign, length))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bases(text: &str) -> Vec<&str> {
        base_parts(text.as_bytes()).into_iter().map(|part| &text[part]).collect()
    }

    #[test]
    fn the_base_of_a_conflict_is_found_with_any_markers() {
        for (open, base, middle, close) in [
            ("<<<<<<< HEAD\n", "||||||| parent of 1234567 (message)\n", "=======\n", ">>>>>>> 1234567\n"),
            ("<<<<<<<\r\n", "|||||||\r\n", "=======\r\n", ">>>>>>>\r\n"),
            ("<<<<<<<<<<<< ours\n", "|||||||||||| base\n", "============\n", ">>>>>>>>>>>> theirs\n"),
        ] {
            let text = format!("{{\n{open}1\n{base}2\n{middle}3\n{close}{open}{base}4\n{middle}{close}5\n");
            assert_eq!(bases(&text), [format!("{base}2\n"), format!("{base}4\n")]);
        }
    }

    #[test]
    fn a_conflict_within_a_base_belongs_to_it() {
        for (longer, equal) in
            [("<<<<<<<<<\n3\n|||||||||\n4\n=========\n5\n>>>>>>>>>\n", ""), ("", "<<<<<<<\n3\n=======\n4\n>>>>>>>\n")]
        {
            let base = format!("|||||||\n2\n{longer}{equal}6\n");
            assert_eq!(bases(&format!("<<<<<<<\n1\n{base}=======\n7\n>>>>>>>\n8\n")), [base]);
        }
        // Inside a side, it has a base of its own.
        assert_eq!(
            bases("<<<<<<<\n<<<<<<<<<\n|||||||||\n1\n=========\n>>>>>>>>>\n=======\n>>>>>>>\n"),
            ["|||||||||\n1\n"]
        );
    }

    #[test]
    fn two_way_conflicts_and_unclosed_parts_have_no_base() {
        for text in [
            "<<<<<<< a\n1\n=======\n2\n>>>>>>> b\n",
            "||||||| a\n1\n=======\n",
            "<<<<<<< a\n1\n||||||| b\n2\n",
            "<<<<<<< a\n1\n||||||||| b\n2\n=======\n3\n>>>>>>> c\n",
            "\"|||||||\": 1\n",
            "",
        ] {
            assert_eq!(bases(text), [""; 0], "{text:?}");
        }
    }
}
