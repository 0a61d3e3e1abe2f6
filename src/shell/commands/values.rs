//! Commands on values: set, get, del and their kin.

use std::collections::HashSet;
use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use data_encoding::BASE64;

use super::{Session, keys, refused, value_field};
use crate::number::Number;
use crate::shell::answer::reply::{Answer, Done, Failure, Field, Reply, shown};
use crate::shell::answer::status::Status;
use crate::shell::language::command::{Del, Get, Move, Set};
use crate::shell::terminal::interrupt::{self, stoppable};
use crate::shell::terminal::progress;
use crate::shell::text::argument::{Data, Key};
use crate::shell::text::glob::Glob;
use crate::storage::{Entry, check_memory};
use crate::value::Value;

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
        let set = self.db.set_blind(key, &value);
        if let Value::Text(text) = value {
            self.scratch = text;
        }
        set.map_err(|error| Failure::from(error).on(key))
    }

    pub(super) fn set(&mut self, set: &Set) -> Result<Answer<'_>, Failure> {
        let key: &str = &set.key;
        let value = match (&set.value, &set.file) {
            (Some(Data(bytes)), _) => make_value(bytes.clone(), set),
            (None, Some(path)) => make_value(self.read_file(path)?, set),
            (None, None) => Err(Failure::usage("VALUE is missing")),
        }?;
        let wanted_old = match &set.if_equals {
            Some(Data(bytes)) => Some(make_value(bytes.clone(), set)?),
            None => None,
        };
        let asks = set.if_absent || set.if_present || wanted_old.is_some() || set.print_old || set.keep_ttl;
        if !asks && set.ttl.is_none() && set.expires_at.is_none() {
            self.db.set_blind(key, &value).map_err(|error| Failure::from(error).on(key))?;
            return Ok(was_set(key).into());
        }
        let mut is_over = false;
        let (old, refusal) = self
            .db
            .transaction(|tx| {
                let old = if asks { tx.entry(key)? } else { None };
                let refusal = match &old {
                    Some(_) if set.if_absent => Some("exists"),
                    None if set.if_present || wanted_old.is_some() => Some("not_found"),
                    Some(old)
                        if wanted_old.as_ref().is_some_and(|wanted| wanted.as_bytes() != old.value.as_bytes()) =>
                    {
                        Some("differs")
                    }
                    _ => None,
                };
                if refusal.is_none() {
                    let deadline = match set.ttl {
                        Some(ttl) => Some(tx.now().after(ttl)?),
                        None if set.keep_ttl => old.as_ref().and_then(|old| old.deadline),
                        None => set.expires_at,
                    };
                    // A dump is read again whenever that may be, also behind the time of some of its keys.
                    is_over = set.expires_at.is_some_and(|deadline| deadline <= tx.now());
                    if is_over {
                        tx.delete(key)?;
                    } else {
                        tx.set_entry(key, Entry { value, deadline })?;
                    }
                }
                Ok((old, refusal))
            })
            .map_err(|error| Failure::from(error).on(key))?;
        let old = old.map(|entry| entry.value);
        let mut answer = match refusal {
            None if is_over => {
                let told = format!("The time of key '{}' is over already; it is not there", shown(key));
                Reply::Done(Done::new(told)).into()
            }
            None => Answer::from(was_set(key)),
            Some(reason @ "exists") => refused(reason, format!("Key '{}' exists already; nothing was set", shown(key))),
            Some(reason @ "differs") => {
                refused(reason, format!("Key '{}' has another value; nothing was set", shown(key)))
            }
            Some(reason) => refused(reason, format!("Key '{}' not found; nothing was set", shown(key))),
        };
        if let (true, Reply::Done(done)) = (set.print_old, &mut answer.reply) {
            done.fields.push(("old", value_field(old.as_ref())));
            done.value = old;
        }
        Ok(answer)
    }

    pub(super) fn get(&mut self, get: &Get) -> Result<Answer<'_>, Failure> {
        let default = get.default.as_ref().map(|Data(bytes)| Value::from_bytes(bytes.clone()));
        let mut found = Vec::with_capacity(get.keys.len());
        let mut missing = Vec::new();
        for key in &get.keys {
            let value = match self.db.get(key)? {
                Some(value) => match part(key, value, get.pointer.as_deref())? {
                    Ok(part) => Some(part),
                    Err(failure) if default.is_none() => {
                        missing.push(failure);
                        None
                    }
                    Err(_) => default.clone(),
                },
                None if default.is_some() => default.clone(),
                None => {
                    missing.push(self.not_found(key));
                    None
                }
            };
            found.push((key.to_string(), value));
        }
        if let [(_, value)] = &mut found[..] {
            return match (value.take(), missing.pop()) {
                (Some(value), _) => Ok(Reply::Value(value).into()),
                (None, Some(failure)) => Err(failure),
                (None, None) => Err(self.not_found(&get.keys[0])),
            };
        }
        let status = if missing.is_empty() { Status::Done } else { Status::No };
        let notes = missing.into_iter().map(|failure| failure.message).collect();
        Ok(Answer { reply: Reply::Values(found), status, notes })
    }

    pub(super) fn del(&mut self, del: &Del, confirm: &mut dyn FnMut(&str) -> bool) -> Result<Answer<'_>, Failure> {
        if del.glob.is_some() || del.prefix.is_some() {
            return self.del_many(del, confirm);
        }
        let (deleted, missing) = self.db.transaction(|tx| {
            let (mut deleted, mut missing) = (0_u64, Vec::new());
            let mut seen = HashSet::new();
            for key in del.keys.iter().filter(|key| seen.insert(&***key)) {
                if tx.delete(key)? {
                    deleted += 1;
                } else {
                    missing.push(key.to_string());
                }
            }
            Ok((deleted, missing))
        })?;
        if let ([key], 0) = (&missing[..], deleted) {
            return Err(self.not_found(key));
        }
        let done = Done::new(format!("Deleted {}", keys(deleted))).with("deleted", Field::Number(deleted));
        if missing.is_empty() {
            return Ok(Reply::Done(done).into());
        }
        let notes = missing.iter().map(|key| self.not_found(key).message).collect();
        let reply = Reply::Done(done.with("missing", Field::Keys(missing)));
        Ok(Answer { reply, status: Status::No, notes })
    }

    /// Deletes what a glob or prefix hits. A person is asked first, without the lock; what is there when the lock is
    /// had counts.
    fn del_many(&mut self, del: &Del, confirm: &mut dyn FnMut(&str) -> bool) -> Result<Answer<'_>, Failure> {
        let glob = del.glob.as_ref();
        let prefix = glob.map_or(del.prefix.as_deref().unwrap_or_default(), Glob::prefix);
        let hit = |key: &str| glob.is_none_or(|glob| glob.matches(key));
        let mut count = 0;
        for key in stoppable(self.db.prefix(prefix).keys(), progress::keys) {
            count += u64::from(hit(&key?));
        }
        if count > 1 {
            let warning = self.undo_warning(prefix, hit)?;
            let note = warning.map(|warning| format!(" ({warning})")).unwrap_or_default();
            if !confirm(&format!("Delete {}?{note}", keys(count))) {
                return Ok(refused("not_confirmed", "Nothing was deleted".to_owned()));
            }
            if warning.is_some() {
                self.db.give_consent();
            }
        }
        let deleted = self.db.transaction(|tx| {
            let mut deleted = 0;
            for key in tx.all_keys(prefix, hit, interrupt::check)? {
                interrupt::check()?;
                deleted += u64::from(tx.delete(&key)?);
            }
            Ok(deleted)
        })?;
        let done = Done::new(format!("Deleted {}", keys(deleted))).with("deleted", Field::Number(deleted));
        Ok(Reply::Done(done).into())
    }

    pub(super) fn exists(&mut self, keys: &[Key]) -> Result<Answer<'_>, Failure> {
        let mut count = 0;
        for key in keys {
            count += u64::from(self.db.contains(key)?);
        }
        let status = if count == keys.len() as u64 { Status::Done } else { Status::No };
        Ok(Answer { status, ..Reply::Number(count).into() })
    }

    pub(super) fn getdel(&mut self, key: &str) -> Result<Answer<'_>, Failure> {
        let value = self.db.transaction(|tx| {
            let value = tx.get(key)?;
            tx.delete(key)?;
            Ok(value)
        })?;
        match value {
            Some(value) => Ok(Reply::Value(value).into()),
            None => Err(self.not_found(key)),
        }
    }

    pub(super) fn add(&mut self, key: &str, by: Number) -> Result<Answer<'_>, Failure> {
        let value = self.db.transaction(|tx| {
            let entry = tx.entry(key)?.unwrap_or_else(|| Entry::from("0"));
            let value = entry.value.checked_add(by)?;
            tx.set_entry(key, Entry { value: value.clone(), ..entry })?;
            Ok(value)
        });
        let value = value.map_err(|error| Failure::from(error).on(key))?;
        let exact = Field::Exact(value.to_string());
        Ok(Reply::Done(Done { value: Some(value), ..Done::new("").with("value", exact) }).into())
    }

    pub(super) fn append(&mut self, key: &str, tail: &[u8]) -> Result<Answer<'_>, Failure> {
        let length = self.db.transaction(|tx| {
            let entry = tx.entry(key)?.unwrap_or_else(|| Entry::from(""));
            let value = entry.value.append(tail)?;
            let length = value.as_bytes().len() as u64;
            tx.set_entry(key, Entry { value, deadline: entry.deadline })?;
            Ok(length)
        });
        let length = length.map_err(|error| Failure::from(error).on(key))?;
        let done = Done::new(format!("Appended to key: {} (now {length} bytes)", shown(key)));
        Ok(Reply::Done(done.with("size", Field::Bytes(length))).into())
    }

    pub(super) fn rename(&mut self, names: &Move) -> Result<Answer<'_>, Failure> {
        self.carry(names, true)
    }

    pub(super) fn copy(&mut self, names: &Move) -> Result<Answer<'_>, Failure> {
        self.carry(names, false)
    }

    /// Puts an entry under another key, its deadline included, and takes the old one away if asked to.
    fn carry(&mut self, names: &Move, rename: bool) -> Result<Answer<'_>, Failure> {
        let Move { from, to, replace } = names;
        let refusal = self.db.transaction(|tx| {
            let Some(entry) = tx.entry(from)? else { return Ok(Some("not_found")) };
            if from != to {
                if !replace && tx.entry(to)?.is_some() {
                    return Ok(Some("exists"));
                }
                tx.set_entry(to, entry)?;
                if rename {
                    tx.delete(from)?;
                }
            }
            Ok(None)
        });
        match refusal.map_err(|error| Failure::from(error).on(to))? {
            Some("not_found") => Err(self.not_found(from)),
            Some(reason) => Ok(refused(reason, format!("Key '{}' exists already; --replace overwrites it", shown(to)))),
            None => {
                let verb = if rename { "Renamed" } else { "Copied" };
                Ok(Reply::Done(Done::new(format!("{verb} key: {} to {}", shown(from), shown(to)))).into())
            }
        }
    }

    /// The bytes of a file, or of stdin for `-`.
    fn read_file(&self, path: &Path) -> Result<Vec<u8>, Failure> {
        let failed = |error: io::Error| Failure::io("read", path, &error);
        let mut bytes = Vec::new();
        let limit = Value::MAX_LEN as u64 + 1;
        if path == Path::new("-") {
            if !self.stdin_is_free {
                return Err(Failure::usage("--file - reads stdin, which is in use here; give a file"));
            }
            io::stdin().lock().take(limit).read_to_end(&mut bytes).map_err(failed)?;
        } else {
            File::open(path).map_err(failed)?.take(limit).read_to_end(&mut bytes).map_err(failed)?;
        }
        Ok(bytes)
    }
}

