//! The journal's lines about snapshots: its header names the snapshot it belongs to, and fold lines name those that
//! saves wrote.

use serde::{Deserialize, Serialize};

use super::layout::{Layout, hex};
use super::seal;
use crate::storage::files::disk::Identity;

/// What a stat says about a snapshot.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Stamp {
    pub(crate) device: u64,
    pub(crate) inode: u64,
    pub(crate) length: u64,
    /// Seconds and nanoseconds.
    pub(crate) modified: (i64, i64),
    /// Likewise. `None` in fold lines: they are written before the rename, which changes it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) changed: Option<(i64, i64)>,
}

impl Stamp {
    pub(crate) fn of(file: &Identity) -> Self {
        Self {
            device: file.device,
            inode: file.inode,
            length: file.len,
            modified: file.modified,
            changed: Some(file.changed),
        }
    }

    /// The stamp without the time that a rename changes, as in fold lines.
    pub(crate) fn before_rename(file: &Identity) -> Self {
        Self { changed: None, ..Self::of(file) }
    }
}

/// The journal's first line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Header {
    /// Random: distinguishes the lines of this journal from those of any other.
    #[serde(with = "hex")]
    pub(crate) epoch: u64,
    /// The last commit that the snapshot contains.
    pub(crate) n: u64,
    /// The snapshot that the commits after `n` change.
    pub(crate) stamp: Stamp,
    pub(crate) layout: Layout,
}

/// Why a first line is not a usable header.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum HeaderFault {
    /// The bytes end before the line does.
    Cut,
    /// A newer version wrote it.
    Newer,
    /// It is corrupt, or was never a header.
    Corrupt(&'static str),
}

/// The version of the format of the whole journal.
const VERSION: &[u8] = b"1";
const NAME: &[u8] = b"{\"rusty-kv-journal\":";

impl Header {
    /// Appends the line.
    pub(crate) fn write(&self, out: &mut Vec<u8>) {
        let start = out.len();
        out.extend_from_slice(NAME);
        out.extend_from_slice(VERSION);
        out.push(b',');
        write_members(out, self);
        seal::seal(out, start, self.epoch);
    }

    /// The epoch in a corrupt first line, if it can be read. The checksums of the lines show whether it is right.
    pub(crate) fn epoch_in(line: &[u8]) -> Option<u64> {
        const EPOCH: &[u8] = b"\"epoch\":\"";
        let digits = &line[memchr::memmem::find(line, EPOCH)? + EPOCH.len()..];
        let digits = str::from_utf8(digits.get(..16)?).ok()?;
        u64::from_str_radix(digits, 16).ok()
    }

    /// Reads the header at the start of a journal, and returns its length, too, newline included.
    pub(crate) fn read(bytes: &[u8]) -> Result<(Self, usize), HeaderFault> {
        let end = memchr::memchr(b'\n', bytes).ok_or(HeaderFault::Cut)?;
        let line = &bytes[..end];
        let tail = line.strip_prefix(NAME).ok_or(HeaderFault::Corrupt("it is not the first line of a journal"))?;
        let version = &tail[..tail.iter().take_while(|byte| byte.is_ascii_digit()).count()];
        if version != VERSION && !version.is_empty() {
            return Err(HeaderFault::Newer);
        }
        let corrupt = HeaderFault::Corrupt("its checksum does not match");
        let Some(members) = tail.get(VERSION.len() + 1..) else { return Err(corrupt) };
        // The epoch is the seed of the checksum over it, so it is read on trust first; the seal is not part of it.
        let content = members.len().checked_sub(seal::LEN).map(|len| &members[..len]);
        let Some(header) = content.and_then(read_members::<Self>) else {
            return Err(corrupt);
        };
        if seal::open(line, header.epoch).is_none() {
            return Err(corrupt);
        }
        let mut again = Vec::with_capacity(line.len() + 1);
        header.write(&mut again);
        if again.strip_suffix(b"\n") == Some(line) { Ok((header, end + 1)) } else { Err(HeaderFault::Newer) }
    }
}

/// The result of a save: a snapshot with this stamp and layout contains all commits up to `through`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Fold {
    pub(crate) through: u64,
    pub(crate) stamp: Stamp,
    pub(crate) layout: Layout,
}

