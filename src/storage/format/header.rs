//! What a journal says about snapshots: its header, the one that it belongs to; its fold lines, those that saves made.

use serde::{Deserialize, Serialize};

use super::layout::{Layout, hex};
use super::seal;
use crate::storage::files::disk::Identity;

/// What a stat tells of a snapshot.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Stamp {
    pub(crate) device: u64,
    pub(crate) inode: u64,
    pub(crate) length: u64,
    /// Seconds and nanoseconds.
    pub(crate) modified: (i64, i64),
    /// Likewise. None in fold lines: they are written before the rename, which changes it.
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

    /// The same without the time that a rename changes, as fold lines have it.
    pub(crate) fn before_rename(file: &Identity) -> Self {
        Self { changed: None, ..Self::of(file) }
    }
}

/// The journal's first line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Header {
    /// Random: it tells the lines of this journal from those of any other.
    #[serde(with = "hex")]
    pub(crate) epoch: u64,
    /// The last commit that the snapshot contains.
    pub(crate) n: u64,
    /// The snapshot that the commits behind `n` are changes of.
    pub(crate) stamp: Stamp,
    pub(crate) layout: Layout,
}

/// Why a first line is no header that can be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum HeaderFault {
    /// It does not end within the bytes.
    Cut,
    /// Another version made it.
    Newer,
    /// It is not what was written, or was never a header.
    Damaged(&'static str),
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

    /// The epoch that a corrupt first line names, if that can be read. Whether it is the right one, the lines tell.
    pub(crate) fn epoch_in(line: &[u8]) -> Option<u64> {
        const EPOCH: &[u8] = b"\"epoch\":\"";
        let digits = &line[memchr::memmem::find(line, EPOCH)? + EPOCH.len()..];
        let digits = str::from_utf8(digits.get(..16)?).ok()?;
        u64::from_str_radix(digits, 16).ok()
    }

    /// Reads it off the front of a journal; with its length, the newline counted.
    pub(crate) fn read(bytes: &[u8]) -> Result<(Self, usize), HeaderFault> {
        let end = memchr::memchr(b'\n', bytes).ok_or(HeaderFault::Cut)?;
        let line = &bytes[..end];
        let behind = line.strip_prefix(NAME).ok_or(HeaderFault::Damaged("it is no journal's first line"))?;
        let version = &behind[..behind.iter().take_while(|byte| byte.is_ascii_digit()).count()];
        if version != VERSION && !version.is_empty() {
            return Err(HeaderFault::Newer);
        }
        let damaged = HeaderFault::Damaged("its checksum does not fit");
        let Some(members) = behind.get(VERSION.len() + 1..) else { return Err(damaged) };
        // The epoch is the seed of the sum over it, so it is read on trust first; what follows the content is not part
        // of it.
        let content = members.len().checked_sub(seal::LEN).map(|len| &members[..len]);
        let Some(header) = content.and_then(read_members::<Self>) else {
            return Err(damaged);
        };
        if seal::open(line, header.epoch).is_none() {
            return Err(damaged);
        }
        let mut again = Vec::with_capacity(line.len() + 1);
        header.write(&mut again);
        if again.strip_suffix(b"\n") == Some(line) { Ok((header, end + 1)) } else { Err(HeaderFault::Newer) }
    }
}

/// What a save made: a snapshot of this stamp and layout contains all commits up to `through`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Fold {
    pub(crate) through: u64,
    pub(crate) stamp: Stamp,
    pub(crate) layout: Layout,
}

/// The form of a fold line.
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

/// What every fold line begins with, and no other line.
pub(crate) const FOLD: &[u8] = b"{\"fold\":";

impl Fold {
    /// Of a database that is being removed: nothing holds all commits up to `through`.
    pub(crate) fn nothing(through: u64) -> Self {
        let stamp = Stamp { device: 0, inode: 0, length: 0, modified: (0, 0), changed: None };
        Self { through, stamp, layout: Layout::default() }
    }

    /// Whether it says that the database was removed.
    pub(crate) fn is_of_nothing(&self) -> bool {
        *self == Self::nothing(self.through)
    }

    /// Appends the line.
    pub(crate) fn write(&self, out: &mut Vec<u8>, epoch: u64) {
        let start = out.len();
        self.write_content(out);
        seal::seal(out, start, epoch);
    }

    /// Reads the content of a line whose sum is right. None: it has another form than this version writes.
    pub(crate) fn read(content: &[u8]) -> Option<Self> {
        let FoldLine { fold: Snapshot { stamp, layout }, n } = read_members(content.strip_prefix(b"{")?)?;
        let fold = Self { through: n, stamp, layout };
        let mut again = Vec::with_capacity(content.len());
        fold.write_content(&mut again);
        (again == content).then_some(fold)
    }

    fn write_content(&self, out: &mut Vec<u8>) {
        // A time of the rename would never be right.
        let stamp = Stamp { changed: None, ..self.stamp };
        out.push(b'{');
        write_members(out, &FoldLine { fold: Snapshot { stamp, layout: self.layout }, n: self.through });
    }
}

/// Appends an object without its braces.
fn write_members(out: &mut Vec<u8>, object: &impl Serialize) {
    let start = out.len();
    serde_json::to_writer(&mut *out, object).expect("numbers and text are JSON, and a Vec takes all of it");
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
    fn a_header_reads_back_and_no_flipped_bit_or_cut_of_it_does() {
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
            assert!(matches!(Header::read(&bytes), Err(HeaderFault::Damaged(_) | HeaderFault::Newer)), "bit {bit}");
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
            assert!(matches!(Header::read(&[other, b"\n"].concat()), Err(HeaderFault::Damaged(_))));
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
