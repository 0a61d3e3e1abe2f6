//! The value of a key: text, JSON or bytes.

mod json_text;

use std::fmt;

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::error::{Error, Result};
use crate::json::{self, Scanner};
use crate::number::Number;

pub use self::json_text::Json;

/// A stored value.
///
/// Text comes back byte for byte; JSON keeps the digits of its numbers and the order of its members.
///
/// ```
/// use rusty_kv::Value;
///
/// assert_eq!(Value::from("007").to_string(), "007");
/// let ada: Value = serde_json::json!({"name": "Ada"}).try_into()?;
/// assert_eq!(ada.to_string(), r#"{"name":"Ada"}"#);
/// assert_eq!(Value::from(vec![0xff]).kind(), "binary");
/// # Ok::<(), rusty_kv::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value {
    /// Text, exactly as given.
    Text(String),
    /// Any JSON value except a string, which is [`Value::Text`] (in the file, they are the same).
    Json(Json),
    /// Bytes that need not be UTF-8.
    Bytes(Vec<u8>),
}

impl Value {
    /// The largest value, in bytes.
    pub const MAX_LEN: usize = json::MAX_LEN;

    /// Turns bytes into text if they are UTF-8.
    ///
    /// ```
    /// use rusty_kv::Value;
    /// assert_eq!(Value::from_bytes(b"hello".to_vec()), Value::from("hello"));
    /// assert_eq!(Value::from_bytes(vec![0xff]), Value::Bytes(vec![0xff]));
    /// ```
    pub fn from_bytes(bytes: Vec<u8>) -> Self {
        match String::from_utf8(bytes) {
            Ok(text) => Self::Text(text),
            Err(error) => Self::Bytes(error.into_bytes()),
        }
    }

    /// Parses a JSON text. A JSON string becomes text.
    ///
    /// # Errors
    /// [`Error::NotJson`] with line and column.
    ///
    /// ```
    /// use rusty_kv::Value;
    /// assert_eq!(Value::from_json("\"hi\"")?, Value::from("hi"));
    /// assert_eq!(Value::from_json(" [1, 2.50] ")?.to_string(), "[1,2.50]");
    /// # Ok::<(), rusty_kv::Error>(())
    /// ```
    pub fn from_json(text: &str) -> Result<Self> {
        Json::parse(text).map(Self::from)
    }

    /// Serializes any Rust value as JSON, or as text if it is a string.
    ///
    /// # Errors
    /// [`Error::Convert`] if JSON cannot represent it, for example infinity and NaN; [`Error::NotJson`] if it is nested
    /// too deep.
    ///
    /// ```
    /// use rusty_kv::Value;
    /// assert_eq!(Value::from_serialize(&(1, "a"))?.to_string(), r#"[1,"a"]"#);
    /// # Ok::<(), rusty_kv::Error>(())
    /// ```
    pub fn from_serialize<T: Serialize + ?Sized>(value: &T) -> Result<Self> {
        json::check_finite(value)?;
        Self::from_json(&serde_json::to_string(value)?)
    }

    /// Deserializes a Rust value from JSON or text.
    ///
    /// # Errors
    /// [`Error::Convert`] if the types do not match, [`Error::WrongType`] for bytes.
    ///
    /// ```
    /// use rusty_kv::Value;
    /// assert_eq!(Value::from_json("[1,2]")?.deserialize::<Vec<u8>>()?, [1, 2]);
    /// # Ok::<(), rusty_kv::Error>(())
    /// ```
    pub fn deserialize<T: DeserializeOwned>(&self) -> Result<T> {
        match self {
            Self::Json(json) => Ok(serde_json::from_str(json.as_str())?),
            Self::Text(text) => {
                let mut quoted = String::new();
                json::write_string(&mut quoted, text);
                Ok(serde_json::from_str(&quoted)?)
            }
            Self::Bytes(_) => Err(self.is_not("JSON or text")),
        }
    }

    /// The content: the text itself, the JSON text, or the bytes.
    ///
    /// ```
    /// assert_eq!(rusty_kv::Value::from("abc").as_bytes(), b"abc");
    /// ```
    pub fn as_bytes(&self) -> &[u8] {
        match self {
            Self::Text(text) => text.as_bytes(),
            Self::Json(json) => json.as_str().as_bytes(),
            Self::Bytes(bytes) => bytes,
        }
    }