/// The layout of a fold line.
#[derive(Serialize, Deserialize)]
struct FoldLine {
    fold: Snapshot,
    n: u64,
}

#[derive(Serialize, Deserialize)]
struct Snapshot {
    stamp: Stamp,
    layout: Layout,
}

/// The start of every fold line, and of no other line.
pub(crate) const FOLD: &[u8] = b"{\"fold\":";

impl Fold {
    /// The fold line of a database that is being removed: no snapshot holds the commits up to `through`.
    pub(crate) fn nothing(through: u64) -> Self {
        let stamp = Stamp { device: 0, inode: 0, length: 0, modified: (0, 0), changed: None };
        Self { through, stamp, layout: Layout::default() }
    }

    /// Whether it records that the database was removed.
    pub(crate) fn is_of_nothing(&self) -> bool {
        *self == Self::nothing(self.through)
    }

    /// Appends the line.
    pub(crate) fn write(&self, out: &mut Vec<u8>, epoch: u64) {
        let start = out.len();
        self.write_content(out);
        seal::seal(out, start, epoch);
    }

    /// Reads the content of a line whose checksum is right. `None` if this version does not write such lines.
    pub(crate) fn read(content: &[u8]) -> Option<Self> {
        let FoldLine { fold: Snapshot { stamp, layout }, n } = read_members(content.strip_prefix(b"{")?)?;
        let fold = Self { through: n, stamp, layout };
        let mut again = Vec::with_capacity(content.len());
        fold.write_content(&mut again);
        (again == content).then_some(fold)
    }

    fn write_content(&self, out: &mut Vec<u8>) {
        // The rename would change it.
        let stamp = Stamp { changed: None, ..self.stamp };
        out.push(b'{');
        write_members(out, &FoldLine { fold: Snapshot { stamp, layout: self.layout }, n: self.through });
    }
}

/// Appends the members of an object without the braces.
fn write_members(out: &mut Vec<u8>, object: &impl Serialize) {
    let start = out.len();
    serde_json::to_writer(&mut *out, object).expect("numbers and text are JSON, and a Vec accepts all of it");
    out.remove(start);
    out.pop();
}

fn read_members<T: for<'de> Deserialize<'de>>(members: &[u8]) -> Option<T> {
    serde_json::from_slice(&[b"{", members, b"}"].concat()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_reads_back_and_a_corrupt_one_does_not() {
        let epoch = 0x0123_4567_89ab_cdef;
        let stamp = Stamp { device: 64769, inode: 131_082, length: 3, modified: (9, 5), changed: Some((-1, 8)) };
        let header = Header { epoch, n: 16, stamp, layout: Layout::default() };
        let mut bytes = Vec::new();
        header.write(&mut bytes);
        let len = bytes.len();
        bytes.extend_from_slice(b"more\n");
        assert_eq!(Header::read(&bytes), Ok((header, len)));
        for cut in 0..len {
            assert_eq!(Header::read(&bytes[..cut]), Err(HeaderFault::Cut));
        }
        for bit in 0..len * 8 {
            bytes[bit / 8] ^= 1 << (bit % 8);
            assert!(matches!(Header::read(&bytes), Err(HeaderFault::Corrupt(_) | HeaderFault::Newer)), "bit {bit}");
            bytes[bit / 8] ^= 1 << (bit % 8);
        }
        for other in [
            &b""[..],
            b"{}",
            b"hello",
            b"{\"rusty-kv-journal\":",
            b"{\"rusty-kv-journal\":1",
            b"{\"rusty-kv-journal\":1,",
        ] {
            assert!(matches!(Header::read(&[other, b"\n"].concat()), Err(HeaderFault::Corrupt(_))));
        }
        for version in ["0", "2", "10", "99999999999999999999999999"] {
            let line = format!("{{\"rusty-kv-journal\":{version},\"as\":\"it likes\"}}\n");
            assert_eq!(Header::read(line.as_bytes()), Err(HeaderFault::Newer));
        }
        let mut more = [seal::open(&bytes[..len - 1], epoch).unwrap(), b",\"more\":1"].concat();
        seal::seal(&mut more, 0, epoch);
        assert_eq!(Header::read(&more), Err(HeaderFault::Newer));
    }
}
