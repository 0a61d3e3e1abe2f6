//! `ping`.

use clap::Args;

use super::traits::{CommandArgs, Group, Traits};
use super::{Caller, Session};
use crate::shell::answer::reply::{Answer, Failure, Reply};
use crate::shell::text::argument::{Data, data};
use crate::value::Value;

/// Print PONG, or the text given, if the database can be read
#[derive(Args, Clone, Debug, PartialEq)]
#[command(hide = true, after_help = "Examples:\n  ping\n  ping hello")]
pub(crate) struct PingArgs {
    /// What to print instead of PONG
    #[arg(value_name = "TEXT", value_parser = data(), allow_hyphen_values = true)]
    pub(crate) text: Option<Data>,
}

impl CommandArgs for PingArgs {
    const TRAITS: Traits = Traits::reads_only("ping", Group::Database).everyday();

    fn run<'s>(self, _: &'s mut Session, _: &mut Caller<'_>) -> Result<Answer<'s>, Failure> {
        let text = self.text.map_or_else(|| Value::from("PONG"), |Data(text)| Value::from_bytes(text));
        Ok(Reply::Line(text).into())
    }
}
