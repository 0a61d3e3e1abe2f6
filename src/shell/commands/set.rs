//! `set`.

use std::fs::File;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::Args;
use data_encoding::BASE64;

use super::traits::{CommandArgs, Group, Pace, Traits};
use super::{Caller, Session, refused};
use crate::expiry::Timestamp;
use crate::shell::answer::code::Reason;
use crate::shell::answer::done::Done;
use crate::shell::answer::reply::{Answer, Failure, Reply, shown};
use crate::shell::text::argument::{Data, Key, data, duration, key, path, time};
use crate::storage::{Entry, check_memory};
use crate::store::{Store as _, StoreExt as _};
use crate::value::Value;

/// Set a key to a value
#[derive(Args, Clone, Debug, Default, PartialEq)]
#[command(after_help = "Examples:\n  set hello world\n  set --json user:1 '{\"name\":\"Ada\"}' --ttl 1h30m")]
pub(crate) struct SetArgs {
    /// The key
    #[arg(value_name = "KEY", value_parser = key())]
    pub(crate) key: Key,
    /// The value
    #[arg(value_name = "VALUE", value_parser = data(), allow_hyphen_values = true, required_unless_present = "file")]
    pub(crate) value: Option<Data>,
    /// The value is JSON: it is checked, and its digits are kept
    #[arg(long)]
    pub(crate) json: bool,
    /// Delete the key after this time: 90 (seconds), 45s, 1h30m
    #[arg(long, value_name = "DURATION", value_parser = duration(), allow_hyphen_values = true)]
    pub(crate) ttl: Option<Duration>,
    /// Read the value from a file, byte for byte (- for stdin)
    #[arg(long, value_name = "PATH", value_parser = path(), conflicts_with = "value")]
    pub(crate) file: Option<PathBuf>,
    /// The value is encoded as base64
    #[arg(long, conflicts_with = "json")]
    pub(crate) base64: bool,
    /// Delete the key at this time: 2026-11-23T04:00:00Z
    #[arg(long, value_name = "RFC3339", value_parser = time(), conflicts_with = "ttl")]
    pub(crate) expires_at: Option<Timestamp>,
    /// Keep the key's expiry
    #[arg(long, conflicts_with_all = ["ttl", "expires_at"])]
    pub(crate) keep_ttl: bool,
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

impl CommandArgs for SetArgs {
    const TRAITS: Traits = Traits::changes("set", Group::Values).also_named(&["put"]).everyday();

    fn traits(&self) -> Traits {
        // A file may have to be waited for, and a batch holds the lock.
        let pace = if self.file.is_some() { Pace::Usual } else { Pace::Quick };
        Traits { pace, ..Self::TRAITS }
    }

    fn run<'s>(mut self, session: &'s mut Session, _: &mut Caller<'_>) -> Result<Answer<'s>, Failure> {
        let value = match (self.value.take(), &self.file) {
            (Some(Data(bytes)), _) => make_value(bytes, &self),
            (None, Some(path)) => make_value(session.read_file(path)?, &self),
            (None, None) => Err(Failure::usage("missing VALUE")),
        }?;
        let wanted_old = self.if_equals.clone().map(|Data(bytes)| make_value(bytes, &self)).transpose()?;
        if !self.asks() && self.ttl.is_none() && self.expires_at.is_none() {
            session.db.set(&self.key, &value).map_err(|error| Failure::from(error).on(&self.key))?;
            return Ok(Done::Set { key: self.key.0 }.into());
        }
        let key: &str = &self.key;
        let asks = self.asks();
        let mut is_over = false;
        let (old, refusal) = session
            .db
            .transaction(&[key], |tx| {
                let old = if asks { tx.entry(key)? } else { None };
                let refusal = match &old {
                    Some(_) if self.if_absent => Some(Reason::Exists),
                    None if self.if_present || wanted_old.is_some() => Some(Reason::NotFound),
                    Some(old)
                        if wanted_old.as_ref().is_some_and(|wanted| wanted.as_bytes() != old.value.as_bytes()) =>
                    {
                        Some(Reason::Differs)
                    }
                    _ => None,
                };
                if refusal.is_none() {
                    let expiry = match self.ttl {
                        Some(ttl) => Some(tx.now().after(ttl)?),
                        None if self.keep_ttl => old.as_ref().and_then(|old| old.expiry),
                        None => self.expires_at,
                    };
                    // A dump is read again whenever that may be, also behind the time of some of its keys.
                    is_over = self.expires_at.is_some_and(|expiry| expiry <= tx.now());
                    if is_over {
                        tx.delete(key)?;
                    } else {
                        tx.set(key, &Entry { value: value.clone(), expiry })?;
                    }
                }
                Ok((old, refusal))
            })
            .map_err(|error| Failure::from(error).on(key))?;
        let old = old.map(|entry| entry.value);
        let Answer { reply, status, notes } = answer(self.key.0, refusal, is_over);
        let reply = match reply {
            Reply::Done(done) if self.print_old => Reply::Done(Done::WithOld(Box::new(done), old)),
            reply => reply,
        };
        Ok(Answer { reply, status, notes })
    }
}

impl SetArgs {
    /// Whether what is there matters.
    fn asks(&self) -> bool {
        self.if_absent || self.if_present || self.if_equals.is_some() || self.print_old || self.keep_ttl
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

/// What a `set` that looks at what was there answers: that it was done, or why not.
fn answer(key: String, refusal: Option<Reason>, is_over: bool) -> Answer<'static> {
    let shown = shown(&key);
    match refusal {
        None if is_over => Done::SetTooLate { key }.into(),
        None => Done::Set { key }.into(),
        Some(reason @ Reason::Exists) => refused(reason, format!("Key '{shown}' already exists; nothing was set")),
        Some(reason @ Reason::Differs) => refused(reason, format!("Key '{shown}' has another value; nothing was set")),
        Some(reason) => refused(reason, format!("Key '{shown}' not found; nothing was set")),
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
            let failure = Failure::from(error).on(&set.key);
            Failure { message: format!("{}; without --json, it is stored as text", failure.message), ..failure }
        });
    }
    Ok(Value::from_bytes(bytes))
}
