//! `incr` and `decr`.

use clap::Args;

use super::part::{PartArgs, PartChange};
use super::traits::{CommandArgs, Group, Traits};
use super::{Caller, Session};
use crate::number::Number;
use crate::shell::answer::done::Done;
use crate::shell::answer::reply::{Answer, Failure};
use crate::shell::text::argument::{Key, decimal, key};
use crate::store::Store as _;
use crate::value::Value;

/// Add to a number (1 if BY is not given); a missing key counts from 0
#[derive(Args, Clone, Debug, PartialEq)]
#[command(after_help = "Examples:\n  incr visits\n  incr balance -2.50\n  incr user:1 --pointer /visits")]
pub(crate) struct IncrArgs {
    #[command(flatten)]
    pub(crate) sum: Sum,
}

impl CommandArgs for IncrArgs {
    const TRAITS: Traits = Traits::changes("incr", Group::Values).answering().everyday();

    fn run<'s>(self, session: &'s mut Session, _: &mut Caller<'_>) -> Result<Answer<'s>, Failure> {
        let by = self.sum.by;
        self.sum.add(session, by)
    }
}

/// Subtract from a number (1 if BY is not given)
#[derive(Args, Clone, Debug, PartialEq)]
#[command(after_help = "Examples:\n  decr stock\n  decr stock 12")]
pub(crate) struct DecrArgs {
    #[command(flatten)]
    pub(crate) sum: Sum,
}

impl CommandArgs for DecrArgs {
    const TRAITS: Traits = Traits::changes("decr", Group::Values).answering().everyday();

    fn run<'s>(self, session: &'s mut Session, _: &mut Caller<'_>) -> Result<Answer<'s>, Failure> {
        let by = self.sum.by.negated()?;
        self.sum.add(session, by)
    }
}

/// A key, and the amount to add to its number or subtract from it.
#[derive(Args, Clone, Debug, PartialEq)]
pub(crate) struct Sum {
    /// The key
    #[arg(value_name = "KEY", value_parser = key())]
    pub(crate) key: Key,
    /// The amount: any number, also negative or decimal
    #[arg(value_name = "BY", value_parser = decimal(), allow_hyphen_values = true, default_value = "1", hide_default_value = true)]
    pub(crate) by: Number,
    #[command(flatten)]
    pub(crate) part: PartArgs,
}

impl Sum {
    fn add<'s>(&self, session: &mut Session, by: Number) -> Result<Answer<'s>, Failure> {
        let target = self.part.of(&self.key);
        if !target.is_part() {
            let value = session.db.add(&self.key, by).map_err(|error| Failure::from(error).on(&self.key))?;
            return Ok(Done::Computed(value).into());
        }
        let value = target.change(session, |before| {
            let zero = || Value::from_json("0");
            let value = before.value.take().map_or_else(zero, Ok)?.checked_add(by)?;
            Ok((PartChange::Set(value.clone()), value))
        })?;
        Ok(Done::Computed(value).into())
    }
}
