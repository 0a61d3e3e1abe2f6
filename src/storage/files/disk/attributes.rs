//! Copying owner, mode, access control list and extended attributes from one file to another.
//!
//! No one ever gets more rights than before, not even for a moment: what cannot be copied is left out.

use std::collections::BTreeSet;
use std::fs::{File, Permissions};
use std::io;
use std::os::unix::fs::{MetadataExt, PermissionsExt, fchown};

use rustix::buffer::spare_capacity;
use rustix::fs::{XattrFlags, fgetxattr, flistxattr, fremovexattr, fsetxattr};
use rustix::io::Errno;

use super::Identity;

/// The attribute with the access control list on Linux. If there is one, the group bits of the mode are not the rights
/// of the group, but the maximum for everyone in the list.
const ACL: &[u8] = b"system.posix_acl_access";

/// Attributes that the kernel derives from the content.
const OF_CONTENT: [&[u8]; 2] = [b"security.evm", b"security.ima"];

/// The largest value and the longest list of names on Linux, in bytes.
const LARGEST: usize = 64 << 10;

/// Copies everything; returns what was not permitted, in words.
pub(super) fn inherit(file: &File, from: &File) -> io::Result<Vec<&'static str>> {
    let old = Identity::of(&from.metadata()?);
    let (wanted, given) = (names(from)?, names(file)?);
    let owner = take_owner(file, old)?;
    let mut lost = Vec::new();
    if !owner.user {
        lost.push("its owner");
    }
    if !owner.group {
        lost.push("its group");
    }
    // Before the mode, which may remove the permission to do so.
    let rest = wanted.iter().map(Vec::as_slice).filter(|name| *name != ACL && !OF_CONTENT.contains(name));
    if rest.filter(|name| !copy(file, from, name)).count() > 0 {
        lost.push("its extended attributes");
    }
    // A list that the new file inherited from the folder may admit users whom the old one excluded.
    let acl_kept = if wanted.contains(ACL) {
        // The list sets the other bits.
        set_mode(file, old.mode & 0o700)?;
        // Otherwise, its group entry would apply to a different group.
        owner.group && copy(file, from, ACL)
    } else {
        let removed = !given.contains(ACL) || fremovexattr(file, ACL).is_ok();
        set_mode(file, if removed { owner.narrow(old.mode) } else { old.mode & 0o700 })?;
        removed
    };
    if !acl_kept {
        lost.push("its access control list");
    }
    Ok(lost)
}

/// Copies owner and mode.
pub(super) fn copy_owner_and_mode(file: &File, old: Identity) -> io::Result<()> {
    set_mode(file, take_owner(file, old)?.narrow(old.mode))
}

/// Which parts of the owner two files have in common.
struct Owner {
    user: bool,
    group: bool,
}

impl Owner {
    /// The mode without rights that a different group would gain. Members of the old group now count as others, and get
    /// no more than before.
    fn narrow(&self, mode: u32) -> u32 {
        if self.group { mode } else { mode & 0o700 | mode & (mode >> 3) & 0o007 }
    }
}

fn take_owner(file: &File, old: Identity) -> io::Result<Owner> {
    let meta = file.metadata()?;
    let (user, group) = old.owner;
    let both = (meta.uid(), meta.gid()) == old.owner || fchown(file, Some(user), Some(group)).is_ok();
    Ok(Owner {
        user: both || meta.uid() == user,
        group: both || meta.gid() == group || fchown(file, None, Some(group)).is_ok(),
    })
}

fn set_mode(file: &File, mode: u32) -> io::Result<()> {
    file.set_permissions(Permissions::from_mode(mode & 0o777))
}

/// The names of the extended attributes; empty if the file system has none.
fn names(file: &File) -> io::Result<BTreeSet<Vec<u8>>> {
    let mut list = Vec::with_capacity(LARGEST);
    match flistxattr(file, spare_capacity(&mut list)) {
        Ok(_) => {}
        Err(errno) if [Errno::NOTSUP, Errno::OPNOTSUPP, Errno::NOSYS].contains(&errno) => {}
        Err(errno) => return Err(errno.into()),
    }
    Ok(list.split(|&byte| byte == 0).filter(|name| !name.is_empty()).map(<[u8]>::to_vec).collect())
}