    /// The name of the type: `text`, `json` or `binary`.
    ///
    /// ```
    /// assert_eq!(rusty_kv::Value::from("abc").kind(), "text");
    /// ```
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Text(_) => "text",
            Self::Json(_) => "json",
            Self::Bytes(_) => "binary",
        }
    }

    /// The value plus a number; text stays text, JSON stays JSON.
    ///
    /// # Errors
    /// [`Error::WrongType`] if this is not a number, [`Error::OutOfRange`] if the sum does not fit.
    ///
    /// ```
    /// use rusty_kv::Value;
    /// assert_eq!(Value::from("41").checked_add("1".parse()?)?, Value::from("42"));
    /// # Ok::<(), rusty_kv::Error>(())
    /// ```
    pub fn checked_add(&self, by: Number) -> Result<Self> {
        const NUMBER: &str = "a number such as 12 or -1.50";
        match self {
            Self::Text(text) => {
                let number = text.parse::<Number>().map_err(|error| match error {
                    // A stored value may be a secret: no error quotes it.
                    Error::WrongType { .. } => self.is_not(NUMBER),
                    error => error,
                });
                Ok(Self::Text(number?.checked_add(by)?.to_string()))
            }
            Self::Json(json) if matches!(json.as_str().as_bytes()[0], b'-' | b'0'..=b'9') => {
                let sum = json.as_str().parse::<Number>()?.checked_add(by)?.to_string();
                Ok(Self::Json(Json::from_checked(sum)))
            }
            Self::Json(_) | Self::Bytes(_) => Err(self.is_not(NUMBER)),
        }
    }

    /// Appends to text or bytes. Text that is no longer UTF-8 becomes bytes.
    ///
    /// # Errors
    /// [`Error::WrongType`] for JSON, [`Error::OutOfMemory`].
    ///
    /// ```
    /// use rusty_kv::Value;
    /// assert_eq!(Value::from("ab").append(b"c")?, Value::from("abc"));
    /// # Ok::<(), rusty_kv::Error>(())
    /// ```
    pub fn append(self, tail: &[u8]) -> Result<Self> {
        let mut bytes = match self {
            Self::Text(text) => text.into_bytes(),
            Self::Bytes(bytes) => bytes,
            Self::Json(_) => return Err(self.is_not("text or bytes")),
        };
        bytes.try_reserve_exact(tail.len()).map_err(|_| Error::OutOfMemory { bytes: tail.len() })?;
        bytes.extend_from_slice(tail);
        Ok(Self::from_bytes(bytes))
    }

    fn is_not(&self, wanted: &'static str) -> Error {
        let found = match self {
            Self::Text(_) => "text",
            Self::Json(_) => "JSON",
            Self::Bytes(_) => "binary data",
        };
        Error::WrongType { wanted, found: found.to_owned() }
    }
}

/// Writes text and JSON as they are; bytes that are not UTF-8 become U+FFFD. Control characters are not escaped.
impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&String::from_utf8_lossy(self.as_bytes()))
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<Vec<u8>> for Value {
    fn from(bytes: Vec<u8>) -> Self {
        Self::Bytes(bytes)
    }
}

impl From<Json> for Value {
    fn from(json: Json) -> Self {
        if json.as_str().starts_with('"') {
            let text = Scanner::new(json.as_str().as_bytes()).string().expect("a Json was checked").into_owned();
            return Self::Text(text);
        }
        Self::Json(json)
    }
}

/// Fails if the nesting exceeds the limit, before any recursion into the value.
impl TryFrom<serde_json::Value> for Value {
    type Error = Error;

    fn try_from(value: serde_json::Value) -> Result<Self> {
        let mut level: Vec<&serde_json::Value> = vec![&value];
        for depth in 0.. {
            if depth > json::MAX_DEPTH + 1 {
                let actual = format!("more than {} levels", json::MAX_DEPTH);
                return Err(Error::Limit { what: "nesting", actual, limit: "100 levels" });
            }
            let below: Vec<_> = level
                .iter()
                .flat_map(|value| match value {
                    serde_json::Value::Array(items) => items.iter().collect(),
                    serde_json::Value::Object(members) => members.values().collect(),
                    _ => Vec::new(),
                })
                .collect();
            if below.is_empty() {
                break;
            }
            level = below;
        }
        match value {
            serde_json::Value::String(text) => Ok(Self::Text(text)),
            value => Self::from_json(&value.to_string()),
        }
    }
}

