//! JSON Patch (RFC 6902): a list of operations that are applied in order, all or none.

use std::collections::HashMap;

use super::Scanner;
use super::edit::{self, PutMode, nothing_at, put};
use super::equal::is_equal;
use super::pointer::JsonPointer;
use super::walk::{items, kind_of, members, part};
use crate::error::{Error, Result, cut};

/// What a patch makes of a document; both are checked texts.
pub(crate) fn patched(text: &str, patch: &str) -> Result<String> {
    let Some(operations) = items(patch) else {
        let found = kind_of(patch).to_owned();
        return Err(Error::WrongType { wanted: "a JSON Patch, which is an array of operations", found });
    };
    // The original stays until all is done.
    let mut text = text.to_owned();
    for (number, operation) in (1..).zip(operations) {
        let applied = PatchOperation::read(operation).and_then(|operation| operation.apply(&mut text));
        applied.map_err(|error| Error::Patch { operation: number, source: Box::new(error) })?;
    }
    Ok(text)
}

/// One operation, its values still as text.
#[derive(Debug)]
enum PatchOperation<'p> {
    Add { path: JsonPointer, value: &'p str },
    Remove { path: JsonPointer },
    Replace { path: JsonPointer, value: &'p str },
    Move { from: JsonPointer, path: JsonPointer },
    Copy { from: JsonPointer, path: JsonPointer },
    Test { path: JsonPointer, value: &'p str },
}

impl<'p> PatchOperation<'p> {
    /// Members that mean nothing to the operation are passed over, as the RFC has it.
    fn read(text: &'p str) -> Result<Self> {
        let members = members(text);
        let members: HashMap<&str, &'p str> = members.iter().map(|member| (&*member.name, member.value)).collect();
        let member = |name: &str| {
            let missing = || refused(format!("expected an object with \"{name}\", found {}", found(text)));
            members.get(name).copied().ok_or_else(missing)
        };
        let string = |name: &str| {
            let value = member(name)?;
            let not_text = |_| refused(format!("\"{name}\": expected a string, found {}", kind_of(value)));
            Scanner::new(value.as_bytes()).string().map_err(not_text)
        };
        let pointer = |name: &str| JsonPointer::rfc_6901(&string(name)?);
        let (operation, path) = (string("op")?, pointer("path")?);
        Ok(match &*operation {
            "add" => Self::Add { path, value: member("value")? },
            "remove" => Self::Remove { path },
            "replace" => Self::Replace { path, value: member("value")? },
            "move" => Self::Move { from: pointer("from")?, path },
            "copy" => Self::Copy { from: pointer("from")?, path },
            "test" => Self::Test { path, value: member("value")? },
            other => {
                let known = "expected add, remove, replace, move, copy or test";
                return Err(refused(format!("\"op\": {known}, found '{}'", cut(other).escape_debug())));
            }
        })
    }

    fn apply(&self, text: &mut String) -> Result<()> {
        match self {
            Self::Add { path, value } => put(text, path, value, PutMode::Add),
            Self::Remove { path } => remove(text, path).map(drop),
            Self::Replace { path, value } => {
                there(text, path)?;
                put(text, path, value, PutMode::Set)
            }
            Self::Move { from, path } if path.is_inside(from) => {
                Err(refused(format!("'{from}' cannot be moved into itself")))
            }
            Self::Move { from, path } if path == from => there(text, from).map(drop),
            Self::Move { from, path } => {
                let value = remove(text, from)?;
                put(text, path, &value, PutMode::Add)
            }
            Self::Copy { from, path } => {
                let value = there(text, from)?.to_owned();
                put(text, path, &value, PutMode::Add)
            }
            Self::Test { path, value } if is_equal(there(text, path)?, value) => Ok(()),
            Self::Test { path, .. } => Err(Error::Differs { pointer: path.to_string() }),
        }
    }
}

fn there<'t>(text: &'t str, pointer: &JsonPointer) -> Result<&'t str> {
    part(text, pointer).ok_or_else(|| nothing_at(pointer))
}

fn remove(text: &mut String, pointer: &JsonPointer) -> Result<String> {
    edit::remove(text, pointer)?.ok_or_else(|| nothing_at(pointer))
}

fn refused(reason: String) -> Error {
    Error::NotApplicable { reason }
}

/// An operation, for a message.
fn found(text: &str) -> String {
    let shown = cut(text);
    if shown.len() < text.len() { format!("{shown}…") } else { shown }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_names_the_operation_and_its_reason() {
        for (patch, word) in [
            ("{}", "array of operations"),
            ("[1]", "operation 1: expected an object with \"op\", found 1"),
            (r#"[{"op":"add","path":"/a"}]"#, "with \"value\""),
            (r#"[{"op":"add","path":1,"value":1}]"#, "\"path\": expected a string, found a number"),
            (r#"[{"op":"test","path":"/n","value":1},{"op":"spam","path":""}]"#, "operation 2: \"op\": expected add, "),
            (r#"[{"op":"remove","path":""}]"#, "cannot be removed"),
            (r#"[{"op":"move","from":"/a","path":"/a/b"}]"#, "into itself"),
            (r#"[{"op":"test","path":"/n","value":2}]"#, "operation 1: '/n' has another value"),
            (r#"[{"op":"replace","path":"/x","value":2}]"#, "operation 1: nothing at '/x'"),
            (r#"[{"op":"add","path":"x","value":2}]"#, "write /x"),
        ] {
            let message = patched(r#"{"a":{},"n":1}"#, patch).unwrap_err().to_string();
            assert!(message.contains(word), "{patch}: {message}");
        }
    }

    #[test]
    fn copies_of_copies_end_at_the_limits() {
        let copies = |number: usize| {
            let copy = r#"{"op":"copy","from":"","path":"/a"}"#;
            patched("{}", &format!("[{}]", vec![copy; number].join(",")))
        };
        assert!(copies(99).is_ok());
        assert!(copies(100).unwrap_err().to_string().contains("nesting"));
    }
}
