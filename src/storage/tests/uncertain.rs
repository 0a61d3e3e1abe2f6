//! What a failed write leaves, and how it is reported.

use super::simulated::{Cuts, Habits, Injected, Operation, Simulated, Until};
use super::workload::{change, commit};
use super::{NOW, open, path, state};
use crate::error::{Error, Result};
use crate::storage::check::files::Files;
use crate::storage::check::report::Report;
use crate::storage::files::disk::{self, Disk, JOURNAL};
use crate::storage::files::lock::WritersLock;
use crate::storage::files::uncertain::Uncertain;
use crate::storage::{Policy, Storage};

const LARGE: Policy = Policy { small: 0, journal: 4000, share: 1, short: 4000, memory: 1 << 20 };

/// A database whose journal holds a change of `b`.
fn filled() -> (Simulated, Storage) {
    let disk = Simulated::new(path().parent().unwrap());
    let mut store = open(&disk, LARGE).unwrap();
    commit(&mut store, &[change("a", "1")]).unwrap();
    store.save(NOW).unwrap();
    commit(&mut store, &[change("b", "2")]).unwrap();
    (disk, store)
}

fn journal(disk: &Simulated) -> Vec<u8> {
    disk.content(&disk::with_suffix(path(), JOURNAL)).unwrap()
}

/// How many changes `write` makes before the first one for which `is_wanted` is true.
fn changes_before(write: impl Fn(&mut Storage) -> Result<()>, is_wanted: impl Fn(&Operation) -> bool) -> u64 {
    let (disk, mut store) = filled();
    let before = disk.changes();
    write(&mut store).unwrap();
    disk.operations()[usize::try_from(before).unwrap()..].iter().position(is_wanted).unwrap() as u64
}

fn write(store: &mut Storage) -> Result<()> {
    commit(store, &[change("c", "3")])
}

fn write_long(store: &mut Storage) -> Result<()> {
    commit(store, &[change("c", &"x".repeat(300))])
}

/// A store whose last write and everything after it could not be synced, and the error. The disk works again.
fn after_a_failed_sync() -> (Simulated, Storage, Error) {
    let at = changes_before(write, Operation::is_sync);
    let (disk, mut store) = filled();
    disk.fail(disk.changes() + at + 1, Injected::Error(rustix::io::Errno::IO), Until::FromThenOn);
    let error = write(&mut store).unwrap_err();
    disk.heal();
    (disk, store, error)
}

fn is_removal(operation: &Operation) -> bool {
    matches!(operation, Operation::Remove(removed) if **removed == *path())
}

#[test]
fn a_failed_drop_does_not_look_like_a_removal_later() {
    let at = changes_before(Storage::remove_file, is_removal);
    let (disk, mut store) = filled();
    disk.fail(disk.changes() + at + 1, Injected::Error(rustix::io::Errno::BUSY), Until::Once);
    let error = store.remove_file().unwrap_err();
    assert!(matches!(error, Error::Io { operation: "remove", .. }), "{error}");
    assert_eq!(disk.injected(), 1);
    let edited = String::from_utf8(disk.content(path()).unwrap()).unwrap().replace("\"1\"", "\"hand\"");
    disk.put(path(), edited.as_bytes());
    // The change in the journal is not ignored: opening is refused.
    assert!(matches!(open(&disk, LARGE), Err(Error::ForeignJournal { .. })));
}

#[test]
fn a_drop_whose_fold_line_cannot_be_removed_has_an_unknown_outcome() {
    let at = changes_before(Storage::remove_file, is_removal);
    let (disk, mut store) = filled();
    disk.fail(disk.changes() + at + 1, Injected::Error(rustix::io::Errno::PERM), Until::FromThenOn);
    assert!(matches!(store.remove_file(), Err(Error::Uncertain { .. })));
    disk.heal();
    commit(&mut open(&disk, LARGE).unwrap(), &[change("c", "3")]).unwrap();
    assert_eq!(state(&open(&disk, LARGE).unwrap()).unwrap().len(), 3);
}

