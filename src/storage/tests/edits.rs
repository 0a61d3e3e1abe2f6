//! An editor takes no lock, and may write into the file in place. A concurrent reader must not mistake a mixture for
//! the content of the database.

use std::ops::Bound;

use super::simulated::Simulated;
use super::workload::commit;
use super::{NOW, open, path};
use crate::error::{Error, Result};
use crate::storage::format::record::Stored;
use crate::storage::{End, Phase, Policy};

const SMALL: Policy = Policy { small: 1 << 20, journal: 4000, share: 1, short: 4000, memory: 1 << 20 };
const LARGE: Policy = Policy { small: 0, journal: 4000, share: 1, short: 4000, memory: 1 << 20 };

/// A disk with entries `a`, `b`, `c` and many more, and a store of it.
fn filled(policy: Policy) -> (Simulated, Phase) {
    let disk = Simulated::new(path().parent().unwrap());
    let mut store = open(&disk, policy).unwrap();
    let far = (0..3000).map(|number| format!("far {number}"));
    let keys = ["a", "b", "c"].map(str::to_owned).into_iter().chain(far);
    let changes: Vec<_> = keys.map(|key| (key.clone(), Some((format!("\"{key} 1\""), None)))).collect();
    commit(&mut store, &changes).unwrap();
    store.save(NOW).unwrap();
    (disk, Phase::Idle(store))
}

/// Overwrites a value in the file with another one of the same length.
fn edit(disk: &Simulated, key: &str) {
    let text = String::from_utf8(disk.content(path()).unwrap()).unwrap();
    disk.edit(path(), text.replace(&format!("\"{key} 1\""), &format!("\"{key} 2\"")).as_bytes());
}

fn put(store: &mut Phase, key: &str, text: &str) {
    store.pending().insert(key, Some(Stored { text: format!("\"{text}\"").into(), expiry: None }));
}

fn text(store: &Phase, key: &str) -> Result<String> {
    Ok(store.get(key)?.map(|stored| stored.text.into()).unwrap_or_default())
}

fn count(store: &Phase) -> Result<u64> {
    let mut entries = store.range(Bound::Unbounded, Bound::Unbounded)?;
    let mut count = 0;
    while entries.next()?.is_some() {
        count += 1;
    }
    Ok(count)
}

#[test]
fn an_edit_in_place_of_what_a_transaction_has_read_is_a_conflict() {
    for policy in [SMALL, LARGE] {
        let (disk, mut store) = filled(policy);
        store.begin().unwrap();
        assert_eq!(text(&store, "a").unwrap(), "\"a 1\"");
        // What was read last is still in memory, and shows no edit.
        assert_eq!(text(&store, "far 2000").unwrap(), "\"far 2000 1\"");
        edit(&disk, "a");
        put(&mut store, "b", "from a 1");
        let error = store.commit(NOW).unwrap_err();
        assert!(matches!(error, Error::Conflict { .. } | Error::Overtaken { .. }), "{error}");
        assert!(!store.is_open());
        let store = Phase::Idle(open(&disk, policy).unwrap());
        assert_eq!((text(&store, "a").unwrap(), text(&store, "b").unwrap()), ("\"a 2\"".into(), "\"b 1\"".into()));
    }
}

#[test]
fn an_edit_in_place_is_seen_by_no_read_of_an_open_transaction() {
    let (disk, mut store) = filled(LARGE);
    store.begin().unwrap();
    edit(&disk, "a");
    let all = store.range(Bound::Unbounded, Bound::Unbounded).map(|_| ());
    for read in [text(&store, "a").map(|_| ()), text(&store, "b").map(|_| ()), count(&store).map(|_| ()), all] {
        assert!(matches!(read, Err(Error::Conflict { .. })), "{read:?}");
    }
    assert!(matches!(store.count(NOW), Err(Error::Conflict { .. })));
    store.roll_back();
    store.refresh().unwrap();
    assert_eq!(text(&store, "a").unwrap(), "\"a 2\"");
}

#[test]
fn a_save_by_another_process_leaves_a_pinned_view_as_it_was() {
    let (disk, mut store) = filled(LARGE);
    store.begin().unwrap();
    let mut other = open(&disk, LARGE).unwrap();
    commit(&mut other, &[("c".to_owned(), None)]).unwrap();
    other.save(NOW).unwrap();
    assert_eq!((text(&store, "a").unwrap(), text(&store, "c").unwrap()), ("\"a 1\"".into(), "\"c 1\"".into()));
    assert_eq!((count(&store).unwrap(), store.count(NOW).unwrap()), (3003, 3003));
}

#[test]
fn a_listing_of_a_file_changed_by_an_editor_ends_in_a_conflict() {
    let (disk, store) = filled(LARGE);
    let mut entries = store.range(Bound::Unbounded, Bound::Unbounded).unwrap();
    entries.next().unwrap();
    edit(&disk, "c");
    let mut last = Ok(());
    while last.is_ok() {
        match entries.next() {
            Ok(Some(_)) => {}
            Ok(None) => panic!("the mixture was taken for a state"),
            Err(error) => last = Err(error),
        }
    }
    assert!(matches!(last, Err(Error::Conflict { .. })), "{last:?}");

    let (disk, store) = filled(LARGE);
    let mut entries = store.range(Bound::Unbounded, Bound::Unbounded).unwrap();
    entries.take(End::Back).unwrap();
    edit(&disk, "a");
    while entries.take(End::Back).is_ok_and(|line| line.is_some()) {}
    assert!(matches!(entries.take(End::Back), Err(Error::Conflict { .. })));
}
