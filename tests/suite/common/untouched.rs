//! Checks that a file was left alone.

use std::os::unix::fs::MetadataExt;
use std::path::Path;

/// The properties of a refused file that must not change.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Untouched {
    bytes: Vec<u8>,
    inode: u64,
    mode: u32,
    modified: (i64, i64),
}

impl Untouched {
    /// The current state of the file.
    pub(crate) fn of(path: &Path) -> Self {
        let meta = std::fs::metadata(path).expect("the file is there");
        Self {
            bytes: std::fs::read(path).expect("the file can be read"),
            inode: meta.ino(),
            mode: meta.mode(),
            modified: (meta.mtime(), meta.mtime_nsec()),
        }
    }
}
