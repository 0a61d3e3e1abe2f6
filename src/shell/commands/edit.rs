//! `edit`: opens a value in the editor.

use std::io::{self, IsTerminal as _};

use clap::Args;

use super::part::{PartArgs, PartChange, part_of};
use super::traits::{CommandArgs, Group, NotIn, Pace, Traits, WithoutUndo};
use super::{Caller, Session};
use crate::error::Error;
use crate::shell::answer::code::Code;
use crate::shell::answer::done::Done;
use crate::shell::answer::reply::{Answer, Failure, shown};
use crate::shell::answer::status::Status;
use crate::shell::terminal::editor_program::{edit_text, keep};
use crate::shell::text::argument::{Key, key};
use crate::store::{Store as _, StoreExt as _};
use crate::value::Value;

/// Why the edited text cannot be stored, and on which line, if known.
struct EditError {
    message: String,
    line: Option<usize>,
}

/// Edit a value in $VISUAL or $EDITOR
#[derive(Args, Clone, Debug, PartialEq)]
#[command(
    after_help = "JSON is formatted for editing and checked before it is stored. The expiry is kept, and a missing key is created. If the editor adds a newline at the end of text that had none, it is removed.\n\nExamples:\n  edit user:1\n  edit config --json\n  edit user:1 --pointer /address --parents"
)]
pub(crate) struct EditArgs {
    /// The key
    #[arg(value_name = "KEY", value_parser = key())]
    pub(crate) key: Key,
    /// Store the result as JSON, even if the key holds text or does not exist
    #[arg(long)]
    pub(crate) json: bool,
    #[command(flatten)]
    pub(crate) part: PartArgs,
}

impl CommandArgs for EditArgs {
    const TRAITS: Traits = Traits {
        pace: Pace::OfOthers,
        not_in: NotIn::Script("`edit` needs a terminal; scripts cannot use it"),
        without_undo: WithoutUndo::Runs,
        ..Traits::changes("edit", Group::Values)
    };

    fn run<'s>(self, session: &'s mut Session, caller: &mut Caller<'_>) -> Result<Answer<'s>, Failure> {
        // The lock is not held while the editor is open, so the value may have changed when the text is stored.
        let key: &str = &self.key;
        crate::storage::check_key(key)?;
        if let (true, Some(path)) = (session.is_read_only(), session.db.path()) {
            return Err(Error::ReadOnly { path: path.to_owned(), reason: String::new() }.into());
        }
        let before = self.before(session)?;
        let is_json = self.json || matches!(before, Some(Value::Json(_)));
        let initial = match &before {
            Some(Value::Bytes(bytes)) => return Err(binary(key, bytes.len())),
            Some(Value::Text(text)) => text.clone(),
            Some(Value::Json(json)) => spread(json.as_str()),
            None => String::new(),
        };
        let Some((value, text)) = edited(key, &initial, is_json, caller)? else {
            return Ok(Done::Unchanged { is_there: before.is_some(), key: self.key.0 }.into());
        };
        if before.as_ref() == Some(&value) {
            return Ok(Done::Unchanged { key: self.key.0, is_there: true }.into());
        }
        let mut expected = before;
        loop {
            let stored = self.part.of(key).change(session, |now| {
                if now.value != expected {
                    return Ok((PartChange::Same, Err(now.value.take())));
                }
                Ok((PartChange::Set(value.clone()), Ok(())))
            });
            let now = match stored.map_err(|failure| kept(failure, &text))? {
                Ok(()) => return Ok(self.done().into()),
                Err(now) => now,
            };
            let became = if now.is_some() { "changed" } else { "deleted" };
            let question =
                format!("Key '{}' was {became} by another program in the meantime. Set it anyway?", shown(key));
            if !caller.confirm(&question) {
                let message = format!("Key '{}' was {became} in the meantime and was not set", shown(key));
                let failure =
                    Failure { status: Status::Busy, code: Code::Conflict, message, key: Some(key.to_owned()) };
                return Err(kept(failure, &text));
            }
            expected = now;
        }
    }
}

impl EditArgs {
    fn done(self) -> Done {
        match self.part.pointer {
            Some(pointer) => Done::PartSet { key: self.key.0, pointer: pointer.typed },
            None => Done::Set { key: self.key.0 },
        }
    }

    /// The text to edit, if it exists. A part needs its key, unless that is created, too.
    fn before(&self, session: &Session) -> Result<Option<Value>, Failure> {
        let value = session.db.get(&self.key)?;
        match (value, &self.part.pointer) {
            (Some(value), Some(pointer)) => part_of(value, pointer).map_err(|error| Failure::from(error).on(&self.key)),
            (None, Some(_)) if !self.part.parents => Err(session.not_found(&self.key)),
            (value, _) => Ok(value),
        }
    }
}

