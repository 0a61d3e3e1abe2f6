//! Entries that expire: a cache of sessions, each for half an hour.
//!
//! `cargo run --example session_cache`, or with a path behind `--` to keep the file.

use std::error::Error;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use rusty_kv::{Database, Entry, Options, Timestamp, format_duration, parse_duration};

/// An example cannot wait for half an hour, so it brings a clock that can be turned forward. A program would open its
/// database with `Database::open` and go by the system's clock.
static MILLIS: AtomicU64 = AtomicU64::new(1_795_406_400_000);

fn clock() -> Timestamp {
    Timestamp::from_millis(MILLIS.load(Ordering::Relaxed))
}

fn main() -> Result<(), Box<dyn Error>> {
    let folder = tempfile::tempdir()?;
    let path = std::env::args_os().nth(1).map_or_else(|| folder.path().join("kv.json"), PathBuf::from);
    let mut db = Options::new().clock(clock).open(path)?;

    let half_an_hour = parse_duration("30m")?;
    log_in(&mut db, "session:1", "Ada", half_an_hour)?;
    println!("it is {}", db.now());
    show(&db, "session:1")?;

    turn_forward(Duration::from_mins(20));
    log_in(&mut db, "session:2", "Grace", half_an_hour)?;
    println!("20 minutes later");
    show(&db, "session:1")?;
    show(&db, "session:2")?;

    turn_forward(Duration::from_mins(10));
    println!("10 minutes later");
    show(&db, "session:1")?;
    show(&db, "session:2")?;

    // Whoever does something stays logged in: a new expiry for the same value.
    let expiry = db.now().after(half_an_hour)?;
    db.expire("session:2", Some(expiry))?;
    println!("after a click");
    show(&db, "session:2")?;
    Ok(())
}

fn log_in(db: &mut Database, session: &str, user: &str, span: Duration) -> rusty_kv::Result<()> {
    let expiry = Some(db.now().after(span)?);
    db.set_entry(session, Entry { expiry, ..Entry::from(user) })
}

fn show(db: &Database, session: &str) -> rusty_kv::Result<()> {
    match db.entry(session)? {
        Some(Entry { value, expiry: Some(expiry) }) => {
            println!("  {session}: {value}, for {} more", format_duration(expiry.since(db.now())));
        }
        Some(Entry { value, expiry: None }) => println!("  {session}: {value}, for ever"),
        None => println!("  {session}: nobody"),
    }
    Ok(())
}

fn turn_forward(span: Duration) {
    let millis = u64::try_from(span.as_millis()).expect("half an hour fits");
    MILLIS.fetch_add(millis, Ordering::Relaxed);
}
