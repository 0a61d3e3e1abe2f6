use super::*;
use crate::storage::files::disk::with_suffix;

const FOLDER: &str = "/simulated";

fn disk() -> Simulated {
    Simulated::new(Path::new(FOLDER))
}

fn path(name: &str) -> PathBuf {
    Path::new(FOLDER).join(name)
}

fn create(disk: &Simulated, name: &str, content: &str) -> Box<dyn DiskFile> {
    let file = disk.create(&path(name)).unwrap();
    file.append(content.as_bytes()).unwrap();
    file
}

fn sync_folder(disk: &Simulated) {
    disk.open_folder(Path::new(FOLDER)).unwrap().sync().unwrap();
}

/// A file whose content and name are durable.
fn durable(disk: &Simulated, name: &str, content: &str) -> Box<dyn DiskFile> {
    let file = create(disk, name, content);
    file.sync_all().unwrap();
    sync_folder(disk);
    file
}

/// Every possible content of one name after a power cut, sorted and without duplicates.
fn outcomes(disk: &Simulated, name: &str) -> Vec<Option<String>> {
    let mut outcomes = Vec::new();
    let shown = disk.crash_states(Cuts::default(), |crashed| {
        let content = crashed.disk.content(&path(name));
        outcomes.push(content.map(|content| String::from_utf8_lossy(&content).replace('\0', "-")));
    });
    assert_eq!(shown, outcomes.len());
    outcomes.sort();
    outcomes.dedup();
    outcomes
}

fn some(contents: &[&str]) -> Vec<Option<String>> {
    let mut contents: Vec<_> = contents.iter().map(|&content| Some(content.to_owned())).collect();
    contents.sort();
    contents
}

#[test]
fn a_name_that_was_not_synced_can_vanish_and_one_that_was_cannot() {
    let disk = disk();
    let file = create(&disk, "a", "1");
    file.sync_all().unwrap();
    assert_eq!(outcomes(&disk, "a"), [None, Some("1".to_owned())], "a sync of the file does not cover its name");
    sync_folder(&disk);
    assert_eq!(outcomes(&disk, "a"), some(&["1"]));
    disk.remove(&path("a")).unwrap();
    assert_eq!(disk.content(&path("a")), None);
    assert_eq!(outcomes(&disk, "a"), [None, Some("1".to_owned())]);
    sync_folder(&disk);
    assert_eq!(outcomes(&disk, "a"), [None]);
}

#[test]
fn a_synced_rename_is_durable_and_any_other_happens_or_does_not() {
    for how in [Rename::Replace, Rename::Exchange] {
        let disk = disk();
        durable(&disk, "old", "old");
        durable(&disk, "new", "new");
        disk.rename(&path("new"), &path("old"), how).unwrap();
        assert_eq!(outcomes(&disk, "old"), some(&["new", "old"]));
        let left = (how == Rename::Exchange).then(|| "old".to_owned());
        let outcomes_of_new = outcomes(&disk, "new");
        assert_eq!(outcomes_of_new.len(), 2);
        assert!(outcomes_of_new.contains(&left), "{outcomes_of_new:?}");
        disk.crash_states(Cuts::default(), |crashed| {
            assert_ne!(crashed.disk.content(&path("old")), crashed.disk.content(&path("new")), "{:?}", crashed.how);
        });
        sync_folder(&disk);
        assert_eq!(outcomes(&disk, "old"), some(&["new"]));
    }
}

#[test]
fn names_that_were_not_synced_may_have_changed_in_any_order() {
    let disk = disk();
    for name in ["a", "b", "a.new", "b.new"] {
        durable(&disk, name, name);
    }
    disk.rename(&path("a.new"), &path("a"), Rename::Replace).unwrap();
    disk.rename(&path("b.new"), &path("b"), Rename::Replace).unwrap();
    let mut seen = Vec::new();
    disk.crash_states(Cuts { old_times: false, ..Cuts::default() }, |crashed| {
        let content = |name| String::from_utf8(crashed.disk.content(&path(name)).unwrap()).unwrap();
        seen.push((content("a"), content("b")));
    });
    seen.sort();
    let wanted = [("a", "b"), ("a", "b.new"), ("a.new", "b"), ("a.new", "b.new")];
    assert_eq!(seen, wanted.map(|(a, b)| (a.to_owned(), b.to_owned())));
}

