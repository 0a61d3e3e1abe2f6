//! `set`.

use std::ffi::OsString;
use std::fs::File;
use std::io::{self, Read as _};
use std::os::unix::ffi::OsStringExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::Args;
use data_encoding::BASE64;

use super::part::{PartArgs, PartChange};
use super::traits::{CommandArgs, Group, Pace, Traits, WithoutUndo};
use super::{Caller, Session, refused};
use crate::error::Error;
use crate::expiry::Timestamp;
use crate::shell::answer::code::{Code, Reason};
use crate::shell::answer::done::Done;
use crate::shell::answer::reply::{Answer, Failure, Reply, shown};
use crate::shell::terminal::ask;
use crate::shell::text::argument::{Data, Key, data, duration, key, path, time, variable};
use crate::storage::check_memory;
use crate::store::Store as _;
use crate::value::Value;

/// Set a key to a value
#[derive(Args, Clone, Debug, Default, PartialEq)]
#[command(
    after_help = "With --pointer, the conditions and --print-old apply to the part, and the expiry is kept.\n\nTo keep a secret out of the history and of the list of processes, use `set api:token --ask` to type it, --env NAME to take it from a variable, or --file - to read it from stdin. A key set with --ask or --env is masked until the session ends (see `help mask`).\n\nExamples:\n  set hello world\n  set --json user:1 '{\"name\":\"Ada\"}' --ttl 1h30m\n  set user:1 --pointer /address/city London --parents"
)]
pub(crate) struct SetArgs {
    /// The key
    #[arg(value_name = "KEY", value_parser = key())]
    pub(crate) key: Key,
    /// The value
    #[arg(value_name = "VALUE", value_parser = data(), allow_hyphen_values = true, required_unless_present_any = ["file", "ask", "env"])]
    pub(crate) value: Option<Data>,
    /// The value is JSON: it is checked, and its digits are kept
    #[arg(long)]
    pub(crate) json: bool,
    /// Delete the key after this time: 90 (seconds), 45s, 1h30m
    #[arg(long, value_name = "DURATION", value_parser = duration(), allow_hyphen_values = true)]
    pub(crate) ttl: Option<Duration>,
    #[command(flatten)]
    pub(crate) source: ValueSource,
    /// The value is encoded as base64
    #[arg(long, conflicts_with = "json")]
    pub(crate) base64: bool,
    /// Delete the key at this time: 2026-11-23T04:00:00Z
    #[arg(long, value_name = "RFC3339", value_parser = time(), conflicts_with = "ttl")]
    pub(crate) expires_at: Option<Timestamp>,
    /// Keep the key's expiry
    #[arg(long, conflicts_with_all = ["ttl", "expires_at"])]
    pub(crate) keep_ttl: bool,
    #[command(flatten)]
    pub(crate) condition: Condition,
    #[command(flatten)]
    pub(crate) part: PartArgs,
}

/// Where a value comes from that is not in the line.
#[derive(Args, Clone, Debug, Default, PartialEq)]
pub(crate) struct ValueSource {
    /// Read the value from a file, byte for byte (- for stdin)
    #[arg(long, value_name = "PATH", value_parser = path(), conflicts_with = "value")]
    pub(crate) file: Option<PathBuf>,
    /// Read the value from the terminal, without echo
    #[arg(long, conflicts_with_all = ["value", "file"])]
    pub(crate) ask: bool,
    /// Take the value from an environment variable
    #[arg(long, value_name = "NAME", value_parser = variable(), conflicts_with_all = ["value", "file", "ask"])]
    pub(crate) env: Option<String>,
}

impl ValueSource {
    /// Whether it is one of those for secrets.
    fn is_secret(&self) -> bool {
        self.ask || self.env.is_some()
    }
}

impl CommandArgs for SetArgs {
    const TRAITS: Traits = Traits::changes("set", Group::Values).also_named(&["put"]).everyday();

    fn traits(&self) -> Traits {
        // A file or a person may have to be waited for, and a batch holds the lock.
        match &self.source {
            ValueSource { ask: true, .. } => {
                Traits { pace: Pace::OfOthers, without_undo: WithoutUndo::Fails, ..Self::TRAITS }
            }
            ValueSource { file: Some(_), .. } => Traits { pace: Pace::Usual, ..Self::TRAITS },
            _ => Self::TRAITS,
        }
    }