#[test]
fn a_write_whose_sync_failed_is_uncertain_and_a_check_says_so_until_the_next_one() {
    let (disk, mut store, error) = after_a_failed_sync();
    assert!(matches!(error, Error::Uncertain { .. }), "{error}");
    let said = error.to_string();
    assert!(said.starts_with("outcome unknown: ") && !said.contains("folder") && !said.contains("save"), "{said}");
    let uncertain = |disk: &Simulated| Report::of(&Files::open(disk, path(), None).unwrap()).unwrap().uncertain;
    // Not even that could be noted.
    assert!(uncertain(&disk).is_some_and(|uncertain| uncertain.contains("did not finish")));
    write(&mut store).unwrap();
    assert_eq!(uncertain(&disk), None);
    let mut lock = WritersLock::try_acquire(&disk, path(), None).unwrap();
    lock.note(false, Uncertain::Journal { epoch: 1, good: 17 }).unwrap();
    // An active writer's note is only a precaution.
    assert_eq!(uncertain(&disk), None);
    drop(lock);
    assert!(uncertain(&disk).is_some_and(|uncertain| uncertain.contains("after byte 17")));
}

#[test]
fn a_full_disk_error_says_how_much_space_a_new_journal_needs() {
    let (disk, ..) = after_a_failed_sync();
    let appends = |disk: &Simulated| disk.operations().iter().filter(|operation| is_append(operation)).count();
    let before = appends(&disk);
    let mut error = None;
    for at in 1..8 {
        disk.fail(disk.changes() + at, Injected::Error(rustix::io::Errno::NOSPC), Until::Once);
        let message = write(&mut open(&disk, LARGE).unwrap()).err().map(|error| error.to_string());
        error = error.or(message.filter(|message| message.contains("needs")));
    }
    assert!(appends(&disk) > before);
    assert!(error.as_ref().is_some_and(|error| error.contains("a new journal needs 1 KiB")), "{error:?}");
}

fn is_append(operation: &Operation) -> bool {
    matches!(operation, Operation::Append(..))
}

#[test]
fn a_partial_write_to_a_full_disk_is_removed_and_the_journal_stays_the_same_file() {
    let at = changes_before(write_long, is_append);
    for kind in [Injected::Short, Injected::Error(rustix::io::Errno::NOSPC), Injected::Error(rustix::io::Errno::DQUOT)]
    {
        let (disk, mut store) = filled();
        let before = journal(&disk);
        disk.fail(disk.changes() + at + 1, kind, Until::Once);
        let error = write_long(&mut store).unwrap_err();
        assert!(matches!(error, Error::Io { operation: "write", .. }), "{error}");
        assert_eq!(disk.injected(), 1);
        assert_eq!(journal(&disk), before, "{kind:?}");
        // Nothing new is created for the next one, either.
        commit(&mut open(&disk, LARGE).unwrap(), &[("b".to_owned(), None)]).unwrap();
        assert!(journal(&disk).starts_with(&before));
        assert_eq!(state(&store).unwrap().len(), 2);
        store.refresh().unwrap();
        assert_eq!(state(&store).unwrap().len(), 1);
    }
}

#[test]
fn a_reader_never_mistakes_a_write_after_a_cut_for_what_was_cut() {
    let at = changes_before(write_long, is_append);
    for tick in [1, 2, 50] {
        let (disk, mut store) = filled();
        disk.set_habits(Habits { tick, ..Default::default() });
        disk.record();
        disk.fail(disk.changes() + at + 1, Injected::Short, Until::Once);
        write_long(&mut store).unwrap_err();
        let journal = disk::with_suffix(path(), JOURNAL);
        let seen: Vec<_> = (disk.take_moments().iter())
            .filter_map(|moment| moment.killed().identity(&journal).unwrap())
            .filter(|seen| seen.len > disk.identity(&journal).unwrap().unwrap().len)
            .collect();
        assert!(!seen.is_empty());
        let now = disk.identity(&journal).unwrap().unwrap();
        let later = |seen: &disk::Identity| !now.is_same_file(seen) || now.modified > seen.modified;
        assert!(seen.iter().all(later), "tick {tick}: {now:?}, {seen:?}");
    }
}

