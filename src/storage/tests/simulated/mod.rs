//! A disk in memory for tests, which knows what a power cut would leave of it, and fails on demand.
//!
//! It distinguishes what programs see from what is durable. [`Moment::crash_states`] visits every disk that a power cut
//! may leave: each change of names that is not covered by a sync of the folder may or may not have happened, and any
//! part of an append that is not covered by a sync of its file may be there, or zeros or stale bytes in its place.
//!
//! Not simulated: symbolic links, permissions, and folders that are not durable
//! ([`Real`](crate::storage::files::disk::Real) syncs those it creates).

mod crash;
mod fault;
mod handle;
mod random;
mod turns;
mod world;

mod tests;

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rustix::io::Errno;

use crate::error::{Error, Result};
use crate::storage::files::disk::{
    Disk, DiskFile, Folder, Identity, LockFile, OpenAs, Rename, is_temporary, write_error,
};

use self::fault::{Fate, Fault};
use self::handle::{Handle, OpenFolder};
use self::turns::Turns;
use self::world::World;

pub(crate) use self::crash::{Crashed, Cuts, Moment};
pub(crate) use self::fault::{Injected, Operation, Until};
pub(crate) use self::random::Random;
pub(crate) use self::world::Habits;

/// A simulated disk; its clones are the same disk.
#[derive(Clone)]
pub(crate) struct Simulated {
    shared: Arc<Mutex<Shared>>,
    /// Set if its operations wait for their turns.
    turns: Option<(Arc<Turns>, usize)>,
}

type Predicate = Box<dyn FnMut(&Operation) -> bool + Send>;

struct Shared {
    world: World,
    /// The requested changes, including failed ones.
    log: Vec<Operation>,
    looks: u64,
    stop_after: Option<u64>,
    change_fault: Option<Fault>,
    look_fault: Option<Fault>,
    injected: u64,
    lies: Option<Predicate>,
    moments: Option<Vec<Moment>>,
    mark: u64,
    /// Runs before the first change for which the predicate is true.
    action: Option<(Predicate, Box<dyn FnOnce() + Send>)>,
}

impl Simulated {
    /// An empty disk with one folder.
    pub(crate) fn new(folder: &Path) -> Self {
        let mut world = World::default();
        world.folders.extend(folder.ancestors().map(Path::to_owned));
        Self::of(world)
    }

    fn of(world: World) -> Self {
        let shared = Shared {
            world,
            log: Vec::new(),
            looks: 0,
            stop_after: None,
            change_fault: None,
            look_fault: None,
            injected: 0,
            lies: None,
            moments: None,
            mark: 0,
            action: None,
        };
        Self { shared: Arc::new(Mutex::new(shared)), turns: None }
    }

    fn shared(&self) -> MutexGuard<'_, Shared> {
        // A test that failed in another thread must still be able to close its files.
        self.shared.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn set_habits(&self, habits: Habits) {
        self.shared().world.habits = habits;
    }

    /// Makes the change with this number (from 1) fail, or all from there on.
    pub(crate) fn fail(&self, at: u64, kind: Injected, until: Until) {
        self.shared().change_fault = Some(Fault { at, kind, until });
    }

    /// The same for operations that change nothing: opening, reading, querying an identity, locking.
    pub(crate) fn fail_look(&self, at: u64, kind: Injected, until: Until) {
        self.shared().look_fault = Some(Fault { at, kind, until });
    }

    /// Makes everything work again, including syncs that lie.
    pub(crate) fn heal(&self) {
        let mut shared = self.shared();
        (shared.change_fault, shared.look_fault, shared.stop_after, shared.lies) = (None, None, None, None);
    }

    /// Makes everything fail after this many changes, as if the machine had stopped.
    pub(crate) fn stop_after(&self, changes: u64) {
        self.shared().stop_after = Some(changes);
    }