    fn run<'s>(mut self, session: &'s mut Session, _: &mut Caller<'_>) -> Result<Answer<'s>, Failure> {
        let bytes = match self.value.take() {
            Some(Data(bytes)) => bytes,
            None => session.read_value(&self.source, &self.key)?,
        };
        if self.source.is_secret() {
            session.masks.add_secret(&self.key);
        }
        let value = make_value(bytes, &self)?;
        let wanted_old = self.condition.if_equals.clone().map(|Data(bytes)| make_value(bytes, &self)).transpose()?;
        let is_blind = !self.condition.asks() && !self.keep_ttl;
        if is_blind && self.ttl.is_none() && self.expires_at.is_none() && self.part.pointer.is_none() {
            session.db.set(&self.key, &value).map_err(|error| Failure::from(error).on(&self.key))?;
            return Ok(Done::Set { key: self.key.0 }.into());
        }
        let keeps_expiry = self.keep_ttl || self.part.pointer.is_some();
        let (old, refusal, is_over) = self.part.of(&self.key).blind(is_blind).change(session, |before| {
            let old = before.value.take();
            if let Some(reason) = self.condition.refuses(old.as_ref(), wanted_old.as_ref()) {
                return Ok((PartChange::Same, (old, Some(reason), false)));
            }
            before.expiry = match (self.ttl, self.expires_at) {
                (Some(ttl), _) => Some(before.now.after(ttl)?),
                (None, Some(expiry)) => Some(expiry),
                (None, None) => before.expiry.filter(|_| keeps_expiry),
            };
            // A dump is read again whenever that may be, also behind the time of some of its keys.
            let is_over = self.expires_at.is_some_and(|expiry| expiry <= before.now);
            Ok((if is_over { PartChange::KeyDeleted } else { PartChange::Set(value.clone()) }, (old, None, is_over)))
        })?;
        let prints_old = self.condition.print_old;
        let Answer { reply, status, notes } = self.answer(refusal, is_over);
        let reply = match reply {
            Reply::Done(done) if prints_old => Reply::Done(Done::WithOld(Box::new(done), old)),
            reply => reply,
        };
        Ok(Answer { reply, status, notes })
    }
}

impl SetArgs {
    /// What a `set` that looks at what was there answers: that it was done, or why not.
    fn answer(self, refusal: Option<Reason>, is_over: bool) -> Answer<'static> {
        let key = self.key.0;
        let name = match &self.part.pointer {
            Some(pointer) => format!("Part '{}' of key '{}'", shown(&pointer.typed), shown(&key)),
            None => format!("Key '{}'", shown(&key)),
        };
        match (refusal, self.part.pointer) {
            (None, _) if is_over => Done::SetTooLate { key }.into(),
            (None, Some(pointer)) => Done::PartSet { key, pointer: pointer.typed }.into(),
            (None, None) => Done::Set { key }.into(),
            (Some(reason @ Reason::Exists), _) => refused(reason, format!("{name} already exists; nothing was set")),
            (Some(reason @ Reason::Differs), _) => {
                refused(reason, format!("{name} has another value; nothing was set"))
            }
            (Some(reason), _) => refused(reason, format!("{name} not found; nothing was set")),
        }
    }
}

/// When a key, or a part of one, is set, and what is said of what was there.
#[derive(Args, Clone, Debug, Default, PartialEq)]
pub(crate) struct Condition {
    /// Set only if the key does not exist
    #[arg(long, conflicts_with = "if_present")]
    pub(crate) if_absent: bool,
    /// Set only if the key already exists
    #[arg(long)]
    pub(crate) if_present: bool,
    /// Set only if the key has this value
    #[arg(long, value_name = "OLD", value_parser = data(), allow_hyphen_values = true, conflicts_with = "if_absent")]
    pub(crate) if_equals: Option<Data>,
    /// Print the old value
    #[arg(long)]
    pub(crate) print_old: bool,
}

