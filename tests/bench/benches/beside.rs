//! The library beside other embedded stores: `cargo bench --bench beside` in this package's folder; `-- 1000000` sets the number
//! of entries.
//!
//! Each store gets the same entries (16-byte keys, 100-byte values, sorted), is asked for the same random keys, and stores 1,000 keys durably,
//! one sync each. The stores take turns and the medians are printed: read the ratios, not the times.
//! In memory (`TMPDIR` on tmpfs) a sync costs nothing, and the last column says nothing.

use std::error::Error;
use std::hint::black_box;
use std::path::Path;
use std::time::{Duration, Instant};

type Outcome<T = ()> = Result<T, Box<dyn Error>>;

const ROUNDS: usize = 5;
const GETS: usize = 100_000;
const SETS: usize = 1_000;

fn key(at: usize) -> String {
    format!("user:{at:011}")
}

fn value(at: usize) -> String {
    format!("{at:08} amber basin cedar delta ember fjord grove heron inlet jetty kelp lagoon meadow nettle otter")
}

/// The same scattered keys for every store.
fn scattered(count: usize, size: usize) -> impl Iterator<Item = String> {
    const PRIME: usize = 7_919;
    (0..count).map(move |at| key(at * PRIME % size))
}

/// What each store is asked to do.
trait Store: Sized {
    const NAME: &str;
    /// A new store in this folder.
    fn open(folder: &Path) -> Outcome<Self>;
    /// Stores all entries, sorted, durably at the end.
    fn load(&mut self, size: usize) -> Outcome;
    /// The length of a key's value.
    fn get(&self, key: &str) -> Outcome<usize>;
    /// Stores one value, durably.
    fn set(&mut self, key: &str, value: &str) -> Outcome;
}

struct RustyKv(rusty_kv::Database);

impl Store for RustyKv {
    const NAME: &str = "rusty-kv";

    fn open(folder: &Path) -> Outcome<Self> {
        Ok(Self(rusty_kv::Database::open(folder.join("kv.json"))?))
    }

    fn load(&mut self, size: usize) -> Outcome {
        Ok(self.0.extend((0..size).map(|at| (key(at), value(at))))?)
    }

    fn get(&self, key: &str) -> Outcome<usize> {
        Ok(self.0.get(key)?.map_or(0, |value| value.to_string().len()))
    }

    fn set(&mut self, key: &str, value: &str) -> Outcome {
        Ok(self.0.set(key, value)?)
    }
}

struct Lmdb(heed::Env, heed::Database<heed::types::Str, heed::types::Str>);

impl Store for Lmdb {
    const NAME: &str = "LMDB (heed)";

    #[expect(unsafe_code, reason = "LMDB maps its file into memory; nothing else here touches that file")]
    fn open(folder: &Path) -> Outcome<Self> {
        let env = unsafe { heed::EnvOpenOptions::new().map_size(8 << 30).open(folder)? };
        let mut change = env.write_txn()?;
        let table = env.create_database(&mut change, None)?;
        change.commit()?;
        Ok(Self(env, table))
    }

    fn load(&mut self, size: usize) -> Outcome {
        let mut change = self.0.write_txn()?;
        for at in 0..size {
            self.1.put_with_flags(&mut change, heed::PutFlags::APPEND, &key(at), &value(at))?;
        }
        Ok(change.commit()?)
    }

    fn get(&self, key: &str) -> Outcome<usize> {
        let read = self.0.read_txn()?;
        Ok(self.1.get(&read, key)?.map_or(0, |value| value.to_owned().len()))
    }

    fn set(&mut self, key: &str, value: &str) -> Outcome {
        let mut change = self.0.write_txn()?;
        self.1.put(&mut change, key, value)?;
        Ok(change.commit()?)
    }
}

struct Redb(redb::Database);

const TABLE: redb::TableDefinition<'_, &str, &str> = redb::TableDefinition::new("kv");

impl Store for Redb {
    const NAME: &str = "redb";

    fn open(folder: &Path) -> Outcome<Self> {
        Ok(Self(redb::Database::create(folder.join("kv.redb"))?))
    }

    fn load(&mut self, size: usize) -> Outcome {
        let change = self.0.begin_write()?;
        {
            let mut table = change.open_table(TABLE)?;
            for at in 0..size {
                table.insert(key(at).as_str(), value(at).as_str())?;
            }
        }
        Ok(change.commit()?)
    }

    fn get(&self, key: &str) -> Outcome<usize> {
        use redb::ReadableDatabase as _;
        let table = self.0.begin_read()?.open_table(TABLE)?;
        Ok(table.get(key)?.map_or(0, |value| value.value().to_owned().len()))
    }

