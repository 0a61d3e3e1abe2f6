//! The library's operations, timed through its public face, at 1,000 and at 100,000 entries: `cargo bench` in this
//! package's folder, `cargo bench -- get` for some of them.
//!
//! They run on the file system of `TMPDIR`. In memory a sync costs nothing, and `set` is then no measure.

use std::hint::black_box;
use std::path::{Path, PathBuf};
use std::time::Duration;

use criterion::{BatchSize, BenchmarkGroup, Criterion, criterion_group, criterion_main, measurement::WallTime};
use rusty_kv::{Database, Result};
use tempfile::TempDir;

const SIZES: [usize; 2] = [1_000, 100_000];

fn key(at: usize) -> String {
    format!("user:{at:08}")
}

/// About 100 bytes of text.
fn value(at: usize) -> String {
    format!("{at:08} amber basin cedar delta ember fjord grove heron inlet jetty kelp lagoon meadow nettle otter")
}

/// Keys of a database of that size, spread over all of it, over and over.
fn keys(size: usize) -> impl Iterator<Item = String> {
    (0..).scan(0, move |at, _: usize| {
        *at = (*at + 7_919) % size;
        Some(key(*at))
    })
}

/// A database with everything in its snapshot.
fn database(folder: &TempDir, size: usize) -> Result<PathBuf> {
    let path = folder.path().join("kv.json");
    let mut db = Database::open(&path)?;
    db.transaction(|tx| (0..size).try_for_each(|at| tx.set(&key(at), value(at))))?;
    db.save()?;
    Ok(path)
}

fn reads(group: &mut BenchmarkGroup<'_, WallTime>, path: &Path, size: usize) -> Result<()> {
    group.bench_function("open", |bench| bench.iter(|| Database::open(path)));
    let mut asked = keys(size);
    group.bench_function("get, cold handle", |bench| {
        bench.iter_batched(
            || asked.next().expect("they do not end"),
            |key| Database::open(path)?.get(&key),
            BatchSize::SmallInput,
        );
    });
    let db = Database::open(path)?;
    group.bench_function("get, warm handle", |bench| {
        bench.iter_batched(|| asked.next().expect("they do not end"), |key| db.get(&key), BatchSize::SmallInput);
    });
    let (from, to) = (key(size / 2), key(size / 2 + 1_000));
    group.bench_function("range of 1,000", |bench| {
        bench.iter(|| {
            db.range::<String>(&from..&to).try_fold(0, |sum, entry| entry.map(|(key, _)| sum + black_box(key).len()))
        });
    });
    Ok(())
}

fn writes(group: &mut BenchmarkGroup<'_, WallTime>, path: &Path, size: usize) -> Result<()> {
    let mut asked = keys(size);
    let mut db = Database::open(path)?;
    group.bench_function("set, durable", |bench| {
        bench.iter_batched(
            || asked.next().expect("they do not end"),
            |key| db.set(&key, "a new value"),
            BatchSize::PerIteration,
        );
    });
    group.bench_function("transaction of 1,000", |bench| {
        bench.iter_batched(
            || asked.by_ref().take(1_000).collect::<Vec<_>>(),
            |keys| db.transaction(|tx| keys.iter().try_for_each(|key| tx.set(key, "a newer value"))),
            BatchSize::PerIteration,
        );
    });
    Ok(())
}

fn library(criterion: &mut Criterion) {
    for size in SIZES {
        let folder = TempDir::new().expect("a folder for the database");
        let mut group = criterion.benchmark_group(format!("{size} entries"));
        group.sample_size(20).warm_up_time(Duration::from_secs(1)).measurement_time(Duration::from_secs(3));
        let done = database(&folder, size).and_then(|path| {
            reads(&mut group, &path, size)?;
            writes(&mut group, &path, size)
        });
        done.expect("the database is usable");
        group.finish();
    }
}

criterion_group!(benches, library);
criterion_main!(benches);
