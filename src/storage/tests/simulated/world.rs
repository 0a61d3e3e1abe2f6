//! What programs see on a disk ("live") and what a power cut would leave of it ("durable").

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::storage::files::disk::{Identity, Rename};

/// The file of each name, as an index into [`World::files`].
pub(super) type Names = BTreeMap<Arc<Path>, usize>;

/// A disk at one moment. Cheap to clone: contents are shared until they change.
#[derive(Clone, Debug, Default)]
pub(super) struct World {
    /// Every file that ever existed, even without a name: its content may reappear.
    pub(super) files: Vec<Inode>,
    pub(super) names: Names,
    /// The names that are certainly durable.
    pub(super) base: Names,
    /// Changes of names since then, oldest first.
    pub(super) changes: Vec<NameChange>,
    pub(super) folders: BTreeSet<PathBuf>,
    /// Incremented by every change.
    pub(super) clock: u64,
    pub(super) habits: Habits,
    /// The number of power cuts.
    pub(super) boot: u64,
    last_number: u64,
}

/// Differences between file systems.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Habits {
    /// How many changes get the same time.
    pub(crate) tick: u64,
    /// Whether a new file gets the smallest free inode number, rather than one that was never used.
    pub(crate) reuse_numbers: bool,
    /// Whether the exchanging rename is supported.
    pub(crate) exchange: bool,
}

impl Default for Habits {
    fn default() -> Self {
        Self { tick: 1, reuse_numbers: false, exchange: true }
    }
}

#[derive(Clone, Debug)]
pub(super) struct Inode {
    pub(super) number: u64,
    pub(super) content: Arc<Vec<u8>>,
    /// Writes that a power cut may undo, in the order of their offsets.
    pub(super) unsynced: Vec<Write>,
    pub(super) modified: u64,
    /// When content or attributes last changed.
    pub(super) changed: u64,
    /// When a name of it last changed.
    pub(super) renamed: u64,
    /// The same, counting only changes that are certainly durable.
    pub(super) renamed_for_good: u64,
    /// The values of `modified` and `changed` that a power cut cannot undo.
    pub(super) durable_times: (u64, u64),
    pub(super) mode: u32,
    pub(super) owner: (u32, u32),
    /// Whether it is a lock file; its note is never synced.
    pub(super) is_lock: bool,
    /// The handle that holds its lock.
    pub(super) locked_by: Option<u64>,
    pub(super) handles: usize,
}

/// The place of an append.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Write {
    pub(super) from: usize,
    pub(super) to: usize,
    /// Whether a sync of it failed: a later sync does not make it durable, even if it reports success.
    pub(super) given_up: bool,
}

/// One change of names, which happens completely or not at all.
#[derive(Clone, Debug)]
pub(super) struct NameChange {
    pub(super) folder: PathBuf,
    /// The files that names must lead to for it to be possible.
    pub(super) needs: Vec<(Arc<Path>, Option<usize>)>,
    pub(super) sets: Vec<(Arc<Path>, Option<usize>)>,
    /// The files whose ctime it sets.
    touches: Vec<usize>,
    at: u64,
    pub(super) durable: bool,
    /// As for [`Write::given_up`].
    pub(super) given_up: bool,
}

impl NameChange {
    pub(super) fn is_possible(&self, names: &Names) -> bool {
        self.needs.iter().all(|(path, to)| names.get(path) == to.as_ref())
    }

    pub(super) fn apply(&self, names: &mut Names) {
        for (path, to) in &self.sets {
            match to {
                Some(file) => names.insert(Arc::clone(path), *file),
                None => names.remove(path),
            };
        }
    }
}

impl World {
    pub(super) fn now(&mut self) -> u64 {
        self.clock += 1;
        self.clock / self.habits.tick.max(1)
    }

    /// The same disk without any files, some time later.
    pub(super) fn without_files(&self) -> Self {
        let folders = self.folders.clone();
        let clock = self.clock + 1000 * self.habits.tick;
        Self {
            folders,
            clock,
            habits: self.habits,
            boot: self.boot + 1,
            last_number: self.last_number,
            ..Self::default()
        }
    }

    pub(super) fn new_file(&mut self, mode: u32) -> usize {
        let at = self.now();
        let taken: BTreeSet<u64> = (self.files.iter().enumerate())
            .filter(|(file, inode)| inode.handles > 0 || self.names.values().any(|named| named == file))
            .map(|(_, inode)| inode.number)
            .collect();
        let number = if self.habits.reuse_numbers {
            (1..=self.last_number).find(|number| !taken.contains(number)).unwrap_or(self.last_number + 1)
        } else {
            self.last_number + 1
        };
        self.last_number = self.last_number.max(number);
        self.files.push(Inode {
            number,
            content: Arc::default(),
            unsynced: Vec::new(),
            modified: at,
            changed: at,
            renamed: at,
            renamed_for_good: at,
            durable_times: (at, at),
            mode,
            owner: (1000, 1000),
            is_lock: false,
            locked_by: None,
            handles: 0,
        });
        self.files.len() - 1
    }

    pub(super) fn identity(&self, file: usize) -> Identity {
        let inode = &self.files[file];
        let time = |at: u64| (1_700_000_000 + (at / 1000).cast_signed(), (at % 1000 * 1_000_000).cast_signed());
        Identity {
            device: 7,
            inode: inode.number,
            len: inode.content.len() as u64,
            modified: time(inode.modified),
            changed: time(inode.changed.max(inode.renamed)),
            links: self.names.values().filter(|named| **named == file).count() as u64,
            mode: inode.mode,
            owner: inode.owner,
        }
    }

