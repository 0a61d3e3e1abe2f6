//! JSON as a value: its text, read and changed part by part.

use std::fmt;

use super::Value;
use crate::error::{Error, Result};
use crate::json::{self, JsonPointer, Length, PutMode, Scanner};

/// A checked JSON text without white space between its tokens. Numbers and member order are as they were written.
///
/// ```
/// use rusty_kv::Json;
/// assert_eq!(Json::parse("{ \"n\": 1e400 }")?.as_str(), r#"{"n":1e400}"#);
/// # Ok::<(), rusty_kv::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Json(Box<str>);

/// From this length on, memory that cannot be had is worth a second look at a text.
const LONG: usize = 1 << 20;

impl Json {
    /// Checks a text: strict JSON, no duplicate members, at most 100 levels. Raw characters that could act on a
    /// terminal become `\u` escapes, so that the file is safe to `cat`.
    ///
    /// # Errors
    /// [`Error::NotJson`] with line and column, [`Error::OutOfMemory`].
    ///
    /// ```
    /// assert!(rusty_kv::Json::parse("[1,]").is_err());
    /// ```
    pub fn parse(text: &str) -> Result<Self> {
        let mut scanner = Scanner::new(text.as_bytes());
        // Its escapes may make it longer. Without a fault, this is what it takes.
        let mut length = Length(0);
        let known = text.len() >= LONG && scanner.clone().value(&mut length).is_ok();
        let bytes = if known { length.0 } else { text.len() };
        let mut out = String::new();
        out.try_reserve_exact(bytes).map_err(|_| Error::OutOfMemory { bytes })?;
        scanner.value(&mut out).and_then(|()| scanner.end()).map(|()| Self(out.into())).map_err(|fault| {
            let (line, column) = fault.place(text.as_bytes());
            Error::NotJson { line, column, reason: fault.reason }
        })
    }

    pub(crate) fn into_string(self) -> String {
        self.0.into()
    }

    /// A text that [`Scanner::value`] has just checked and compacted.
    pub(crate) fn from_checked(text: String) -> Self {
        Self(text.into())
    }

    /// The text.
    ///
    /// ```
    /// assert_eq!(rusty_kv::Json::parse("[ ]").unwrap().as_str(), "[]");
    /// ```
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The part that a JSON Pointer (RFC 6901) or a path such as `.a[1].b` names, if there is one. The empty pointer names
    /// the whole.
    ///
    /// # Errors
    /// [`Error::WrongType`] if it is neither.
    ///
    /// ```
    /// let json = rusty_kv::Json::parse(r#"{"a":[1,{"b":"x"}]}"#)?;
    /// assert_eq!(json.pointer("/a/1/b")?, Some("x".into()));
    /// assert_eq!(json.pointer("/a/9")?, None);
    /// # Ok::<(), rusty_kv::Error>(())
    /// ```
    pub fn pointer(&self, pointer: &str) -> Result<Option<Value>> {
        Ok(self.part(&JsonPointer::parse(pointer)?))
    }

    pub(crate) fn part(&self, pointer: &JsonPointer) -> Option<Value> {
        json::part(&self.0, pointer).map(|part| Self::from_checked(part.to_owned()).into())
    }

    /// Sets the part that a pointer names: an existing part is replaced, and an existing object or array gets a new
    /// member or item (`/-` at the end of an array). All else stays as it was written.
    ///
    /// # Errors
    /// [`Error::NothingThere`] if the object or array is not there either, [`Error::NotApplicable`] if it is something else,
    /// [`Error::WrongType`] for bytes and for what is no pointer, [`Error::Limit`]. Then nothing was changed.
    ///
    /// ```
    /// let mut json = rusty_kv::Json::parse(r#"{"price":1.10,"tags":["new"]}"#)?;
    /// json.set("/tags/-", "sale")?;
    /// json.set(".name", "Ada")?;
    /// assert_eq!(json.as_str(), r#"{"price":1.10,"tags":["new","sale"],"name":"Ada"}"#);
    /// # Ok::<(), rusty_kv::Error>(())
    /// ```
    pub fn set(&mut self, pointer: &str, value: impl Into<Value>) -> Result<()> {
        self.put(&JsonPointer::parse(pointer)?, &value.into().try_into()?, PutMode::Set)
    }

    /// Puts a part into it.
    pub(crate) fn put(&mut self, pointer: &JsonPointer, value: &Self, how: PutMode) -> Result<()> {
        self.edit(|text| json::put(text, pointer, &value.0, how))
    }

    /// Removes the part that a pointer names and returns it; `None` if there is none.
    ///
    /// # Errors
    /// [`Error::WrongType`] for what is no pointer, [`Error::NotApplicable`] for the empty one.
    ///
    /// ```
    /// let mut json = rusty_kv::Json::parse(r#"{"a":[1,2],"b":1.10}"#)?;
    /// assert_eq!(json.remove("/a/0")?.unwrap().to_string(), "1");
    /// assert_eq!(json.remove("/a/5")?, None);
    /// assert_eq!(json.as_str(), r#"{"a":[2],"b":1.10}"#);
    /// # Ok::<(), rusty_kv::Error>(())
    /// ```
    pub fn remove(&mut self, pointer: &str) -> Result<Option<Value>> {
        self.take_out(&JsonPointer::parse(pointer)?)
    }

