//! `echo`.

use clap::Args;

use super::traits::{CommandArgs, Group, OpenDatabase, Traits};
use super::{Caller, Session};
use crate::shell::answer::reply::{Answer, Failure, Reply};
use crate::shell::text::argument::{Data, data};
use crate::value::Value;

/// Print text
#[derive(Args, Clone, Debug, PartialEq)]
#[command(hide = true, after_help = "Examples:\n  echo \"Loading users\"\n  print done")]
pub(crate) struct EchoArgs {
    /// The text; several words are printed with a space between them
    #[arg(value_name = "TEXT", value_parser = data(), allow_hyphen_values = true)]
    pub(crate) text: Vec<Data>,
}

impl CommandArgs for EchoArgs {
    const TRAITS: Traits =
        Traits::reads_only("echo", Group::Shell).also_named(&["print"]).on(OpenDatabase::Unneeded).everyday();

    fn run<'s>(self, _: &'s mut Session, _: &mut Caller<'_>) -> Result<Answer<'s>, Failure> {
        let words: Vec<&[u8]> = self.text.iter().map(|word| &**word).collect();
        Ok(Reply::Line(Value::from_bytes(words.join(&b' '))).into())
    }
}
