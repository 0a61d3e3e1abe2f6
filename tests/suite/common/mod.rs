//! Helpers shared by the tests.

pub(crate) mod changes;
pub(crate) mod fold;
#[cfg(feature = "shell")]
pub(crate) mod help_examples;
pub(crate) mod large;
pub(crate) mod nobody;
pub(crate) mod note;
#[cfg(feature = "shell")]
pub(crate) mod process;
#[path = "../../../src/storage/tests/simulated/random.rs"]
pub(crate) mod random;
#[cfg(feature = "redis")]
pub(crate) mod redis_server;
#[cfg(feature = "shell")]
pub(crate) mod shown;
pub(crate) mod tokens;
pub(crate) mod untouched;

use std::fs::File;
use std::io::Write;
use std::path::Path;

use tempfile::TempDir;

/// A folder that is removed after the test; in memory if the system has such a place, where a sync costs nothing.
pub(crate) fn folder() -> TempDir {
    let memory = Path::new("/dev/shm");
    tempfile::tempdir_in(memory).or_else(|_| tempfile::tempdir()).expect("a temporary folder can be made")
}

/// Writes a file in place, like a program that does not use the lock.
pub(crate) fn put(path: &Path, bytes: impl AsRef<[u8]>) {
    let mut file = File::create(path).expect("the file can be written");
    file.write_all(bytes.as_ref()).expect("the file can be written");
}