    /// As [`Json::remove`].
    pub(crate) fn take_out(&mut self, pointer: &JsonPointer) -> Result<Option<Value>> {
        Ok(self.edit(|text| json::remove(text, pointer))?.map(|part| Self::from_checked(part).into()))
    }

    /// An empty object or array, whichever the part can be put into.
    pub(crate) fn around(pointer: &JsonPointer) -> Self {
        Self(pointer.empty_document().into())
    }

    pub(crate) fn empty_array() -> Self {
        Self("[]".into())
    }

    /// Adds values to an array, in their order; how many items it has then.
    pub(crate) fn push(&mut self, values: &[Self], front: bool) -> Result<u64> {
        self.edit(|text| json::push(text, values.iter().map(Self::as_str), front)).map(|items| items as u64)
    }

    /// Takes the first or the last item out of an array.
    pub(crate) fn pop(&mut self, front: bool) -> Result<Option<Value>> {
        Ok(self.edit(|text| json::pop(text, front))?.map(|item| Self::from_checked(item).into()))
    }

    /// What a merge makes of nothing.
    pub(crate) fn merged(patch: &Self) -> Result<Self> {
        json::merged(None, &patch.0).map(Self::from_checked)
    }

    /// Merges another value into this one (JSON Merge Patch, RFC 7396): objects member by member, where null removes a
    /// member; anything else is replaced.
    ///
    /// # Errors
    /// [`Error::Limit`]; then nothing was changed.
    ///
    /// ```
    /// use rusty_kv::Json;
    /// let mut json = Json::parse(r#"{"name":"Ada","born":1815,"tmp":1}"#)?;
    /// json.merge(&Json::parse(r#"{"tmp":null,"born":"1815-12-10"}"#)?)?;
    /// assert_eq!(json.as_str(), r#"{"name":"Ada","born":"1815-12-10"}"#);
    /// # Ok::<(), rusty_kv::Error>(())
    /// ```
    pub fn merge(&mut self, patch: &Self) -> Result<()> {
        self.0 = json::merged(Some(&self.0), &patch.0)?.into();
        Ok(())
    }

    /// Applies a JSON Patch (RFC 6902): `add`, `remove`, `replace`, `move`, `copy` and `test`, all or none.
    ///
    /// # Errors
    /// [`Error::Patch`] with the operation that failed and why, [`Error::WrongType`] if the patch is no array. Then nothing
    /// was changed.
    ///
    /// ```
    /// use rusty_kv::Json;
    /// let mut json = Json::parse(r#"{"a":[1],"n":1.10}"#)?;
    /// json.patch(&Json::parse(r#"[{"op":"test","path":"/n","value":1.1},{"op":"move","from":"/a/0","path":"/b"}]"#)?)?;
    /// assert_eq!(json.as_str(), r#"{"a":[],"n":1.10,"b":1}"#);
    /// # Ok::<(), rusty_kv::Error>(())
    /// ```
    pub fn patch(&mut self, patch: &Self) -> Result<()> {
        self.0 = json::patched(&self.0, &patch.0)?.into();
        Ok(())
    }

    /// Changes the text, or fails and leaves it as it is.
    fn edit<T>(&mut self, change: impl FnOnce(&mut String) -> Result<T>) -> Result<T> {
        let mut text = String::from(std::mem::take(&mut self.0));
        let done = change(&mut text);
        self.0 = text.into();
        done
    }
}

/// Text becomes a JSON string; fails for bytes.
///
/// ```
/// use rusty_kv::{Json, Value};
/// assert_eq!(Json::try_from(Value::from("a\n"))?.as_str(), r#""a\n""#);
/// # Ok::<(), rusty_kv::Error>(())
/// ```
impl TryFrom<Value> for Json {
    type Error = Error;

    fn try_from(value: Value) -> Result<Self> {
        match value {
            Value::Json(json) => Ok(json),
            Value::Text(text) => {
                let mut quoted = String::new();
                json::write_string(&mut quoted, &text);
                Ok(Self::from_checked(quoted))
            }
            Value::Bytes(_) => Err(value.is_not("JSON or text")),
        }
    }
}

impl fmt::Display for Json {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pointers_follow_rfc_6901() {
        let json = Json::parse(r#"{"foo":["bar","baz"],"":0,"a/b":1,"m~n":8,"01":{"x":null}}"#).unwrap();
        for (pointer, wanted) in [
            ("/foo/0", Some(Value::from("bar"))),
            ("/", Some(Value::from_json("0").unwrap())),
            ("/a~1b", Some(Value::from_json("1").unwrap())),
            ("/m~0n", Some(Value::from_json("8").unwrap())),
            ("/01/x", Some(Value::from_json("null").unwrap())),
            ("/foo/00", None),
            ("/foo/-", None),
            ("/foo/2", None),
            ("/foo/0/x", None),
        ] {
            assert_eq!(json.pointer(pointer).unwrap(), wanted, "{pointer}");
        }
        assert_eq!(json.pointer("").unwrap(), Some(Value::Json(json.clone())));
        assert!(json.pointer("foo").is_err());
    }
}