#[test]
fn an_uncertain_journal_does_not_hide_another_process_s_uncertain_folder() {
    let (disk, mut store, _) = after_a_failed_sync();
    let mut lock = WritersLock::try_acquire(&disk, path(), None).unwrap();
    lock.note(false, Uncertain::Folder).unwrap();
    drop(lock);
    let snapshot = disk.identity(path()).unwrap().unwrap();
    write(&mut store).unwrap();
    assert!(!disk.identity(path()).unwrap().unwrap().is_same_file(&snapshot), "the snapshot was not rewritten");
}

#[test]
fn a_check_sees_one_moment_despite_concurrent_saves() {
    let (disk, mut store) = filled();
    let files = Files::open(&disk, path(), None).unwrap();
    commit(&mut store, &[change("c", "3")]).unwrap();
    store.save(NOW).unwrap();
    commit(&mut store, &[change("d", "4")]).unwrap();
    let checked = Report::of(&files).unwrap();
    assert!(checked.faults.is_empty(), "{:?}", checked.faults);
    assert_eq!((checked.entries, checked.changes, checked.torn), (2, 1, 0));
}

#[test]
fn a_check_during_which_an_editor_writes_into_the_file_is_a_conflict() {
    let (disk, _) = filled();
    let files = Files::open(&disk, path(), None).unwrap();
    let edited = String::from_utf8(disk.content(path()).unwrap()).unwrap().replace("\"1\"", "\"2\"");
    disk.edit(path(), edited.as_bytes());
    assert!(matches!(Report::of(&files), Err(Error::Conflict { .. })));
}

#[test]
fn a_journal_removed_during_a_session_is_reported_with_its_changes() {
    let (disk, mut store) = filled();
    store.take_notices();
    disk.remove(&disk::with_suffix(path(), JOURNAL)).unwrap();
    store.refresh().unwrap();
    let notices = store.take_notices();
    assert!(matches!(&notices[..], [notice] if notice.contains("was removed") && notice.contains("1 change")));
    store.refresh().unwrap();
    assert!(store.take_notices().is_empty());

    // Another process came first, and has started another one.
    let (disk, mut store) = filled();
    commit(&mut store, &[change("c", "3")]).unwrap();
    disk.remove(&disk::with_suffix(path(), JOURNAL)).unwrap();
    commit(&mut open(&disk, LARGE).unwrap(), &[]).unwrap();
    store.refresh().unwrap();
    assert!(store.take_notices().iter().any(|notice| notice.contains("2 changes")));
}

#[test]
fn a_journal_that_a_save_removed_is_not_reported() {
    let (disk, mut store) = filled();
    let mut other = open(&disk, Policy { small: 4000, ..LARGE }).unwrap();
    other.save(NOW).unwrap();
    assert!(disk.content(&disk::with_suffix(path(), JOURNAL)).is_none());
    store.refresh().unwrap();
    commit(&mut store, &[change("c", "3")]).unwrap();
    commit(&mut other, &[change("d", "3")]).unwrap();
    store.refresh().unwrap();
    assert_eq!(store.take_notices(), [""; 0]);
}

#[test]
fn an_editor_s_file_is_never_removed_with_its_replacement() {
    let is_exchange = |operation: &Operation| matches!(operation, Operation::Rename { to, how: disk::Rename::Exchange, .. } if **to == *path());
    let at = changes_before(|store| store.save(NOW), is_exchange);
    let (disk, mut store) = filled();
    let editor = disk.clone();
    disk.before(is_exchange, move || editor.edit(path(), b"{\"map\":{\"by\":\"hand\"}}"));
    // The first exchange is done; exchanging back fails.
    disk.fail(disk.changes() + at + 2, Injected::Error(rustix::io::Errno::IO), Until::Once);
    let error = store.save(NOW).unwrap_err();
    assert!(matches!(error, Error::OutcomeUnknown { .. }) && error.to_string().contains("kv.json.old-"), "{error}");
    disk.heal();
    let has_it = |disk: &Simulated| {
        disk.names().iter().any(|name| disk.content(name).is_some_and(|bytes| bytes.ends_with(b"{\"by\":\"hand\"}}")))
    };
    assert!(has_it(&disk));
    open(&disk, LARGE).and_then(|mut store| store.save(NOW)).ok();
    assert!(has_it(&disk));
}

