//! The first steps: open a database, set a key, read it back.
//!
//! `cargo run --example hello`, or `cargo run --example hello -- kv.json` to keep the file and look into it.

use std::error::Error;
use std::path::PathBuf;

use rusty_kv::Database;

fn main() -> Result<(), Box<dyn Error>> {
    // The path that was given, or a file in a folder that goes away at the end.
    let folder = tempfile::tempdir()?;
    let path = std::env::args_os().nth(1).map_or_else(|| folder.path().join("kv.json"), PathBuf::from);

    // The file need not be there: the first change makes it.
    let mut db = Database::open(&path)?;
    db.set("hello", "world")?;
    db.set("answer", "42")?;

    // A key that is not there is no error, so `get` gives an Option.
    if let Some(value) = db.get("hello")? {
        println!("hello = {value}");
    }
    println!("goodbye = {:?}", db.get("goodbye")?);

    // Every change was durable when its method returned. Saving rewrites a file that was edited by hand in canonical form,
    // and leaves out what has expired.
    db.save()?;
    print!("{}", std::fs::read_to_string(&path)?);
    Ok(())
}
