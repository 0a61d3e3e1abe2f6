//! `append`.

use clap::Args;

use super::part::{PartArgs, PartChange};
use super::traits::{CommandArgs, Group, Traits};
use super::{Caller, Session};
use crate::shell::answer::done::Done;
use crate::shell::answer::reply::{Answer, Failure};
use crate::shell::text::argument::{Data, Key, data, key};
use crate::value::Value;

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
    #[command(flatten)]
    pub(crate) part: PartArgs,
}

impl CommandArgs for AppendArgs {
    const TRAITS: Traits = Traits::changes("append", Group::Values).everyday();

    fn run<'s>(self, session: &'s mut Session, _: &mut Caller<'_>) -> Result<Answer<'s>, Failure> {
        let bytes = self.part.of(&self.key).change(session, |before| {
            let value = before.value.take().unwrap_or_else(|| Value::from("")).append(&self.value)?;
            let bytes = value.as_bytes().len() as u64;
            Ok((PartChange::Set(value), bytes))
        })?;
        Ok(Done::Appended { key: self.key.0, bytes }.into())
    }
}
