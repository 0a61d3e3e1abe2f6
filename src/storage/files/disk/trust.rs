//! Which side files are trusted.
//!
//! In a folder that others may write to, anyone can create a journal or a lock file next to a database, and a `stat`
//! tells enough to make one that fits. So a side file is trusted only if every user who could have written it could
//! also have written the snapshot.

use std::cell::LazyCell;
use std::path::Path;

use super::{Disk, Identity};
use crate::error::{Error, Result};

/// The write permission of group and others.
const OTHERS_WRITE: u32 = 0o022;
const GROUP_WRITES: u32 = 0o020;
const ALL_WRITE: u32 = 0o002;
const STICKY: u32 = 0o1000;

/// Fails if someone who could not have written the snapshot could have written the side file at `path`.
///
/// The owner of the side file must be the owner of the snapshot, root or the caller, or, in a folder that is not open
/// to everyone, any member of a group that may write to the snapshot. Its mode must not let others write. Without a
/// snapshot, every user who may write to the folder could have created it.
///
/// A mode that only lets more users *read* than the snapshot's is fine: people run `chmod 600` on their database long
/// after its side files were created, and the next writer narrows those. A write permission that the snapshot lacks is
/// refused regardless of the owner, because others may have used it.
pub(crate) fn check_side(disk: &dyn Disk, path: &Path, side: &Identity, snapshot: Option<&Identity>) -> Result<()> {
    let caller = rustix::process::geteuid().as_raw();
    let folder = LazyCell::new(|| path.parent().and_then(|folder| disk.identity(folder).ok().flatten()));
    let is_open_to_all = || folder.is_some_and(|folder| folder.mode & ALL_WRITE != 0);
    let is_own = [0, caller].contains(&side.owner.0);
    let is_known = match snapshot {
        Some(snapshot) if snapshot.mode & ALL_WRITE != 0 => return Ok(()),
        Some(snapshot) => {
            let is_of_group = snapshot.mode & GROUP_WRITES != 0 && side.owner.1 == snapshot.owner.1;
            is_own || side.owner.0 == snapshot.owner.0 || is_of_group && !is_open_to_all()
        }
        None => is_own || !is_open_to_all(),
    };
    let owner = || user(side.owner.0);
    let distrusted = |reason| Err(Error::Unsuitable { path: path.to_owned(), reason });
    if !is_known {
        let may_delete = caller == 0 || folder.is_none_or(|it| it.mode & STICKY == 0 || it.owner.0 == caller);
        let way_out = if may_delete {
            "delete it if you did not expect it".to_owned()
        } else {
            format!("only {} or root can delete it here, so copy the database to a folder of your own", owner())
        };
        let is_of_group = snapshot.is_none_or(|it| it.mode & GROUP_WRITES != 0 && side.owner.1 == it.owner.1);
        let why = if is_of_group {
            ", and in a folder that everyone can write to, only the database's owner, root and you are trusted"
        } else {
            ", who cannot write to the database"
        };
        return distrusted(format!("it belongs to {}{why}; {way_out}", owner()));
    }
    let Some(snapshot) = snapshot else { return Ok(()) };
    if side.mode & OTHERS_WRITE & !snapshot.mode == 0 {
        return Ok(());
    }
    let (mode, wanted) = (side.mode & 0o777, snapshot.mode & 0o777 | 0o600);
    distrusted(format!(
        "it belongs to {}, and its mode {mode:03o} lets users write to it who cannot write to the database; delete it, or run `chmod {wanted:03o}` on it if you trust its content",
        owner()
    ))
}

/// A user, by name if the system knows it.
fn user(id: u32) -> String {
    let users = std::fs::read_to_string("/etc/passwd").unwrap_or_default();
    let name = users.lines().find_map(|line| {
        let mut fields = line.split(':');
        let name = fields.next()?;
        (fields.nth(1)?.parse() == Ok(id)).then_some(name)
    });
    // It is shown in messages.
    match name.filter(|name| name.bytes().all(|byte| byte.is_ascii_graphic())) {
        Some(name) => format!("{name} (user {id})"),
        None => format!("user {id}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::storage::files::disk::Real;
    use crate::storage::tests::simulated::Simulated;

    fn of(owner: (u32, u32), mode: u32) -> Identity {
        let identity = Real.identity(Path::new("/")).unwrap().unwrap();
        Identity { mode, owner, ..identity }
    }

    /// Whether a side file is trusted in a folder that belongs to one user.
    fn counts(side: ((u32, u32), u32), snapshot: Option<((u32, u32), u32)>) -> bool {
        let disk = Simulated::new(Path::new("/simulated"));
        let snapshot = snapshot.map(|(owner, mode)| of(owner, mode));
        check_side(&disk, Path::new("/simulated/kv.json.lock"), &of(side.0, side.1), snapshot.as_ref()).is_ok()
    }

    #[test]
    fn a_side_file_is_trusted_if_its_writers_could_have_written_the_snapshot() {
        let (owner, group, stranger) = ((1001, 10), (1002, 10), (1003, 30));
        for (side, snapshot, wanted) in [
            ((owner, 0o600), (owner, 0o600), true),
            (((0, 0), 0o600), (owner, 0o600), true),
            ((group, 0o660), (owner, 0o660), true),
            ((group, 0o640), (owner, 0o640), false),
            ((stranger, 0o600), (owner, 0o660), false),
            ((stranger, 0o600), (owner, 0o600), false),
            ((stranger, 0o600), (owner, 0o666), true),
            ((owner, 0o660), (owner, 0o640), false),
            ((owner, 0o602), (owner, 0o660), false),
            ((owner, 0o644), (owner, 0o600), true),
            ((owner, 0o600), (owner, 0o400), true),
        ] {
            assert_eq!(counts(side, Some(snapshot)), wanted, "{side:?} next to {snapshot:?}");
        }
        assert!(counts((stranger, 0o600), None));
    }

    #[test]
    fn in_a_world_writable_folder_neither_a_group_nor_a_missing_file_adds_trust() {
        let folder = Path::new("/tmp");
        let open = Real.identity(folder).unwrap().unwrap();
        assert_eq!(open.mode & (ALL_WRITE | STICKY), ALL_WRITE | STICKY, "the test needs such a folder");
        let path = folder.join("kv.json.lock");
        let check = |side, snapshot: Option<&Identity>| check_side(&Real, &path, side, snapshot);
        let (owner, group) = (of((1001, 10), 0o660), of((1002, 10), 0o660));
        assert!(check(&owner, Some(&owner)).is_ok());
        for snapshot in [Some(&owner), None] {
            let said = check(&group, snapshot).unwrap_err().to_string();
            assert!(said.contains("kv.json.lock") && said.contains("user 1002"), "{said}");
        }
    }
}