/// Fails for anything except text.
impl TryFrom<Value> for String {
    type Error = Error;

    fn try_from(value: Value) -> Result<Self> {
        match value {
            Value::Text(text) => Ok(text),
            other => Err(other.is_not("text")),
        }
    }
}

/// Text becomes a JSON string; fails for bytes. Numbers have the precision of `serde_json`.
impl TryFrom<Value> for serde_json::Value {
    type Error = Error;

    fn try_from(value: Value) -> Result<Self> {
        match value {
            Value::Text(text) => Ok(Self::String(text)),
            other => other.deserialize(),
        }
    }
}

/// The content of any type.
impl From<Value> for Vec<u8> {
    fn from(value: Value) -> Self {
        match value {
            Value::Text(text) => text.into_bytes(),
            Value::Json(json) => json.into_string().into_bytes(),
            Value::Bytes(bytes) => bytes,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_deep_tree_is_refused_before_anything_recurses() {
        let mut deep = serde_json::Value::Null;
        for _ in 0..3_000 {
            deep = serde_json::Value::Array(vec![deep]);
        }
        assert!(matches!(Value::try_from(deep), Err(Error::Limit { what: "nesting", .. })));
    }

    #[test]
    fn a_number_that_json_lacks_is_refused_at_any_depth() {
        use std::collections::BTreeMap;
        #[derive(Serialize)]
        enum Shape {
            Newtype(f64),
            Tuple(u8, f32),
            Struct { x: Option<f64> },
        }
        #[derive(Serialize)]
        struct Wrapped(Vec<Shape>);
        let refused = |value: Result<Value>| matches!(value, Err(Error::Convert(_)));
        for number in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
            #[expect(clippy::cast_possible_truncation, reason = "none of them is cut")]
            let single = number as f32;
            assert!(refused(Value::from_serialize(&number)) && refused(Value::from_serialize(&single)));
            assert!(refused(Value::from_serialize(&[1.0, number])) && refused(Value::from_serialize(&(1, number))));
            assert!(refused(Value::from_serialize(&BTreeMap::from([("a", vec![Some(number)])]))));
            for shape in [Shape::Newtype(number), Shape::Tuple(1, single), Shape::Struct { x: Some(number) }] {
                assert!(refused(Value::from_serialize(&Wrapped(vec![shape]))));
            }
        }
        let fine = Wrapped(vec![Shape::Newtype(1.5), Shape::Tuple(1, f32::MAX), Shape::Struct { x: None }]);
        let text = Value::from_serialize(&fine).unwrap().to_string();
        assert_eq!(text, r#"[{"Newtype":1.5},{"Tuple":[1,3.4028235e+38]},{"Struct":{"x":null}}]"#);
        for fine in [Value::from_serialize(&u128::MAX), Value::from_serialize(&i128::MIN), Value::from_serialize(&'c')]
        {
            fine.unwrap();
        }
        let error = Value::from_serialize(&f64::NAN).unwrap_err().to_string();
        assert_eq!(error, "cannot convert: JSON has no NaN; store null or text instead");
    }

    #[test]
    fn no_dependency_has_switched_serde_json_to_features_that_change_data() {
        // arbitrary_precision would turn this key into a number, preserve_order would keep "b" first.
        let text = r#"{"$serde_json::private::Number":"1","b":1,"a":2}"#;
        let value: serde_json::Value = serde_json::from_str(text).unwrap();
        assert_eq!(value.to_string(), r#"{"$serde_json::private::Number":"1","a":2,"b":1}"#);
        let deep = "[".repeat(200) + &"]".repeat(200);
        assert!(serde_json::from_str::<serde_json::Value>(&deep).is_err(), "unbounded_depth is on");
    }

    #[test]
    fn numbers_add_within_their_type() {
        let one = "1".parse().unwrap();
        assert_eq!(Value::from_json("1.5").unwrap().checked_add(one).unwrap(), Value::from_json("2.5").unwrap());
        assert!(Value::from("x").checked_add(one).is_err());
        assert!(Value::from_json("[1]").unwrap().checked_add(one).is_err());
        assert!(Value::from_json("1e3").unwrap().checked_add(one).is_err());
    }
}
