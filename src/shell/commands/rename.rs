//! `rename` and `copy`.

use std::collections::HashSet;

use clap::Args;

use super::traits::{CommandArgs, Group, Traits};
use super::{Caller, Session, keys, refused};
use crate::shell::answer::code::Reason;
use crate::shell::answer::done::Done;
use crate::shell::answer::reply::{Answer, Failure, shown};
use crate::shell::terminal::interrupt::{self, stoppable};
use crate::shell::terminal::progress;
use crate::shell::text::argument::{Key, key};
use crate::store::{Scan, Scope, Store as _, StoreExt as _};

/// Rename a key
#[derive(Args, Clone, Debug, PartialEq)]
#[command(after_help = "Examples:\n  rename draft final\n  rename new current --replace")]
pub(crate) struct RenameArgs {
    #[command(flatten)]
    pub(crate) names: TwoKeys,
}

impl CommandArgs for RenameArgs {
    const TRAITS: Traits = Traits::changes("rename", Group::Values).everyday();

    fn run<'s>(self, session: &'s mut Session, caller: &mut Caller<'_>) -> Result<Answer<'s>, Failure> {
        if self.names.prefix {
            return carry_many(session, caller, &self.names, true);
        }
        carry(session, &self.names, true)
    }
}

/// Copy a value and its expiry to another key
#[derive(Args, Clone, Debug, PartialEq)]
#[command(
    after_help = "Examples:\n  copy config config.bak\n  copy new current --replace\n  copy --prefix app: app.bak:"
)]
pub(crate) struct CopyArgs {
    #[command(flatten)]
    pub(crate) names: TwoKeys,
}

impl CommandArgs for CopyArgs {
    const TRAITS: Traits = Traits::changes("copy", Group::Values).everyday();

    fn run<'s>(self, session: &'s mut Session, caller: &mut Caller<'_>) -> Result<Answer<'s>, Failure> {
        if self.names.prefix {
            return carry_many(session, caller, &self.names, false);
        }
        carry(session, &self.names, false)
    }
}

/// A key, and the new key for its entry.
#[derive(Args, Clone, Debug, PartialEq)]
pub(crate) struct TwoKeys {
    /// The key
    #[arg(value_name = "KEY", value_parser = key())]
    pub(crate) from: Key,
    /// The new key
    #[arg(value_name = "NEW", value_parser = key())]
    pub(crate) to: Key,
    /// Replace the new key if it already exists
    #[arg(long)]
    pub(crate) replace: bool,
    /// Take all keys with the prefix KEY, and give them the prefix NEW
    #[arg(long)]
    pub(crate) prefix: bool,
}

/// Copies an entry with its expiry to another key, and deletes the old key if requested.
fn carry<'s>(session: &mut Session, names: &TwoKeys, rename: bool) -> Result<Answer<'s>, Failure> {
    let TwoKeys { from, to, replace, .. } = names;
    let refusal = session.db.transaction(&[from, to], |tx| {
        let Some(entry) = tx.entry(from)? else { return Ok(Some(Reason::NotFound)) };
        if from != to {
            if !replace && tx.entry(to)?.is_some() {
                return Ok(Some(Reason::Exists));
            }
            tx.set(to, &entry)?;
            if rename {
                tx.delete(from)?;
            }
        }
        Ok(None)
    });
    match refusal.map_err(|error| Failure::from(error).on(to))? {
        Some(Reason::NotFound) => Err(session.not_found(from)),
        Some(reason) => {
            Ok(refused(reason, format!("Key '{}' already exists; use --replace to overwrite it", shown(to))))
        }
        None => {
            session.masks.carry_secret(from, to);
            let (from, to) = (from.to_string(), to.to_string());
            Ok(if rename { Done::Renamed { from, to } } else { Done::Copied { from, to } }.into())
        }
    }
}

/// The same for all keys with a prefix: one atomic change. The user is asked first if there are several keys.
fn carry_many<'s>(
    session: &mut Session,
    caller: &mut Caller<'_>,
    names: &TwoKeys,
    rename: bool,
) -> Result<Answer<'s>, Failure> {
    let TwoKeys { from, to, replace, .. } = names;
    let verb = if rename { "Rename" } else { "Copy" };
    let mut count = 0;
    for key in stoppable(session.db.scan_keys(&Scan::prefix(from)), progress::keys) {
        key?;
        count += 1;
    }
    if count > 1 && from != to {
        let warning = session.undo_warning(from, |_| true)?;
        let note = warning.map(|warning| format!(" ({warning})")).unwrap_or_default();
        if !caller.confirm(&format!("{verb} {}?{note}", keys(count))) {
            let done = if rename { "renamed" } else { "copied" };
            return Ok(refused(Reason::NotConfirmed, format!("Nothing was {done}")));
        }
        if warning.is_some() {
            session.db.give_consent();
        }
    }
    let (mut carried, mut taken) = (0, None);
    session.db.change(Scope::Prefix(""), &mut |tx| {
        (carried, taken) = (0, None);
        let old = tx.keys(from, &|_| true, interrupt::check)?;
        let moved: HashSet<&str> = old.iter().map(String::as_str).filter(|_| rename).collect();
        let mut new = Vec::with_capacity(old.len());
        for key in &old {
            interrupt::check()?;
            let Some(entry) = tx.entry(key)? else { continue };
            let name = format!("{}{}", to.0, &key[from.len()..]);
            if !replace && name != *key && !moved.contains(&*name) && tx.entry(&name)?.is_some() {
                taken = Some(name);
                return Ok(());
            }
            new.push((name, entry));
        }
        carried = new.len() as u64;
        if from == to {
            return Ok(());
        }
        for key in moved {
            tx.delete(key)?;
        }
        new.iter().try_for_each(|(name, entry)| tx.set(name, entry))
    })?;
    match taken {
        Some(name) => {
            let note = format!("Key '{}' already exists; use --replace to overwrite it", shown(&name));
            Ok(refused(Reason::Exists, note))
        }
        None => {
            session.masks.carry_secrets(from, to);
            Ok(if rename { Done::RenamedMany { keys: carried } } else { Done::CopiedMany { keys: carried } }.into())
        }
    }
}