#[test]
fn a_rename_of_a_lost_name_does_not_happen() {
    let disk = disk();
    create(&disk, "a.new", "1").sync_all().unwrap();
    disk.rename(&path("a.new"), &path("a"), Rename::New).unwrap();
    let mut names = Vec::new();
    disk.crash_states(Cuts { old_times: false, ..Cuts::default() }, |crashed| names.push(crashed.disk.names()));
    names.sort();
    assert_eq!(names, [vec![], vec![path("a")], vec![path("a.new")]]);
}

#[test]
fn an_append_that_was_not_synced_can_be_cut_at_any_byte_or_have_holes() {
    let disk = disk();
    let file = durable(&disk, "a", "12");
    file.append(b"345").unwrap();
    let wanted = ["12", "123", "1234", "12345", "12---", "123--", "1234-", "12-45", "12--5"];
    assert_eq!(outcomes(&disk, "a"), some(&wanted));
    file.sync_data().unwrap();
    assert_eq!(outcomes(&disk, "a"), some(&["12345"]));
}

#[test]
fn each_of_several_appends_may_be_missing() {
    let disk = disk();
    let file = durable(&disk, "a", "");
    file.append(b"1").unwrap();
    file.append(b"2").unwrap();
    assert_eq!(outcomes(&disk, "a"), some(&["", "1", "12", "-2", "1-", "--"]));
}

#[test]
fn stale_bytes_of_another_file_may_replace_an_append() {
    let disk = disk();
    durable(&disk, "old", "x1\nx2\nx3\n");
    disk.remove(&path("old")).unwrap();
    sync_folder(&disk);
    let file = durable(&disk, "new", "y1\n");
    file.append(b"y2\n").unwrap();
    let outcomes = outcomes(&disk, "new");
    for wanted in ["y1\nx2\n", "y1\nx3\n", "y1\ny2\n", "y1\n", "y1\ny2"] {
        assert!(outcomes.contains(&Some(wanted.to_owned())), "{wanted:?} is not in {outcomes:?}");
    }
}

#[test]
fn a_long_append_is_cut_at_some_places_which_the_seed_chooses() {
    let disk = disk();
    let file = durable(&disk, "a", "");
    file.append(&[b'x'; 10_000]).unwrap();
    let lengths = |seed| {
        let mut lengths = Vec::new();
        disk.crash_states(Cuts { seed, ..Cuts::default() }, |crashed| {
            lengths.push(crashed.disk.content(&path("a")).unwrap().len());
        });
        lengths
    };
    assert!((20..200).contains(&lengths(1).len()));
    assert!(lengths(1) == lengths(1) && lengths(1) != lengths(2));
    for length in [0, 1, 9_999, 10_000] {
        assert!(lengths(3).contains(&length), "{length}");
    }
}

#[test]
fn what_a_failed_sync_did_not_cover_no_later_sync_does() {
    let disk = disk();
    let file = durable(&disk, "a", "1");
    file.append(b"2").unwrap();
    disk.fail(disk.changes() + 1, Injected::Error(Errno::IO), Until::Once);
    assert_eq!(file.sync_data().unwrap_err().raw_os_error(), Some(Errno::IO.raw_os_error()));
    file.sync_all().unwrap();
    assert_eq!(disk.content(&path("a")).unwrap(), b"12", "it can still be read");
    assert_eq!(outcomes(&disk, "a"), some(&["1", "1-", "12"]));
    file.append(b"3").unwrap();
    file.sync_data().unwrap();
    assert_eq!(outcomes(&disk, "a"), some(&["1-3", "123"]), "the rest is durable");

    let sync = disk.open_folder(Path::new(FOLDER)).unwrap();
    disk.remove(&path("a")).unwrap();
    disk.fail(disk.changes() + 1, Injected::Error(Errno::IO), Until::Once);
    assert!(sync.sync().is_err() && sync.sync().is_ok());
    assert_eq!(outcomes(&disk, "a").len(), 3, "the name may still be there");
    assert_eq!(disk.injected(), 2);
}