    fn set(&mut self, key: &str, value: &str) -> Outcome {
        let change = self.0.begin_write()?;
        change.open_table(TABLE)?.insert(key, value)?;
        Ok(change.commit()?)
    }
}

struct Fjall(fjall::Database, fjall::Keyspace);

impl Store for Fjall {
    const NAME: &str = "fjall";

    fn open(folder: &Path) -> Outcome<Self> {
        let db = fjall::Database::builder(folder).open()?;
        let table = db.keyspace("kv", fjall::KeyspaceCreateOptions::default)?;
        Ok(Self(db, table))
    }

    fn load(&mut self, size: usize) -> Outcome {
        for at in 0..size {
            self.1.insert(key(at), value(at))?;
        }
        Ok(self.0.persist(fjall::PersistMode::SyncAll)?)
    }

    fn get(&self, key: &str) -> Outcome<usize> {
        Ok(self.1.get(key)?.map_or(0, |value| value.to_vec().len()))
    }

    fn set(&mut self, key: &str, value: &str) -> Outcome {
        self.1.insert(key, value)?;
        Ok(self.0.persist(fjall::PersistMode::SyncData)?)
    }
}

struct Sqlite(rusqlite::Connection);

impl Store for Sqlite {
    const NAME: &str = "SQLite (rusqlite)";

    fn open(folder: &Path) -> Outcome<Self> {
        let db = rusqlite::Connection::open(folder.join("kv.sqlite"))?;
        db.execute_batch(
            "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; CREATE TABLE kv(k TEXT PRIMARY KEY, v TEXT) WITHOUT ROWID;",
        )?;
        Ok(Self(db))
    }

    fn load(&mut self, size: usize) -> Outcome {
        let change = self.0.transaction()?;
        {
            let mut insert = change.prepare("INSERT INTO kv VALUES(?1, ?2)")?;
            for at in 0..size {
                insert.execute((key(at), value(at)))?;
            }
        }
        Ok(change.commit()?)
    }

    fn get(&self, key: &str) -> Outcome<usize> {
        let mut select = self.0.prepare_cached("SELECT v FROM kv WHERE k = ?1")?;
        Ok(select.query_row([key], |row| row.get::<_, String>(0))?.len())
    }

    fn set(&mut self, key: &str, value: &str) -> Outcome {
        self.0.prepare_cached("REPLACE INTO kv VALUES(?1, ?2)")?.execute([key, value])?;
        Ok(())
    }
}

/// The times of one round: a load, one get, all durable sets.
type Times = [Duration; 3];

fn round<S: Store>(size: usize) -> Outcome<Times> {
    let folder = tempfile::tempdir()?;
    let mut store = S::open(folder.path())?;
    let start = Instant::now();
    store.load(size)?;
    let load = start.elapsed();

    let keys: Vec<String> = scattered(GETS, size).collect();
    let start = Instant::now();
    for key in &keys {
        assert!(black_box(store.get(key)?) > 0, "{} lacks {key}", S::NAME);
    }
    let get = start.elapsed() / u32::try_from(GETS)?;

    let keys: Vec<String> = scattered(SETS, size).collect();
    let start = Instant::now();
    for key in &keys {
        store.set(key, "a new value")?;
    }
    Ok([load, get, start.elapsed()])
}

fn main() -> Outcome {
    let size = std::env::args().skip(1).find_map(|word| word.parse().ok()).unwrap_or(1_000_000);
    let stores: [(&str, fn(usize) -> Outcome<Times>); 5] = [
        (RustyKv::NAME, round::<RustyKv>),
        (Lmdb::NAME, round::<Lmdb>),
        (Redb::NAME, round::<Redb>),
        (Fjall::NAME, round::<Fjall>),
        (Sqlite::NAME, round::<Sqlite>),
    ];
    let mut times = vec![Vec::new(); stores.len()];
    for _ in 0..ROUNDS {
        for ((_, round), times) in stores.iter().zip(&mut times) {
            times.push(round(size)?);
        }
    }
    println!("{:<18} {:>14} {:>14} {:>20}", format!("{size} entries"), "load", "random get", "1,000 durable sets");
    for ((name, _), times) in stores.iter().zip(times) {
        let median = |column: usize| {
            let mut column: Vec<Duration> = times.iter().map(|times| times[column]).collect();
            column.sort_unstable();
            column[column.len() / 2]
        };
        println!("{name:<18} {:>14.2?} {:>14.2?} {:>20.2?}", median(0), median(1), median(2));
    }
    Ok(())
}