/// A check's result for a bad end: whether it was acknowledged; `None` if it is torn, or not there.
fn end(disk: &Simulated) -> Option<bool> {
    let faults = Report::of(&Files::open(disk, path(), None).unwrap()).unwrap().faults;
    match faults[..] {
        [] => None,
        [Error::LastRecord { acknowledged, .. }] => Some(acknowledged),
        ref faults => panic!("{faults:?}"),
    }
}

/// A database whose last record has a bad byte.
fn with_a_bad_end() -> Simulated {
    let (disk, _) = filled();
    let mut bytes = journal(&disk);
    let at = bytes.len() - 30;
    bytes[at] ^= 1;
    disk.put(&disk::with_suffix(path(), JOURNAL), &bytes);
    disk
}

fn after_a_power_cut(disk: &Simulated) -> Simulated {
    let mut after = None;
    disk.moment().crash_states(Cuts { everywhere_up_to: 0, samples: 1, ..Cuts::default() }, |crashed| {
        after = Some(crashed.disk);
    });
    after.unwrap()
}

#[test]
fn a_bad_end_counts_as_acknowledged_only_with_a_note_of_this_boot() {
    let disk = with_a_bad_end();
    assert_eq!(end(&disk), Some(true));
    let error = write(&mut open(&disk, LARGE).unwrap()).unwrap_err();
    assert!(matches!(error, Error::LastRecord { acknowledged: true, .. }), "{error}");
    // The refusal does not change what is known.
    assert_eq!(end(&disk), Some(true));
    let after = after_a_power_cut(&disk);
    assert_eq!(end(&after), Some(false));
    write(&mut open(&after, LARGE).unwrap()).unwrap();
    assert_eq!(end(&after), None);
}

#[test]
fn an_unfinished_write_leaves_an_unknown_end_unknown() {
    let after = after_a_power_cut(&with_a_bad_end());
    let changes = {
        let disk = after_a_power_cut(&with_a_bad_end());
        let before = disk.changes();
        write(&mut open(&disk, LARGE).unwrap()).unwrap();
        disk.changes() - before
    };
    for at in 1..=changes {
        let disk = after.moment().killed();
        disk.fail(disk.changes() + at, Injected::Error(rustix::io::Errno::IO), Until::FromThenOn);
        let written = open(&disk, LARGE).and_then(|mut store| write(&mut store));
        disk.heal();
        // The end is repaired, or as unknown as before, but never corrupt, nor called torn while it is there.
        let left = end(&disk);
        let is_there = disk.content(&disk::with_suffix(path(), JOURNAL)).is_some_and(|bytes| bytes == journal(&after));
        assert_eq!(left, is_there.then_some(false), "change {at}: {written:?}");
    }
}

#[test]
fn an_acknowledged_record_before_a_failed_sync_is_kept() {
    let (disk, ..) = after_a_failed_sync();
    let good = journal(&filled().0).len() as u64;
    let mut bytes = journal(&disk);
    bytes[usize::try_from(good).unwrap() - 30] ^= 1;
    bytes.truncate(usize::try_from(good).unwrap());
    let epoch = open(&disk, LARGE).unwrap().view.journal.unwrap().header.epoch;
    disk.put(&disk::with_suffix(path(), JOURNAL), &bytes);
    let mut lock = WritersLock::try_acquire(&disk, path(), None).unwrap();
    lock.note(false, Uncertain::Journal { epoch, good }).unwrap();
    drop(lock);
    assert_eq!(end(&disk), Some(true));
    let error = write(&mut open(&disk, LARGE).unwrap()).unwrap_err();
    assert!(matches!(error, Error::LastRecord { acknowledged: true, .. }), "{error}");
    assert_eq!(journal(&disk), bytes);
}
