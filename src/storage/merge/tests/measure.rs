//! What a fold costs beside a copy of the same bytes.

#![expect(clippy::print_stderr, reason = "it measures")]

use std::fmt::Write as _;
use std::fs::File;
use std::io::{self, Seek as _, SeekFrom, Write as _};
use std::os::unix::fs::FileExt as _;
use std::time::Instant;

use super::model::{NOW, layout_of};
use crate::expiry::Timestamp;
use crate::storage::disk::{DiskFile, Identity};
use crate::storage::merge::fold::{Below, fold, fold_by};
use crate::storage::merge::layers::{Layer, Layers};
use crate::storage::overlay::{Bulk, Overlay};
use crate::storage::snapshot::Document;
use crate::storage::snapshot::index::Indexed;

/// A file of the system.
#[derive(Debug)]
struct Real(File);

impl Real {
    fn new() -> Self {
        Self(tempfile::tempfile_in(".").unwrap())
    }
}

impl DiskFile for Real {
    fn identity(&self) -> io::Result<Identity> {
        Err(io::ErrorKind::Unsupported.into())
    }

    fn read_at(&self, buffer: &mut [u8], at: u64) -> io::Result<usize> {
        self.0.read_at(buffer, at)
    }

    fn append(&self, bytes: &[u8]) -> io::Result<()> {
        (&self.0).write_all(bytes)
    }

    fn append_from(&self, other: &dyn DiskFile, from: u64, to: u64) -> io::Result<()> {
        let mut other = other.real().unwrap();
        other.seek(SeekFrom::Start(from))?;
        std::io::copy(&mut std::io::Read::take(other, to - from), &mut &self.0).map(|_| ())
    }

    fn sync_data(&self) -> io::Result<()> {
        Ok(())
    }

    fn sync_all(&self) -> io::Result<()> {
        Ok(())
    }

    fn inherit(&self, _: &dyn DiskFile) -> io::Result<Vec<&'static str>> {
        Ok(Vec::new())
    }

    fn try_lock(&self) -> io::Result<bool> {
        Ok(true)
    }

    fn unlock(&self) -> io::Result<()> {
        Ok(())
    }

    fn real(&self) -> Option<&File> {
        Some(&self.0)
    }
}

#[test]
#[ignore = "a measurement: cargo test --release -- --ignored --nocapture what_a_fold_costs"]
fn what_a_fold_costs() {
    const COUNT: usize = 1_000_000;
    let mut text = "{\n  \"map\": {\n".to_owned();
    for n in 0..COUNT {
        let comma = if n + 1 < COUNT { "," } else { "" };
        writeln!(text, "    \"key:{n:09}\": \"{}\"{comma}", "v".repeat(98)).unwrap();
    }
    text += "  }\n}\n";
    let file = Real::new();
    file.append(text.as_bytes()).unwrap();
    let old = Indexed::new(Box::new(file), layout_of(&text));
    let now = Timestamp::from_millis(NOW);
    let (from, to) = (0, old.layout().length);
    for _ in 0..2 {
        let start = Instant::now();
        let out = Real::new();
        out.append_from(old.file(), from, to).unwrap();
        eprintln!("copy of {to} bytes: {:?}", start.elapsed());
    }
    let new = format!("\"{}\"", "n".repeat(98));
    for count in [1, 998, 1_000, 10_000, 100_000, 1_000_000] {
        let mut bulk = Bulk::default();
        for n in 0..count {
            bulk.push(&format!("key:{:09}", (n * 387_420_489) % COUNT), &new);
        }
        let (sorted, overlay) = (bulk.sort(), Overlay::default());
        let layers = || Layers::new([Layer::Bulk(sorted.iter()), Layer::Overlay(overlay.iter())]);
        for lines_each in [0, u64::MAX] {
            if lines_each == 0 && count > 10_000 {
                continue;
            }
            let start = Instant::now();
            let out = Real::new();
            let layout = fold_by(&out, Below::Indexed(&old), &layers(), now, lines_each).unwrap();
            let how = if lines_each == 0 { "keys found" } else { "all lines passed" };
            eprintln!("fold of {count} changes, {how}: {:?}", start.elapsed());
            assert_eq!(layout.count, COUNT as u64);
        }
        if count == COUNT {
            let start = Instant::now();
            fold(&Real::new(), Below::Document(&Document::default()), &layers(), now).unwrap();
            eprintln!("fold of {count} changes on nothing: {:?}", start.elapsed());
        }
    }
}