#[test]
fn faults_hit_the_operation_they_were_meant_for() {
    for (until, injected) in [(Until::Once, 1), (Until::FromThenOn, 2)] {
        let disk = disk();
        disk.fail(2, Injected::Short, until);
        let file = disk.create(&path("a")).unwrap();
        assert_eq!(file.append(b"1234").unwrap_err().kind(), io::ErrorKind::StorageFull);
        assert_eq!(disk.content(&path("a")).unwrap(), b"12");
        assert_eq!(file.append(b"56").is_err(), until == Until::FromThenOn);
        assert_eq!((disk.injected(), disk.changes()), (injected, 3));
    }
    let disk = disk();
    create(&disk, "a", "");
    assert_eq!(disk.changes(), 2, "an empty append counts, too");
    disk.fail(3, Injected::Done, Until::Once);
    assert!(disk.rename(&path("a"), &path("b"), Rename::New).is_err());
    assert_eq!(disk.names(), [path("b")]);
    disk.fail_look(disk.looks() + 1, Injected::Error(Errno::MFILE), Until::Once);
    assert!(disk.open(&path("b"), OpenAs::Side).is_err() && disk.open(&path("b"), OpenAs::Side).is_ok());
    disk.stop_after(3);
    assert!(disk.remove(&path("b")).is_err() && disk.identity(&path("b")).is_err());
    disk.heal();
    disk.remove(&path("b")).unwrap();
}

#[test]
fn a_lie_is_a_sync_that_does_nothing() {
    let disk = disk();
    disk.lie(|operation| matches!(operation, Operation::SyncData(path) if path.ends_with("a")));
    let [a, b] = ["a", "b"].map(|name| durable(&disk, name, ""));
    for file in [&a, &b] {
        file.append(b"1").unwrap();
        file.sync_data().unwrap();
    }
    assert_eq!(outcomes(&disk, "a"), some(&["", "-", "1"]));
    assert_eq!(outcomes(&disk, "b"), some(&["1"]));
    disk.heal();
    a.sync_data().unwrap();
    assert_eq!(outcomes(&disk, "a"), some(&["1"]), "unlike after a failed one, a later sync works");
}

#[test]
fn each_moment_of_a_run_can_be_looked_at_afterwards() {
    let disk = disk();
    disk.record();
    let file = durable(&disk, "a", "1");
    disk.mark(1);
    file.append(b"2").unwrap();
    file.sync_data().unwrap();
    disk.mark(2);
    let moments = disk.take_moments();
    let recorded: Vec<_> = moments.iter().map(|moment| (moment.changes, moment.mark)).collect();
    assert_eq!(recorded, [(0, 0), (1, 0), (2, 0), (3, 0), (4, 1), (5, 1), (6, 2)]);
    let killed = |at: usize| moments[at].killed().content(&path("a")).map(|content| content.len());
    assert_eq!([0, 1, 2, 3, 4, 5, 6].map(killed), [None, Some(0), Some(1), Some(1), Some(1), Some(2), Some(2)]);
    let states = [0, 1, 3, 4, 5, 6].map(|at| moments[at].crash_states(Cuts::default(), |_| {}));
    assert!(states[1] > 1 && states[3] == 1 && states[4] > 1 && states[5] == 1, "{states:?}");
}

#[test]
fn a_crashed_disk_is_durable_and_can_crash_again() {
    let disk = disk();
    let file = durable(&disk, "a", "1");
    file.append(b"2").unwrap();
    disk.crash_states(Cuts::default(), |crashed| {
        assert_eq!(crashed.disk.crash_states(Cuts::default(), |again| assert_eq!(again.hash, crashed.hash)), 1);
        let before = crashed.disk.content(&path("a")).unwrap();
        crashed.disk.open(&path("a"), OpenAs::SideAppend).unwrap().unwrap().append(b"3").unwrap();
        assert_eq!(crashed.disk.content(&path("a")).unwrap(), [&before[..], b"3"].concat());
    });
    assert_eq!(disk.content(&path("a")).unwrap(), b"12", "the disk itself keeps running");
}

#[test]
fn an_identity_distinguishes_files_and_states_up_to_the_clock_s_resolution() {
    let disk = disk();
    let file = durable(&disk, "a", "1");
    let before = file.identity().unwrap();
    assert_eq!(disk.identity(&path("a")).unwrap(), Some(before));
    disk.rename(&path("a"), &path("b"), Rename::New).unwrap();
    let after = file.identity().unwrap();
    assert!(before.modified == after.modified && before.changed < after.changed, "a rename changes the time of change");
    sync_folder(&disk);
    let mut changed = Vec::new();
    disk.crash_states(Cuts::default(), |crashed| {
        changed.push(crashed.disk.identity(&path("b")).unwrap().unwrap().changed);
    });
    changed.sort_unstable();
    assert_eq!(changed, [before.changed, after.changed], "which a sync of the folder does not cover");

    disk.set_habits(Habits { tick: 1000, reuse_numbers: true, ..Habits::default() });
    let [c, d] = ["c", "d"].map(|name| create(&disk, name, "1").identity().unwrap());
    assert!(c.modified == d.modified && c.inode != d.inode);
    disk.remove(&path("c")).unwrap();
    assert_eq!(create(&disk, "e", "1").identity().unwrap(), c);
    disk.put(&path("e"), b"2");
    assert_ne!(disk.identity(&path("e")).unwrap().unwrap().inode, d.inode);
    assert_eq!(outcomes(&disk, "e"), some(&["2"]));
}