    /// Makes syncs for which `is_lie` is true report success without doing anything.
    pub(crate) fn lie(&self, is_lie: impl FnMut(&Operation) -> bool + Send + 'static) {
        self.shared().lies = Some(Box::new(is_lie));
    }

    /// The number of changes so far, including failed ones.
    pub(crate) fn changes(&self) -> u64 {
        self.shared().log.len() as u64
    }

    pub(crate) fn looks(&self) -> u64 {
        self.shared().looks
    }

    /// How many operations were made to fail.
    pub(crate) fn injected(&self) -> u64 {
        self.shared().injected
    }

    /// Starts recording the moment before each change.
    pub(crate) fn record(&self) {
        self.shared().moments = Some(Vec::new());
    }

    /// Sets the mark of moments from now on, e.g. how many commands were acknowledged.
    pub(crate) fn mark(&self, mark: u64) {
        self.shared().mark = mark;
    }

    /// Returns the recorded moments and the current one, and stops recording.
    pub(crate) fn take_moments(&self) -> Vec<Moment> {
        let mut moments = self.shared().moments.take().unwrap_or_default();
        moments.push(self.moment());
        moments
    }

    pub(crate) fn moment(&self) -> Moment {
        self.shared().moment()
    }

    /// The names of all files, in order.
    pub(crate) fn names(&self) -> Vec<PathBuf> {
        self.shared().world.names.keys().map(|path| path.to_path_buf()).collect()
    }

    pub(crate) fn content(&self, path: &Path) -> Option<Vec<u8>> {
        let shared = self.shared();
        shared.world.names.get(path).map(|&file| shared.world.files[file].content.to_vec())
    }

    /// Puts a new file there durably, as another program would. Not counted as a change.
    pub(crate) fn put(&self, path: &Path, bytes: &[u8]) {
        let mut shared = self.shared();
        let file = shared.world.new_file(0o600);
        shared.world.overwrite(file, bytes);
        shared.world.put(&path.into(), file);
    }

    /// Overwrites a file in place durably, as another program would. Not counted as a change.
    pub(crate) fn edit(&self, path: &Path, bytes: &[u8]) {
        let mut shared = self.shared();
        let file = shared.world.names[path];
        shared.world.overwrite(file, bytes);
    }

    /// Runs `action` before the first change for which `is_wanted` is true; it may use the disk.
    pub(crate) fn before(
        &self,
        is_wanted: impl FnMut(&Operation) -> bool + Send + 'static,
        action: impl FnOnce() + Send + 'static,
    ) {
        self.shared().action = Some((Box::new(is_wanted), Box::new(action)));
    }

    /// The requested changes, including failed ones.
    pub(crate) fn operations(&self) -> Vec<Operation> {
        self.shared().log.clone()
    }

    /// Handles of the same disk for `count` threads, which take turns in an order derived from a seed.
    pub(crate) fn taking_turns(&self, seed: u64, count: usize) -> Vec<Self> {
        let turns = Arc::new(Turns::new(seed, count));
        (0..count)
            .map(|who| Self { shared: Arc::clone(&self.shared), turns: Some((Arc::clone(&turns), who)) })
            .collect()
    }

    /// Ends the turns of the current thread.
    pub(crate) fn leave(&self) {
        if let Some((turns, who)) = &self.turns {
            turns.leave(*who);
        }
    }

    /// Waits for this thread's turn, which lasts until it asks for the next one.
    pub(crate) fn take_turn(&self) {
        if let Some((turns, who)) = &self.turns {
            turns.take(*who);
        }
    }