/// What `set` answers.
pub(crate) fn was_set(key: &str) -> Reply<'static> {
    Reply::Done(Done::new(format!("Set value for key: {}", shown(key))))
}

/// What the flags of `set` make of the bytes that were given.
fn make_value(bytes: Vec<u8>, set: &Set) -> Result<Value, Failure> {
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
            Failure { message: format!("{}; without --json it is stored as text", failure.message), ..failure }
        });
    }
    Ok(Value::from_bytes(bytes))
}

/// The part of a value that a pointer names; the inner failure says that there is none.
fn part(key: &str, value: Value, pointer: Option<&str>) -> Result<Result<Value, Failure>, Failure> {
    let Some(pointer) = pointer else { return Ok(Ok(value)) };
    let (found, why) = match &value {
        Value::Json(json) => (json.pointer(pointer)?, ""),
        Value::Text(_) | Value::Bytes(_) if pointer.is_empty() => return Ok(Ok(value)),
        Value::Text(_) => (None, ": it is text, not JSON"),
        Value::Bytes(_) => (None, ": it is binary, not JSON"),
    };
    Ok(found.ok_or_else(|| Failure {
        status: Status::No,
        code: "not_found",
        message: format!("Key '{}' has nothing at '{}'{why}", shown(key), shown(pointer)),
        key: Some(key.to_owned()),
    }))
}
