//! A large save is built without the lock: what others do meanwhile comes out as if one had been after the other.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, mpsc};
use std::thread;

use super::super::disk::{Disk, DiskFile, Folder, Identity, LockFile, Open, Rename, Simulated};
use super::super::{Policy, Store};
use super::{NOW, path, settings, state};
use crate::error::{Error, Result};
use crate::storage::record::Stored;
use crate::value::Value;

/// Commits go into the journal, and a save holds the lock for its end only.
const POLICY: Policy = Policy { small: 0, journal: 4000, share: 1, short: 0, memory: 60 };

/// What is done once, just before the disk does something.
type Hook = Box<dyn FnOnce() -> io::Result<()> + Send>;

/// A disk that comes to a stop at the first temporary file, which a save makes after it has looked at what there is, or
/// at the first sync of a file that is there already.
#[derive(Clone)]
struct Halting {
    inner: Simulated,
    create: Arc<Mutex<Option<Hook>>>,
    sync: Arc<Mutex<Option<Hook>>>,
}

impl std::fmt::Debug for Halting {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.inner.fmt(f)
    }
}

impl Halting {
    fn store(disk: &Simulated, create: Option<Hook>, sync: Option<Hook>) -> Store {
        let disk = Self { inner: disk.clone(), create: Arc::new(Mutex::new(create)), sync: Arc::new(Mutex::new(sync)) };
        Store::open_on(Arc::new(disk), path().to_owned(), settings(POLICY)).unwrap()
    }
}

fn halt(hook: &Mutex<Option<Hook>>) -> io::Result<()> {
    let hook = hook.lock().unwrap().take();
    hook.map_or(Ok(()), |hook| hook())
}

impl Disk for Halting {
    fn identity(&self, path: &Path) -> Result<Option<Identity>> {
        self.inner.identity(path)
    }

    fn open(&self, path: &Path, how: Open) -> Result<Option<Box<dyn DiskFile>>> {
        let opened = self.inner.open(path, how)?;
        Ok(opened.map(|inner| Box::new(HaltingFile { inner, sync: Arc::clone(&self.sync) }) as Box<dyn DiskFile>))
    }

    fn create(&self, path: &Path) -> io::Result<Box<dyn DiskFile>> {
        halt(&self.create)?;
        self.inner.create(path)
    }

    fn rename(&self, from: &Path, to: &Path, how: Rename) -> io::Result<()> {
        self.inner.rename(from, to, how)
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        self.inner.remove(path)
    }

    fn open_folder(&self, path: &Path) -> io::Result<Box<dyn Folder>> {
        self.inner.open_folder(path)
    }

    fn make_folder(&self, path: &Path) -> Result<()> {
        self.inner.make_folder(path)
    }

    fn check_writable(&self, path: &Path) -> Result<()> {
        self.inner.check_writable(path)
    }

    fn left_overs(&self, path: &Path) -> Vec<PathBuf> {
        self.inner.left_overs(path)
    }

    fn open_lock(&self, path: &Path, database: Option<Identity>) -> Result<Box<dyn LockFile>> {
        self.inner.open_lock(path, database)
    }
}

struct HaltingFile {
    inner: Box<dyn DiskFile>,
    sync: Arc<Mutex<Option<Hook>>>,
}

impl std::fmt::Debug for HaltingFile {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.inner.fmt(f)
    }
}

impl DiskFile for HaltingFile {
    fn identity(&self) -> io::Result<Identity> {
        self.inner.identity()
    }

    fn read_at(&self, buffer: &mut [u8], at: u64) -> io::Result<usize> {
        self.inner.read_at(buffer, at)
    }

    fn append(&self, bytes: &[u8]) -> io::Result<()> {
        self.inner.append(bytes)
    }

    fn append_from(&self, other: &dyn DiskFile, from: u64, to: u64) -> io::Result<()> {
        self.inner.append_from(other, from, to)
    }

    fn sync_data(&self) -> io::Result<()> {
        halt(&self.sync)?;
        self.inner.sync_data()
    }

    fn sync_all(&self) -> io::Result<()> {
        self.inner.sync_all()
    }

    fn inherit(&self, from: &dyn DiskFile) -> io::Result<Vec<&'static str>> {
        self.inner.inherit(from)
    }

    fn try_lock(&self) -> io::Result<bool> {
        self.inner.try_lock()
    }

    fn unlock(&self) -> io::Result<()> {
        self.inner.unlock()
    }

    fn real(&self) -> Option<&std::fs::File> {
        None
    }
}

