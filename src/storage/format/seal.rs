//! The checksum at the end of every line, and 64-bit numbers as the 16 digits it is written in.

use xxhash_rust::xxh3::xxh3_64_with_seed;

const NAME: &[u8] = b",\"sum\":\"";
const END: &[u8] = b"\"}";
const DIGITS: usize = 16;

/// The length of a line's seal, without the newline.
pub(crate) const LEN: usize = NAME.len() + DIGITS + END.len();

/// Completes the line whose content starts at `start` and has no closing brace yet. The checksum covers all of the
/// content, and is seeded with the journal's epoch, so a line of another journal never passes.
pub(crate) fn seal(out: &mut Vec<u8>, start: usize, epoch: u64) {
    let sum = sum(&out[start..], epoch);
    out.extend_from_slice(NAME);
    out.extend_from_slice(&digits(sum));
    out.extend_from_slice(END);
    out.push(b'\n');
}

/// The content of a line (without its newline), if its checksum is right.
pub(crate) fn open(line: &[u8], epoch: u64) -> Option<&[u8]> {
    let (content, sum) = line.strip_suffix(END)?.split_last_chunk::<DIGITS>()?;
    let content = content.strip_suffix(NAME)?;
    (*sum == digits(self::sum(content, epoch))).then_some(content)
}

fn sum(content: &[u8], epoch: u64) -> u64 {
    xxh3_64_with_seed(content, epoch)
}

/// The offsets at which a seal ends, whether or not it is right.
pub(crate) fn ends(bytes: &[u8]) -> impl Iterator<Item = usize> {
    memchr::memmem::find_iter(bytes, NAME).map(|at| at + LEN).filter(|&end| {
        let digits = bytes.get(..end).and_then(|bytes| bytes.strip_suffix(END)?.last_chunk::<DIGITS>());
        digits.is_some_and(|digits| digits.iter().all(u8::is_ascii_hexdigit))
    })
}

/// Whether the line ends with a seal, whether or not it is right.
pub(crate) fn is_end(line: &[u8]) -> bool {
    line.strip_suffix(END)
        .and_then(<[u8]>::split_last_chunk::<DIGITS>)
        .is_some_and(|(content, sum)| content.ends_with(NAME) && sum.iter().all(u8::is_ascii_hexdigit))
}

fn digits(bits: u64) -> [u8; DIGITS] {
    const HEX: &[u8; 16] = b"0123456789abcdef";
    let mut digits = [0; DIGITS];
    for (pair, byte) in digits.chunks_exact_mut(2).zip(bits.to_be_bytes()) {
        pair.copy_from_slice(&[HEX[usize::from(byte >> 4)], HEX[usize::from(byte & 0xf)]]);
    }
    digits
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_digits_are_those_of_a_hexadecimal_number() {
        for bits in [0, 1, 0x0123_4567_89ab_cdef, u64::MAX] {
            assert_eq!(digits(bits), format!("{bits:016x}").as_bytes());
        }
    }

    #[test]
    fn a_line_opens_under_its_own_epoch_only_and_in_its_own_bytes_only() {
        let mut line = b"before it{\"a\":1".to_vec();
        seal(&mut line, 9, 7);
        let line = line[9..].strip_suffix(b"\n").unwrap();
        assert_eq!(open(line, 7), Some(&b"{\"a\":1"[..]));
        assert_eq!(open(line, 8), None);
        assert_eq!(open(&line.to_ascii_uppercase(), 7), None);
        for cut in 0..line.len() {
            assert_eq!(open(&line[..cut], 7), None);
        }
    }
}
