//! `append`.

use clap::Args;

use super::traits::{CommandArgs, Group, Traits};
use super::{Caller, Session};
use crate::shell::answer::done::Done;
use crate::shell::answer::reply::{Answer, Failure};
use crate::shell::text::argument::{Data, Key, data, key};
use crate::storage::Entry;
use crate::store::StoreExt as _;

/// Append text to a value (a missing key counts as empty)
#[derive(Args, Clone, Debug, PartialEq)]
#[command(after_help = "Examples:\n  append log \"one more line\\n\"\n  append greeting \", world\"")]
pub(crate) struct AppendArgs {
    /// The key
    #[arg(value_name = "KEY", value_parser = key())]
    pub(crate) key: Key,
    /// The text to append
    #[arg(value_name = "VALUE", value_parser = data(), allow_hyphen_values = true)]
    pub(crate) value: Data,
}

impl CommandArgs for AppendArgs {
    const TRAITS: Traits = Traits::changes("append", Group::Values).everyday();

    fn run<'s>(self, session: &'s mut Session, _: &mut Caller<'_>) -> Result<Answer<'s>, Failure> {
        let key: &str = &self.key;
        let length = session.db.transaction(&[key], |tx| {
            let entry = tx.entry(key)?.unwrap_or_else(|| Entry::from(""));
            let value = entry.value.append(&self.value)?;
            let length = value.as_bytes().len() as u64;
            tx.set(key, &Entry { value, expiry: entry.expiry })?;
            Ok(length)
        });
        let bytes = length.map_err(|error| Failure::from(error).on(key))?;
        Ok(Done::Appended { key: self.key.0, bytes }.into())
    }
}
