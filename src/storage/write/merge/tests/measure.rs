//! The cost of a fold compared to copying the same bytes.

#![expect(clippy::print_stderr, reason = "it measures")]

use std::cell::Cell;
use std::fmt::Write as _;
use std::time::Instant;

use super::model::{NOW, layout_of};
use crate::expiry::Timestamp;
use crate::storage::files::disk::{Disk as _, DiskFile, Real};
use crate::storage::read::arena::Arena;
use crate::storage::read::layers::{Layer, Layers};
use crate::storage::read::overlay::Overlay;
use crate::storage::read::snapshot::Document;
use crate::storage::read::snapshot::index::Indexed;
use crate::storage::write::merge::fold::{Below, fold, fold_by};

/// Files of the operating system, in a temporary folder.
struct Files(tempfile::TempDir, Cell<u32>);

impl Files {
    fn next(&self) -> Box<dyn DiskFile> {
        self.1.set(self.1.get() + 1);
        Real.create(&self.0.path().join(self.1.get().to_string())).unwrap()
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
    let files = Files(tempfile::tempdir_in(".").unwrap(), Cell::new(0));
    let file = files.next();
    file.append(text.as_bytes()).unwrap();
    let old = Indexed::new(file, layout_of(&text));
    let now = Timestamp::from_millis(NOW);
    let (from, to) = (0, old.layout().length);
    for _ in 0..2 {
        let start = Instant::now();
        let out = files.next();
        out.append_from(old.file(), from, to).unwrap();
        eprintln!("copy of {to} bytes: {:?}", start.elapsed());
    }
    let new = format!("\"{}\"", "n".repeat(98));
    for count in [1, 998, 1_000, 10_000, 100_000, 1_000_000] {
        let mut arena = Arena::default();
        for n in 0..count {
            arena.push(&format!("key:{:09}", (n * 387_420_489) % COUNT), &new, None);
        }
        let (sorted, overlay) = (arena.sort(), Overlay::default());
        let layers = || Layers::new([Layer::Sets(sorted.iter()), Layer::Overlay(overlay.iter())]);
        for lines_each in [0, u64::MAX] {
            if lines_each == 0 && count > 10_000 {
                continue;
            }
            let start = Instant::now();
            let out = files.next();
            let layout = fold_by(&*out, Below::Indexed(&old), &layers(), now, lines_each).unwrap();
            let how = if lines_each == 0 { "keys found" } else { "all lines passed" };
            eprintln!("fold of {count} changes, {how}: {:?}", start.elapsed());
            assert_eq!(layout.count, COUNT as u64);
        }
        if count == COUNT {
            let start = Instant::now();
            fold(&*files.next(), Below::Document(&Document::default()), &layers(), now).unwrap();
            eprintln!("fold of {count} changes on nothing: {:?}", start.elapsed());
        }
    }
}