    fn look(&self) -> io::Result<MutexGuard<'_, Shared>> {
        self.take_turn();
        let mut shared = self.shared();
        shared.check_running()?;
        shared.looks += 1;
        match shared.look_fault.filter(|fault| fault.hits(shared.looks)) {
            Some(fault) => {
                shared.injected += 1;
                Err(fault.kind.error())
            }
            None => Ok(shared),
        }
    }

    /// Performs `change`, unless the operation is to fail.
    fn change<T: Default>(
        &self,
        operation: Operation,
        change: impl FnOnce(&mut World, Fate) -> io::Result<T>,
    ) -> io::Result<T> {
        self.take_turn();
        let action = self.shared().action.take_if(|(is_wanted, _)| is_wanted(&operation));
        if let Some((_, action)) = action {
            action();
        }
        let mut shared = self.shared();
        shared.check_running()?;
        if shared.moments.is_some() {
            let moment = shared.moment();
            shared.moments.get_or_insert_default().push(moment);
        }
        let lie = operation.is_sync() && shared.lies.as_mut().is_some_and(|lies| lies(&operation));
        shared.log.push(operation);
        let number = shared.log.len() as u64;
        let Some(fault) = shared.change_fault.filter(|fault| fault.hits(number)) else {
            return change(&mut shared.world, if lie { Fate::Lie } else { Fate::Done });
        };
        shared.injected += 1;
        let fate = match fault.kind {
            Injected::Error(_) => Fate::Lost,
            Injected::Short => Fate::Half,
            Injected::Done => Fate::Done,
        };
        change(&mut shared.world, fate)?;
        Err(fault.kind.error())
    }
}

impl Shared {
    fn check_running(&self) -> io::Result<()> {
        match self.stop_after {
            Some(stop) if self.log.len() as u64 >= stop => Err(io::Error::other("the machine stopped")),
            _ => Ok(()),
        }
    }

    fn moment(&self) -> Moment {
        Moment { changes: self.log.len() as u64, mark: self.mark, world: self.world.clone() }
    }
}

impl fmt::Debug for Simulated {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Simulated")
    }
}

impl Disk for Simulated {
    fn identity(&self, path: &Path) -> Result<Option<Identity>> {
        let shared = self.look().map_err(|source| Error::Open { path: path.to_owned(), source })?;
        Ok(shared.world.names.get(path).map(|&file| shared.world.identity(file)))
    }

    fn open(&self, path: &Path, how: OpenAs) -> Result<Option<Box<dyn DiskFile>>> {
        let mut shared = self.look().map_err(|source| match how {
            OpenAs::Snapshot | OpenAs::Side => Error::Open { path: path.to_owned(), source },
            OpenAs::SideAppend => write_error("open", path.to_owned(), source),
        })?;
        if shared.world.folders.contains(path) {
            return Err(Error::Unsuitable { path: path.to_owned(), reason: "Is a directory".to_owned() });
        }
        let Some((path, &file)) = shared.world.names.get_key_value(path) else { return Ok(None) };
        let path = Arc::clone(path);
        Ok(Some(Box::new(Handle::new(self, &mut shared, path, file))))
    }

    fn create(&self, path: &Path) -> io::Result<Box<dyn DiskFile>> {
        let path: Arc<Path> = path.into();
        let file = self.change(Operation::Create(Arc::clone(&path)), |world, fate| create(world, &path, fate))?;
        Ok(Box::new(Handle::new(self, &mut self.shared(), path, file)))
    }

    fn rename(&self, from: &Path, to: &Path, how: Rename) -> io::Result<()> {
        let (from, to): (Arc<Path>, Arc<Path>) = (from.into(), to.into());
        let operation = Operation::Rename { from: Arc::clone(&from), to: Arc::clone(&to), how };
        self.change(operation, |world, fate| {
            let is_there = |path: &Path| world.names.contains_key(path);
            let needed = is_there(&from) && (how != Rename::Exchange || is_there(&to));
            if how == Rename::Exchange && !world.habits.exchange {
                return Err(io::ErrorKind::Unsupported.into());
            } else if !needed {
                return Err(io::ErrorKind::NotFound.into());
            } else if how == Rename::New && is_there(&to) {
                return Err(io::ErrorKind::AlreadyExists.into());
            }
            if fate == Fate::Done {
                world.rename(&from, &to, how);
            }
            Ok(())
        })
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        let path: Arc<Path> = path.into();
        self.change(Operation::Remove(Arc::clone(&path)), |world, fate| {
            if !world.names.contains_key(&path) {
                return Err(io::ErrorKind::NotFound.into());
            }
            if fate == Fate::Done {
                world.remove(&path);
            }
            Ok(())
        })
    }

