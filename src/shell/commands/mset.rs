//! `mset`.

use clap::Args;

use super::traits::{CommandArgs, Group, Traits};
use super::{Caller, Session, refused};
use crate::shell::answer::code::Reason;
use crate::shell::answer::done::Done;
use crate::shell::answer::reply::{Answer, Failure, shown};
use crate::shell::text::argument::{Data, data};
use crate::shell::text::escape::excerpt;
use crate::storage::Entry;
use crate::store::StoreExt as _;
use crate::value::Value;

/// Set several keys at once, all or none
#[derive(Args, Clone, Debug, PartialEq)]
#[command(hide = true, after_help = "Examples:\n  mset a 1 b 2\n  mset --if-absent host localhost port 8080")]
pub(crate) struct MsetArgs {
    /// A key, its value, the next key and so on
    #[arg(required = true, value_name = "KEY VALUE", value_parser = data(), allow_hyphen_values = true)]
    pub(crate) words: Vec<Data>,
    /// Only if none of the keys exists
    #[arg(long)]
    pub(crate) if_absent: bool,
}

impl CommandArgs for MsetArgs {
    const TRAITS: Traits = Traits::changes("mset", Group::Values).everyday();

    fn run<'s>(self, session: &'s mut Session, _: &mut Caller<'_>) -> Result<Answer<'s>, Failure> {
        let entries = entries(self.words)?;
        let mut keys: Vec<&str> = entries.iter().map(|(key, _)| key.as_str()).collect();
        let taken = session.db.transaction(&keys, |tx| {
            if self.if_absent {
                for key in &keys {
                    if tx.entry(key)?.is_some() {
                        return Ok(Some((*key).to_owned()));
                    }
                }
            }
            for (key, entry) in &entries {
                tx.set(key, entry)?;
            }
            Ok(None)
        })?;
        match taken {
            Some(key) => Ok(refused(Reason::Exists, format!("Key '{}' already exists; nothing was set", shown(&key)))),
            None => {
                keys.sort_unstable();
                keys.dedup();
                Ok(Done::SetKeys { keys: keys.len() as u64 }.into())
            }
        }
    }
}

/// The entries that the words are: a key and a value by turns.
fn entries(words: Vec<Data>) -> Result<Vec<(String, Entry)>, Failure> {
    let mut entries = Vec::with_capacity(words.len() / 2);
    let mut words = words.into_iter();
    while let Some(Data(key)) = words.next() {
        let key = String::from_utf8(key).map_err(|error| {
            let key = String::from_utf8_lossy(error.as_bytes()).into_owned();
            Failure::usage(format!(
                "expected a key in UTF-8, found '{}'; only values may hold other bytes",
                shown(&key)
            ))
        })?;
        let Some(Data(value)) = words.next() else {
            let key = excerpt(&key, 40);
            return Err(Failure::usage(format!("expected a value after each key, found none after '{key}'")));
        };
        entries.push((key, Entry { value: Value::from_bytes(value), expiry: None }));
    }
    Ok(entries)
}