/// A disk with a database of a few keys and its journal.
fn disk() -> Simulated {
    let disk = Simulated::new(path().parent().unwrap());
    set(&mut plain(&disk), "counter", "5").unwrap();
    plain(&disk).save(NOW).unwrap();
    set(&mut plain(&disk), "a", "old").unwrap();
    disk
}

fn plain(disk: &Simulated) -> Store {
    Store::open_on(Arc::new(disk.clone()), path().to_owned(), settings(POLICY)).unwrap()
}

fn set(store: &mut Store, key: &str, text: &str) -> Result<()> {
    store.lock()?;
    store.put(key, Some(Stored { text: format!("\"{text}\"").into(), deadline: None }));
    store.commit(NOW)
}

fn texts(disk: &Simulated) -> Vec<(String, String)> {
    state(&plain(disk)).unwrap().into_iter().map(|(key, (text, _))| (key, text.trim_matches('"').to_owned())).collect()
}

fn pairs(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    pairs.iter().map(|&(key, text)| (key.to_owned(), text.to_owned())).collect()
}

#[test]
fn a_commit_beside_a_save_stays() {
    let disk = disk();
    let other = disk.clone();
    let meanwhile: Hook = Box::new(move || {
        set(&mut plain(&other), "a", "new").unwrap();
        Ok(())
    });
    Halting::store(&disk, Some(meanwhile), None).save(NOW).unwrap();
    assert_eq!(texts(&disk), pairs(&[("a", "new"), ("counter", "5")]));
}

#[test]
fn blind_sets_lie_above_the_commits_that_came_while_they_were_merged() {
    let disk = disk();
    let other = disk.clone();
    let meanwhile: Hook = Box::new(move || {
        set(&mut plain(&other), "counter", "6").unwrap();
        set(&mut plain(&other), "b", "beside").unwrap();
        Ok(())
    });
    let mut store = Halting::store(&disk, Some(meanwhile), None);
    for (key, text) in [("counter", "1000000".to_owned()), ("x", "x".repeat(5000))] {
        store.put_blind(key, &Value::Text(text), None).unwrap();
    }
    store.commit(NOW).unwrap();
    let x = "x".repeat(5000);
    assert_eq!(texts(&disk), pairs(&[("a", "old"), ("b", "beside"), ("counter", "1000000"), ("x", &x)]));
}

#[test]
fn a_save_that_saw_a_commit_whose_sync_failed_is_made_again_without_it() {
    let disk = disk();
    let (go, gone) = mpsc::channel::<()>();
    let (reached, wait) = mpsc::channel();
    let stop: Hook = Box::new(move || {
        reached.send(()).unwrap();
        gone.recv().unwrap();
        Ok(())
    });
    let saver = Arc::new(Mutex::new(None));
    let beside = {
        let (disk, saver) = (disk.clone(), Arc::clone(&saver));
        Box::new(move || {
            let save = move || Halting::store(&disk, Some(stop), None).save(NOW);
            *saver.lock().unwrap() = Some(thread::spawn(save));
            wait.recv().unwrap();
            Err(io::Error::other("the disk is broken"))
        })
    };
    let failed = set(&mut Halting::store(&disk, None, Some(beside)), "failed", "there");
    assert!(matches!(failed, Err(Error::Io { .. })), "{failed:?}");
    set(&mut plain(&disk), "acknowledged", "yes").unwrap();
    go.send(()).unwrap();
    saver.lock().unwrap().take().unwrap().join().unwrap().unwrap();
    assert_eq!(texts(&disk), pairs(&[("a", "old"), ("acknowledged", "yes"), ("counter", "5")]));
}

#[test]
fn a_save_leaves_the_temporary_file_of_another_that_is_under_way() {
    let disk = disk();
    let other = disk.clone();
    let (left, swept) = (PathBuf::from("/simulated/kv.json.tmp-0123456789abcdef"), disk.clone());
    disk.put(&left, b"of a killed writer");
    let mut store = Halting::store(&disk, None, None);
    // Behind the sync of its own file the save has a temporary file under way.
    let file = super::super::save::Temp::create(&other, path()).unwrap();
    store.save(NOW).unwrap();
    assert!(swept.content(&left).is_none(), "what nobody holds is gone");
    assert!(swept.content(&file.path).is_some(), "what somebody holds is there");
}
