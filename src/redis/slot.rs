//! Which part of a cluster a key belongs to.

/// How many there are.
pub(super) const SLOTS: usize = 16_384;

/// The CRC-16 of each byte (XMODEM: the polynomial 0x1021, from zero).
const TABLE: [u16; 256] = {
    let mut table = [0; 256];
    let mut byte: u16 = 0;
    while byte < 256 {
        let mut sum = byte << 8;
        let mut bit = 0;
        while bit < 8 {
            sum = if sum & 0x8000 == 0 { sum << 1 } else { (sum << 1) ^ 0x1021 };
            bit += 1;
        }
        table[byte as usize] = sum;
        byte += 1;
    }
    table
};

/// The slot of a key: of what stands between its first `{` and the next `}`, if that is something.
pub(super) fn slot(key: &[u8]) -> usize {
    let tag = memchr::memchr(b'{', key).and_then(|open| {
        let rest = &key[open + 1..];
        memchr::memchr(b'}', rest).filter(|&close| close > 0).map(|close| &rest[..close])
    });
    let sum = tag.unwrap_or(key).iter().fold(0_u16, |sum, &byte| {
        let [high, _] = sum.to_be_bytes();
        (sum << 8) ^ TABLE[usize::from(high ^ byte)]
    });
    usize::from(sum) % SLOTS
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slots_are_those_that_servers_reckon() {
        // `CLUSTER KEYSLOT` of each.
        for (key, expected) in [("", 0), ("123456789", 12_739), ("foo", 12_182), ("user:1", 10_778)] {
            assert_eq!(slot(key.as_bytes()), expected, "{key}");
        }
        assert_eq!(slot(b"{user:1}.name"), slot(b"user:1"));
        assert_eq!(slot(b"a{}b"), slot(b"a{}b"));
        assert_ne!(slot(b"{}user:1"), slot(b"user:1"));
    }
}