fn value(file: &File, name: &[u8]) -> Option<Vec<u8>> {
    let mut value = Vec::with_capacity(LARGEST);
    fgetxattr(file, name, spare_capacity(&mut value)).ok()?;
    Some(value)
}

/// Copies an attribute; false if that is not permitted.
fn copy(file: &File, from: &File, name: &[u8]) -> bool {
    let Some(wanted) = value(from, name) else { return false };
    // A label that the system sets on every file may not be settable, and need not be.
    value(file, name).as_ref() == Some(&wanted) || fsetxattr(file, name, &wanted, XattrFlags::empty()).is_ok()
}

#[cfg(test)]
#[expect(clippy::print_stdout, reason = "a test that is skipped says so")]
mod tests {
    use super::*;

    const USER: u32 = 65533;

    /// An access control list in the kernel's format: owner, one other user, group, mask, others.
    fn list(user: u16, group: u16, mask: u16, strangers: u16) -> Vec<u8> {
        let entries =
            [(1, 6, u32::MAX), (2, user, USER), (4, group, u32::MAX), (16, mask, u32::MAX), (32, strangers, u32::MAX)];
        let mut bytes = 2_u32.to_le_bytes().to_vec();
        for (tag, rights, id) in entries {
            bytes.extend(u16::to_le_bytes(tag));
            bytes.extend(rights.to_le_bytes());
            bytes.extend(id.to_le_bytes());
        }
        bytes
    }

    fn files() -> (File, File) {
        let old = tempfile::tempfile().unwrap();
        (old, tempfile::tempfile().unwrap())
    }

    fn mode(file: &File) -> u32 {
        file.metadata().unwrap().mode() & 0o7777
    }

    #[test]
    fn the_mode_is_copied_without_setuid_bits() {
        for wanted in [0o400, 0o600, 0o640, 0o666, 0o6755] {
            let (old, new) = files();
            old.set_permissions(Permissions::from_mode(wanted)).unwrap();
            assert_eq!(inherit(&new, &old).unwrap(), [""; 0]);
            assert_eq!(mode(&new), wanted & 0o777);
        }
    }

    #[test]
    fn the_rights_of_a_lost_group_go_to_no_one() {
        let narrow = |mode| Owner { user: false, group: false }.narrow(mode);
        assert_eq!([0o660, 0o664, 0o604, 0o646, 0o677].map(narrow), [0o600, 0o604, 0o600, 0o604, 0o607]);
    }

    #[test]
    fn attributes_are_copied_even_to_a_read_only_file() {
        let (old, new) = files();
        if fsetxattr(&old, "user.color", b"green", XattrFlags::empty()).is_err() {
            println!("SKIPPED: this file system has no extended attributes");
            return;
        }
        fsetxattr(&old, "user.nothing", b"", XattrFlags::empty()).unwrap();
        old.set_permissions(Permissions::from_mode(0o440)).unwrap();
        assert_eq!(inherit(&new, &old).unwrap(), [""; 0]);
        assert_eq!(value(&new, b"user.color").unwrap(), b"green");
        assert_eq!(value(&new, b"user.nothing").unwrap(), b"");
        assert_eq!(mode(&new), 0o440);
    }

    #[test]
    fn an_access_control_list_is_copied_and_an_inherited_one_is_not_kept() {
        let (old, new) = files();
        // The group itself has no rights; only the mask, which the mode shows, is wide.
        let wanted = list(6, 0, 6, 0);
        if fsetxattr(&old, ACL, &wanted, XattrFlags::empty()).is_err() {
            println!("SKIPPED: this file system has no access control lists");
            return;
        }
        assert_eq!(mode(&old), 0o660);
        assert_eq!(inherit(&new, &old).unwrap(), [""; 0]);
        assert_eq!(value(&new, ACL).unwrap(), wanted);
        assert_eq!(mode(&new), 0o660);

        let (old, new) = files();
        old.set_permissions(Permissions::from_mode(0o660)).unwrap();
        fsetxattr(&new, ACL, &list(6, 6, 0, 0), XattrFlags::empty()).unwrap();
        assert_eq!(inherit(&new, &old).unwrap(), [""; 0]);
        assert_eq!(value(&new, ACL), None);
        assert_eq!(mode(&new), 0o660);
    }
}