    fn open_folder(&self, path: &Path) -> io::Result<Box<dyn Folder>> {
        if !self.look()?.world.folders.contains(path) {
            return Err(io::ErrorKind::NotFound.into());
        }
        Ok(Box::new(OpenFolder { disk: self.clone(), path: path.into() }))
    }

    fn make_folder(&self, path: &Path) -> Result<()> {
        if self.shared().world.folders.contains(path) {
            return Ok(());
        }
        self.change(Operation::MakeFolder(path.into()), |world, fate| {
            if fate == Fate::Done {
                world.folders.extend(path.ancestors().map(Path::to_owned));
            }
            Ok(())
        })
        .map_err(|source| write_error("create the folder", path.to_owned(), source))
    }

    fn check_writable(&self, path: &Path) -> Result<()> {
        let failed = |source| write_error("write", path.to_owned(), source);
        let shared = self.look().map_err(failed)?;
        let is_writable = |&file: &usize| shared.world.files[file].mode & 0o200 != 0;
        if shared.world.names.get(path).is_none_or(is_writable) { Ok(()) } else { Err(failed(Errno::ACCESS.into())) }
    }

    fn leftovers(&self, path: &Path) -> Vec<PathBuf> {
        let Ok(shared) = self.look() else { return Vec::new() };
        let is_left_over = |there: &Path| {
            there.parent() == path.parent()
                && there.file_name().zip(path.file_name()).is_some_and(|(there, name)| is_temporary(there, name))
        };
        shared.world.names.keys().filter(|there| is_left_over(there)).map(|there| there.to_path_buf()).collect()
    }

    fn boot(&self) -> String {
        self.shared().world.boot.to_string()
    }

    fn open_lock(&self, path: &Path, database: Option<Identity>) -> Result<Box<dyn LockFile>> {
        let path: Arc<Path> = path.into();
        let there = |shared: &Shared| shared.world.names.get(&path).copied();
        let open = || match self.look().map(|shared| there(&shared))? {
            Some(file) => Ok(file),
            None => self.change(Operation::CreateLock(Arc::clone(&path)), |world, fate| {
                let file = create(world, &path, fate)?;
                if fate == Fate::Done {
                    let inode = &mut world.files[file];
                    inode.is_lock = true;
                    if let Some(database) = database {
                        (inode.mode, inode.owner) = (database.mode | 0o600, database.owner);
                    }
                }
                Ok(file)
            }),
        };
        let opened = loop {
            match open() {
                // Another writer came first.
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                opened => break opened,
            }
        };
        let file = opened.map_err(|source| match source.kind() {
            io::ErrorKind::NotFound => Error::Open { path: path.parent().unwrap_or(&path).to_owned(), source },
            _ => write_error("open", path.to_path_buf(), source),
        })?;
        // It may have been another program's file.
        let mut shared = self.shared();
        shared.world.files[file].is_lock = true;
        Ok(Box::new(Handle::new(self, &mut shared, path, file)))
    }
}

/// Creates a file, unless that is to fail.
fn create(world: &mut World, path: &Arc<Path>, fate: Fate) -> io::Result<usize> {
    if world.names.contains_key(path) {
        return Err(io::ErrorKind::AlreadyExists.into());
    }
    if !path.parent().is_some_and(|folder| world.folders.contains(folder)) {
        return Err(io::ErrorKind::NotFound.into());
    }
    if fate != Fate::Done {
        return Ok(usize::default());
    }
    let file = world.new_file(0o600);
    world.create(path, file);
    Ok(file)
}
