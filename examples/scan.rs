//! Keys are sorted, so neighbours are found without looking at the rest: ranges, prefixes, the first and the last.
//!
//! `cargo run --example scan`, or with a path after `--` to keep the file.

use std::error::Error;
use std::path::PathBuf;

use rusty_kv::Database;

fn main() -> Result<(), Box<dyn Error>> {
    let folder = tempfile::tempdir()?;
    let path = std::env::args_os().nth(1).map_or_else(|| folder.path().join("kv.json"), PathBuf::from);
    let mut db = Database::open(path)?;

    // A time at the front of a key makes the order of the keys the order of the events.
    let log = [
        ("log:2026-11-21T08:00", "started"),
        ("log:2026-11-22T09:30", "backup"),
        ("log:2026-11-23T10:15", "upgraded"),
        ("log:2026-11-24T08:00", "stopped"),
        ("user:ada", "admin"),
        ("user:grace", "operator"),
    ];
    db.transaction(|tx| log.iter().try_for_each(|(key, value)| tx.set(key, *value)))?;

    println!("all users:");
    for item in db.prefix("user:") {
        let (key, entry) = item?;
        println!("  {key} = {}", entry.value);
    }

    // The end is left out, as everywhere in Rust; `..=` takes it in.
    println!("from the 22nd up to the 24th:");
    for item in db.range("log:2026-11-22".."log:2026-11-24") {
        let (key, entry) = item?;
        println!("  {key} = {}", entry.value);
    }

    println!("the last two of the log, newest first:");
    for item in db.prefix("log:").rev().take(2) {
        let (key, entry) = item?;
        println!("  {key} = {}", entry.value);
    }

    if let Some(item) = db.iter().next() {
        println!("the first key of all: {}", item?.0);
    }
    println!("{} keys, {} of them in the log", db.len()?, db.prefix("log:").count());
    Ok(())
}