#[test]
fn a_lock_ends_with_its_handle_or_with_a_crash_and_its_note_may_be_lost() {
    let disk = disk();
    let lock = path("a.lock");
    let [one, other] = [(); 2].map(|()| disk.open_lock(&lock, None).unwrap());
    sync_folder(&disk);
    one.set_note("held").unwrap();
    assert!(one.try_lock().unwrap() && !other.try_lock().unwrap() && one.try_lock().unwrap());
    assert_eq!(outcomes(&disk, "a.lock"), some(&["", "held"]));
    disk.crash_states(Cuts::default(), |crashed| {
        assert!(crashed.disk.open_lock(&lock, None).unwrap().try_lock().unwrap());
    });
    assert!(disk.moment().killed().open_lock(&lock, None).unwrap().try_lock().unwrap());
    drop(one);
    assert!(other.try_lock().unwrap());
    let mut note = [0; 8];
    let read = other.read_at(&mut note, 0).unwrap();
    assert_eq!(&note[..read], b"held");
    // Another handle of the same open file has the same lock, until the last one is closed.
    let file = disk.open(&lock, OpenAs::Side).unwrap().unwrap();
    drop(other);
    assert!(file.try_lock().unwrap());
    let again = file.again().unwrap();
    drop(file);
    assert!(!disk.open(&lock, OpenAs::Side).unwrap().unwrap().try_lock().unwrap());
    again.unlock().unwrap();
    assert!(disk.open(&lock, OpenAs::Side).unwrap().unwrap().try_lock().unwrap());
}

#[test]
fn leftovers_belong_to_one_database() {
    let disk = disk();
    let left = with_suffix(&path("a"), ".tmp-0123456789abcdef");
    for name in ["a", "a.lock", "b.tmp-0123456789abcdef", "a.tmp-0123", "a.tmp-0123456789abcdef"] {
        create(&disk, name, "");
    }
    assert_eq!(disk.leftovers(&path("a")), [left]);
}

#[test]
fn it_behaves_like_the_operating_system() {
    let folder = tempfile::tempdir().unwrap();
    let script = |disk: &dyn Disk, folder: &Path| {
        let path = |name: &str| folder.join(name);
        let kind = |result: io::Result<()>| result.map_err(|error| error.kind());
        let a = disk.create(&path("a")).unwrap();
        a.append(b"hello").unwrap();
        let b = disk.create(&path("b")).unwrap();
        let mut buffer = [0; 4];
        let read = a.read_at(&mut buffer, 3).unwrap();
        (
            [
                disk.create(&path("a")).err().map(|error| error.kind()),
                disk.create(&path("no/a")).err().map(|error| error.kind()),
                disk.open_folder(&path("no")).err().map(|error| error.kind()),
            ],
            [
                kind(b.append_from(&*a, 1, 4)),
                kind(b.append_from(&*a, 1, 9)),
                kind(disk.rename(&path("a"), &path("b"), Rename::New)),
                kind(disk.rename(&path("c"), &path("b"), Rename::Replace)),
                kind(disk.rename(&path("a"), &path("c"), Rename::Exchange)),
                kind(disk.rename(&path("a"), &path("b"), Rename::Exchange)),
                kind(disk.rename(&path("a"), &path("b"), Rename::Replace)),
                kind(disk.remove(&path("a"))),
            ],
            (read, buffer, a.identity().unwrap().links, b.identity().unwrap().links),
            disk.open(&path("a"), OpenAs::Side).unwrap().is_none(),
            disk.open(folder, OpenAs::Side).unwrap_err().to_string().replace(folder.to_str().unwrap(), "FOLDER"),
            [a.try_lock().unwrap(), disk.open(&path("b"), OpenAs::Side).unwrap().unwrap().try_lock().unwrap()],
        )
    };
    let simulated = script(&disk(), Path::new(FOLDER));
    let real = script(&crate::storage::files::disk::Real, folder.path());
    assert_eq!(simulated, real);
}
