//! Rust values in and out: structs are stored as readable JSON.
//!
//! `cargo run --example user_profiles`, or with a path after `--` to keep the file.

use std::error::Error;
use std::path::PathBuf;

use rusty_kv::{Database, Value};
use serde::{Deserialize, Serialize};

#[derive(Debug, Serialize, Deserialize)]
struct Profile {
    name: String,
    born: u16,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    languages: Vec<String>,
}

fn main() -> Result<(), Box<dyn Error>> {
    let folder = tempfile::tempdir()?;
    let path = std::env::args_os().nth(1).map_or_else(|| folder.path().join("kv.json"), PathBuf::from);
    let mut db = Database::open(path)?;

    let ada = Profile { name: "Ada".to_owned(), born: 1815, languages: Vec::new() };
    let grace = Profile { name: "Grace".to_owned(), born: 1906, languages: vec!["FLOW-MATIC".to_owned()] };

    // Several changes at once: both are stored, or neither is.
    db.transaction(|tx| {
        tx.set("user:ada", Value::from_serialize(&ada)?)?;
        tx.set("user:grace", Value::from_serialize(&grace)?)
    })?;

    // Read, change and write back in one transaction, so that no other process can come between.
    db.transaction(|tx| {
        let Some(value) = tx.get("user:grace")? else { return Ok(()) };
        let mut grace: Profile = value.deserialize()?;
        grace.languages.push("COBOL".to_owned());
        tx.set("user:grace", Value::from_serialize(&grace)?)
    })?;

    // A struct comes out as it went in.
    if let Some(grace) = db.load::<Profile>("user:grace")? {
        println!("{} ({}) speaks {}", grace.name, grace.born, grace.languages.join(" and "));
    }

    // Without the struct a value is still readable, and a part of it can be named.
    for item in db.prefix("user:") {
        let (key, entry) = item?;
        println!("{key} = {}", entry.value);
        if let Value::Json(json) = &entry.value
            && let Some(language) = json.pointer("/languages/0")?
        {
            println!("  first of all {language}");
        }
    }

    // What does not fit is an error, and not a guess.
    db.set("user:broken", "just a text")?;
    match db.load::<Profile>("user:broken") {
        Ok(profile) => println!("{profile:?}"),
        Err(error) => println!("user:broken is no profile ({error})"),
    }
    db.delete("user:broken")?;
    Ok(())
}