/// The edited text, as a value and as written; `None` if it was not changed. If it cannot be stored, the user may edit
/// it again, at the line of the error.
fn edited(
    key: &str,
    initial: &str,
    is_json: bool,
    caller: &mut Caller<'_>,
) -> Result<Option<(Value, Vec<u8>)>, Failure> {
    let suffix = if is_json { ".json" } else { ".txt" };
    let Some(mut text) = edit_text(initial.as_bytes(), suffix, None)? else { return Ok(None) };
    loop {
        let fault = match value(&text, initial, is_json) {
            Ok(value) => return Ok(Some((value, text))),
            Err(fault) => fault,
        };
        let give_up =
            |text: &[u8]| kept(Failure::usage(format!("{}; nothing was changed", fault.message)).on(key), text);
        // Without a user, the answer would be the same forever.
        let has_person = io::stdin().is_terminal() && io::stderr().is_terminal();
        if !has_person || !caller.confirm(&format!("{}. Edit it again?", fault.message)) {
            return Err(give_up(&text));
        }
        match edit_text(&text, suffix, fault.line)? {
            Some(again) => text = again,
            None => return Err(give_up(&text)),
        }
    }
}

/// The value of an edited text.
fn value(text: &[u8], initial: &str, is_json: bool) -> Result<Value, EditError> {
    let text = std::str::from_utf8(text).map_err(|error| {
        let before = &text[..error.valid_up_to()];
        let line = 1 + memchr::memchr_iter(b'\n', before).count();
        EditError { message: format!("line {line} is not UTF-8"), line: Some(line) }
    })?;
    if is_json {
        return Value::from_json(text).map_err(|error| {
            let line = if let Error::NotJson { line, .. } = &error { usize::try_from(*line).ok() } else { None };
            EditError { message: error.to_string(), line }
        });
    }
    // Editors add a final newline that the text did not have.
    let as_before = if initial.ends_with('\n') { None } else { text.strip_suffix('\n') };
    Ok(Value::from(as_before.unwrap_or(text)))
}

/// A failure after which the edited text is kept in a private file, which the message names.
fn kept(failure: Failure, text: &[u8]) -> Failure {
    match keep(text) {
        Ok(path) => Failure { message: format!("{}; what you wrote is in {path:?}", failure.message), ..failure },
        // If that fails, nothing else can be done.
        Err(_) => failure,
    }
}

fn binary(key: &str, length: usize) -> Failure {
    let key = shown(key);
    Failure::usage(format!(
        "Key '{key}' is binary ({length} bytes), which text editors do not preserve; use `get KEY -o raw > FILE` and `set KEY --file FILE`"
    ))
    .on(&key)
}

/// A JSON text with each member and item on a line of its own, and a final newline.
fn spread(json: &str) -> String {
    let mut out = String::with_capacity(json.len() * 2);
    let (mut depth, mut in_string, mut escaped) = (0_usize, false, false);
    let new_line = |out: &mut String, depth: usize| {
        out.push('\n');
        out.extend(std::iter::repeat_n("  ", depth));
    };
    let mut rest = json.chars().peekable();
    while let Some(c) = rest.next() {
        if in_string {
            in_string = escaped || c != '"';
            escaped = c == '\\' && !escaped;
            out.push(c);
            continue;
        }
        match c {
            '{' | '[' => {
                out.push(c);
                if let Some(close) = rest.next_if(|close| matches!(close, '}' | ']')) {
                    out.push(close);
                } else {
                    depth += 1;
                    new_line(&mut out, depth);
                }
            }
            '}' | ']' => {
                depth = depth.saturating_sub(1);
                new_line(&mut out, depth);
                out.push(c);
            }
            ',' => {
                out.push(c);
                new_line(&mut out, depth);
            }
            ':' => out.push_str(": "),
            c => {
                in_string = c == '"';
                out.push(c);
            }
        }
    }
    out.push('\n');
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn json_is_spread_out_a_member_a_line() {
        let json = r#"{"a":[1,{"b":"x,y: {z}\\\""},[],{}],"c":-0.50}"#;
        let lines = "{\n  \"a\": [\n    1,\n    {\n      \"b\": \"x,y: {z}\\\\\\\"\"\n    },\n    [],\n    {}\n  ],\n  \"c\": -0.50\n}\n";
        assert_eq!(spread(json), lines);
        assert_eq!(spread("5"), "5\n");
    }

    #[test]
    fn a_newline_is_taken_off_only_where_the_text_had_none() {
        let made = |text: &str, initial: &str| value(text.as_bytes(), initial, false).ok().unwrap();
        assert_eq!(made("b\n", "a"), Value::from("b"));
        assert_eq!(made("b\n\n", "a"), Value::from("b\n"));
        assert_eq!(made("b\n", "a\n"), Value::from("b\n"));
        assert_eq!(made("b", "a\n"), Value::from("b"));
        assert_eq!(made("new\n", ""), Value::from("new"));
    }

    #[test]
    fn a_fault_names_its_line() {
        let fault = |text: &[u8], is_json| value(text, "", is_json).err().unwrap();
        assert_eq!(fault(b"{\n\"a\": 1\n\"b\": 2}", true).line, Some(3));
        assert_eq!(fault(b"a\nb\xff", false).line, Some(2));
    }

    proptest! {
        #[test]
        fn spread_json_is_the_same_json(text in r#"[{}\[\],:"a1 \\]{0,20}"#, strings in prop::collection::vec(any::<String>(), 0..5)) {
            for json in [Value::from_json(&text).ok(), Value::from_serialize(&strings).ok()].into_iter().flatten() {
                if let Value::Json(json) = &json {
                    prop_assert_eq!(&Value::from_json(&spread(json.as_str())).unwrap(), &Value::Json(json.clone()));
                }
            }
        }
    }
}