    pub(super) fn append(&mut self, file: usize, bytes: &[u8]) {
        let at = self.now();
        let inode = &mut self.files[file];
        let from = inode.content.len();
        Arc::make_mut(&mut inode.content).extend_from_slice(bytes);
        if !bytes.is_empty() {
            inode.unsynced.push(Write { from, to: from + bytes.len(), given_up: false });
            (inode.modified, inode.changed) = (at, at);
        }
    }

    /// Truncates the file to `len`. The removed part cannot reappear; the previous moment covers that case.
    pub(super) fn cut(&mut self, file: usize, len: usize) {
        let at = self.now();
        let inode = &mut self.files[file];
        Arc::make_mut(&mut inode.content).truncate(len);
        inode.unsynced.retain(|write| write.from < len);
        for write in &mut inode.unsynced {
            write.to = write.to.min(len);
        }
        (inode.modified, inode.changed) = (at, at);
    }

    /// Replaces the content, like an editor that writes in place; durable at once.
    pub(super) fn overwrite(&mut self, file: usize, bytes: &[u8]) {
        let at = self.now();
        let inode = &mut self.files[file];
        inode.content = Arc::new(bytes.to_vec());
        inode.unsynced.clear();
        (inode.modified, inode.changed) = (at, at);
        inode.durable_times = (at, at);
    }

    pub(super) fn sync(&mut self, file: usize, times: bool) {
        let inode = &mut self.files[file];
        // A new length makes the times durable, too.
        if times || !inode.unsynced.is_empty() {
            inode.durable_times = (inode.modified, inode.changed.max(inode.renamed));
        }
        inode.unsynced.retain(|write| write.given_up);
    }

    pub(super) fn fail_to_sync(&mut self, file: usize) {
        for write in &mut self.files[file].unsynced {
            write.given_up = true;
        }
    }

    pub(super) fn create(&mut self, path: &Arc<Path>, file: usize) {
        self.change(path, vec![(Arc::clone(path), None)], vec![(Arc::clone(path), Some(file))]);
    }

    /// Gives a file a name durably, replacing any other file.
    pub(super) fn put(&mut self, path: &Arc<Path>, file: usize) {
        self.change(path, Vec::new(), vec![(Arc::clone(path), Some(file))]);
        if let Some(change) = self.changes.last_mut() {
            change.durable = true;
        }
        self.fold_changes();
    }

    pub(super) fn remove(&mut self, path: &Arc<Path>) {
        let file = self.names.get(path).copied();
        self.change(path, vec![(Arc::clone(path), file)], vec![(Arc::clone(path), None)]);
    }

    pub(super) fn rename(&mut self, from: &Arc<Path>, to: &Arc<Path>, how: Rename) {
        let (moved, there) = (self.names.get(from).copied(), self.names.get(to).copied());
        let mut needs = vec![(Arc::clone(from), moved)];
        let mut sets = vec![(Arc::clone(from), None), (Arc::clone(to), moved)];
        match how {
            Rename::Replace => {}
            Rename::New => needs.push((Arc::clone(to), None)),
            Rename::Exchange => {
                needs.push((Arc::clone(to), there));
                sets[0].1 = there;
            }
        }
        self.change(to, needs, sets);
    }

    fn change(&mut self, path: &Path, needs: Vec<(Arc<Path>, Option<usize>)>, sets: Vec<(Arc<Path>, Option<usize>)>) {
        let at = self.now();
        // Losing a name is a change, too.
        let before = sets.iter().filter_map(|(path, _)| self.names.get(path).copied());
        let touches: Vec<usize> = before.chain(sets.iter().filter_map(|(_, file)| *file)).collect();
        for &file in &touches {
            self.files[file].renamed = at;
        }
        let folder = path.parent().unwrap_or(path).to_owned();
        let change = NameChange { folder, needs, sets, touches, at, durable: false, given_up: false };
        change.apply(&mut self.names);
        self.changes.push(change);
    }

    pub(super) fn sync_folder(&mut self, folder: &Path) {
        for change in self.changes.iter_mut().filter(|change| change.folder == folder) {
            change.durable |= !change.given_up;
        }
        self.fold_changes();
    }

    /// Moves the oldest changes to the base, as far as they are durable.
    fn fold_changes(&mut self) {
        let durable = self.changes.iter().take_while(|change| change.durable).count();
        for change in self.changes.drain(..durable) {
            change.apply(&mut self.base);
            for file in change.touches {
                self.files[file].renamed_for_good = change.at;
            }
        }
    }

    pub(super) fn fail_to_sync_folder(&mut self, folder: &Path) {
        for change in self.changes.iter_mut().filter(|change| change.folder == folder) {
            change.given_up |= !change.durable;
        }
    }

    /// When the names of a file last changed, if only some of the pending changes happened.
    pub(super) fn renamed(&self, file: usize, happened: &[bool]) -> u64 {
        let kept = self.changes.iter().zip(happened).filter(|(change, kept)| **kept && change.touches.contains(&file));
        kept.map(|(change, _)| change.at).fold(self.files[file].renamed_for_good, u64::max)
    }
}
