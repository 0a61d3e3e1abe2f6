//! `rename` and `copy`.

use clap::Args;

use super::traits::{CommandArgs, Group, Traits};
use super::{Caller, Session, refused};
use crate::shell::answer::code::Reason;
use crate::shell::answer::done::Done;
use crate::shell::answer::reply::{Answer, Failure, shown};
use crate::shell::text::argument::{Key, key};
use crate::store::StoreExt as _;

/// Rename a key
#[derive(Args, Clone, Debug, PartialEq)]
#[command(after_help = "Examples:\n  rename draft final\n  rename new current --replace")]
pub(crate) struct RenameArgs {
    #[command(flatten)]
    pub(crate) names: TwoKeys,
}

impl CommandArgs for RenameArgs {
    const TRAITS: Traits = Traits::changes("rename", Group::Values).everyday();

    fn run<'s>(self, session: &'s mut Session, _: &mut Caller<'_>) -> Result<Answer<'s>, Failure> {
        carry(session, &self.names, true)
    }
}

/// Copy a value and its expiry to another key
#[derive(Args, Clone, Debug, PartialEq)]
#[command(after_help = "Examples:\n  copy config config.bak\n  copy new current --replace")]
pub(crate) struct CopyArgs {
    #[command(flatten)]
    pub(crate) names: TwoKeys,
}

impl CommandArgs for CopyArgs {
    const TRAITS: Traits = Traits::changes("copy", Group::Values).everyday();

    fn run<'s>(self, session: &'s mut Session, _: &mut Caller<'_>) -> Result<Answer<'s>, Failure> {
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
}

/// Copies an entry with its expiry to another key, and deletes the old key if requested.
fn carry<'s>(session: &mut Session, names: &TwoKeys, rename: bool) -> Result<Answer<'s>, Failure> {
    let TwoKeys { from, to, replace } = names;
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