impl Condition {
    /// Whether what is there matters.
    fn asks(&self) -> bool {
        self.if_absent || self.if_present || self.if_equals.is_some() || self.print_old
    }

    /// Why nothing is set; `wanted` is what the old value must be.
    fn refuses(&self, old: Option<&Value>, wanted: Option<&Value>) -> Option<Reason> {
        match old {
            Some(_) if self.if_absent => Some(Reason::Exists),
            None if self.if_present || wanted.is_some() => Some(Reason::NotFound),
            Some(old) if wanted.is_some_and(|wanted| wanted.as_bytes() != old.as_bytes()) => Some(Reason::Differs),
            _ => None,
        }
    }
}

impl Session {
    /// `set` without flags, as one of the lines of a script: what was there before does not matter, so it is not looked at.
    pub(crate) fn set_plain(&mut self, key: &str, value: &[u8]) -> Result<(), Failure> {
        let value = match std::str::from_utf8(value) {
            Ok(text) => {
                let mut scratch = std::mem::take(&mut self.scratch);
                scratch.clear();
                scratch.push_str(text);
                Value::Text(scratch)
            }
            Err(_) => Value::Bytes(value.to_vec()),
        };
        let set = self.db.set(key, &value);
        if let Value::Text(text) = value {
            self.scratch = text;
        }
        set.map_err(|error| Failure::from(error).on(key))
    }

    /// The value that is not in the line.
    fn read_value(&self, source: &ValueSource, key: &str) -> Result<Vec<u8>, Failure> {
        match source {
            ValueSource { file: Some(path), .. } => self.read_file(path),
            ValueSource { env: Some(name), .. } => std::env::var_os(name)
                .map(OsString::into_vec)
                .ok_or_else(|| Failure::usage(format!("the environment variable '{name}' is not set")).on(key)),
            ValueSource { ask: true, .. } => ask::secret(&format!("Value of '{}': ", shown(key))),
            _ => Err(Failure::usage("missing VALUE")),
        }
    }

    /// The bytes of a file, or of stdin for `-`.
    fn read_file(&self, path: &Path) -> Result<Vec<u8>, Failure> {
        let failed = |error: io::Error| Failure::io("read", path, &error);
        let mut bytes = Vec::new();
        let limit = Value::MAX_LEN as u64 + 1;
        if path == Path::new("-") {
            if !self.stdin_is_free {
                return Err(Failure::usage("--file - reads stdin, which is already in use; give a file"));
            }
            io::stdin().lock().take(limit).read_to_end(&mut bytes).map_err(failed)?;
        } else {
            File::open(path).map_err(failed)?.take(limit).read_to_end(&mut bytes).map_err(failed)?;
        }
        Ok(bytes)
    }
}

/// What the flags of `set` make of the bytes that were given.
fn make_value(bytes: Vec<u8>, set: &SetArgs) -> Result<Value, Failure> {
    // Read as another form, it is there twice, and takes up to as much again while it grows.
    check_memory(if set.base64 || set.json { 3 * bytes.len() } else { 0 })?;
    if set.base64 {
        let encoded: Vec<u8> = bytes.into_iter().filter(|byte| !byte.is_ascii_whitespace()).collect();
        let decoded = BASE64.decode(&encoded);
        return decoded
            .map(Value::from_bytes)
            .map_err(|error| Failure::usage(format!("not base64: {error}")).on(&set.key));
    }
    if set.json {
        let text = String::from_utf8(bytes).map_err(|error| {
            let at = error.utf8_error().valid_up_to();
            Failure::usage(format!("not valid JSON: byte {at} is not UTF-8")).on(&set.key)
        })?;
        return Value::from_json(&text).map_err(|error| {
            if let (true, Error::NotJson { line, column, .. }) = (set.source.is_secret(), &error) {
                return Failure {
                    code: Code::NotJson,
                    ..Failure::usage(format!("not valid JSON at line {line} column {column}"))
                }
                .on(&set.key);
            }
            let failure = Failure::from(error).on(&set.key);
            Failure { message: format!("{}; without --json, it is stored as text", failure.message), ..failure }
        });
    }
    Ok(Value::from_bytes(bytes))
}
