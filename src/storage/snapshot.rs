//! The snapshot: one JSON document, sorted, one entry a line. Reads any layout of it, writes one. Pure.

use std::collections::{BTreeMap, HashSet};
use std::io::{self, Write};

use super::record::{self, Entry};
use crate::expiry::Timestamp;
use crate::json::{self, Fault, Scanner};
use crate::value::Value;

/// The longest key, in bytes.
pub(crate) const MAX_KEY: usize = 64 << 10;

/// What a snapshot holds.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Snapshot {
    /// The entries by key. Those past their deadline are still in it.
    pub(crate) entries: BTreeMap<String, Entry>,
    /// Top-level members that are not ours, in their order: name and compact JSON.
    pub(crate) foreign: Vec<(String, String)>,
}

/// Why a text is not a snapshot.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Unreadable {
    /// It is at fault.
    Fault(Fault),
    /// It says that a newer version made it.
    Newer,
}

impl From<Fault> for Unreadable {
    fn from(fault: Fault) -> Self {
        Self::Fault(fault)
    }
}

/// The top-level member that later formats will put into their files.
const RESERVED: &str = "$rusty-kv";

impl Snapshot {
    /// Reads a whole document, in whatever order and spacing.
    pub(crate) fn read(bytes: &[u8]) -> Result<Self, Unreadable> {
        if bytes.starts_with(b"\xff\xfe")
            || bytes.starts_with(b"\xfe\xff")
            || bytes.starts_with(b"{\0")
            || bytes.starts_with(b"\0{")
        {
            return Err(Fault::new(0, "this looks like UTF-16; a database is UTF-8").into());
        }
        Self::read_text(bytes)
    }

    fn read_text(bytes: &[u8]) -> Result<Self, Unreadable> {
        let mut scanner = Scanner::new(bytes);
        scanner.skip_mark();
        scanner.peek();
        let start = scanner.at();
        let mut snapshot = Self::default();
        let mut names = HashSet::new();
        let mut expires = BTreeMap::new();
        scanner.object("an object is expected, like {\"map\":{}}", |scanner, at, name| {
            if !names.insert(name.clone()) {
                return Err(json::duplicate(at, "member", &name).into());
            }
            match &*name {
                "map" => snapshot.read_map(scanner, bytes)?,
                "expires" => expires = read_expires(scanner)?,
                RESERVED => return Err(Unreadable::Newer),
                name => {
                    let mut text = String::new();
                    scanner.value(&mut text)?;
                    snapshot.foreign.push((name.to_owned(), text));
                }
            }
            Ok(())
        })?;
        scanner.end()?;
        if !names.contains("map") {
            return Err(Fault::shape(start, "it has no member \"map\" (an empty database is {\"map\":{}})").into());
        }
        // A deadline whose key an editor has taken out has nothing to say any more.
        for (key, deadline) in expires {
            if let Some(entry) = snapshot.entries.get_mut(&key) {
                entry.deadline = Some(deadline);
            }
        }
        Ok(snapshot)
    }

    fn read_map(&mut self, scanner: &mut Scanner<'_>, bytes: &[u8]) -> Result<(), Unreadable> {
        scanner.object("\"map\" is not an object", |scanner, at, key| {
            if key.len() > MAX_KEY {
                return Err(Fault::shape(at, "this key is longer than 64 KiB").into());
            }
            scanner.peek();
            let value_at = scanner.at();
            let value = record::read_value(scanner)?;
            if value.as_bytes().len() > Value::MAX_LEN {
                return Err(Fault::shape(value_at, "this value is longer than 512 MiB").into());
            }
            if self.entries.contains_key(&*key) {
                let mut fault = json::duplicate(at, "key", &key);
                let (line, _) = Fault::new(first_place(bytes, &key), "").place(bytes);
                fault.reason = format!("{}, first in line {line}", fault.reason);
                return Err(fault.into());
            }
            self.entries.insert(key.into_owned(), Entry::from(value));
            Ok(())
        })
    }

    /// Writes the document in its one form, without the entries that are gone at `now`.
    pub(crate) fn write(&self, out: &mut dyn Write, now: Timestamp) -> io::Result<()> {
        const CHUNK: usize = 64 << 10;
        let mut text = String::with_capacity(CHUNK + (CHUNK >> 2));
        text.push_str("{\n  \"map\": {");
        let mut separator = "\n    ";
        for (key, entry) in self.entries.iter().filter(|(_, entry)| entry.is_live(now)) {
            text.push_str(separator);
            separator = ",\n    ";
            json::write_string(&mut text, key);
            text.push_str(": ");
            record::write_value(&mut text, &entry.value);
            if text.len() >= CHUNK {
                out.write_all(text.as_bytes())?;
                text.clear();
            }
        }
        text.push_str(if separator.starts_with(',') { "\n  }" } else { "}" });
        let mut open = ",\n  \"expires\": {\n    ";
        for (key, entry) in self.entries.iter().filter(|(_, entry)| entry.is_live(now)) {
            let Some(deadline) = entry.deadline else { continue };
            text.push_str(open);
            open = ",\n    ";
            json::write_string(&mut text, key);
            text.push_str(": \"");
            text.push_str(&deadline.to_string());
            text.push('"');
            if text.len() >= CHUNK {
                out.write_all(text.as_bytes())?;
                text.clear();
            }
        }
        if open == ",\n    " {
            text.push_str("\n  }");
        }
        for (name, value) in &self.foreign {
            text.push_str(",\n  ");
            json::write_string(&mut text, name);
            text.push_str(": ");
            text.push_str(value);
        }
        text.push_str("\n}\n");
        out.write_all(text.as_bytes())
    }
}

fn read_expires(scanner: &mut Scanner<'_>) -> Result<BTreeMap<String, Timestamp>, Fault> {
    let mut deadlines = BTreeMap::new();
    scanner.object("\"expires\" is not an object", |scanner, at, key| {
        let is_text = scanner.peek() == Some(b'"');
        let value_at = scanner.at();
        let deadline = if is_text { scanner.string()?.parse().ok() } else { None };
        let wanted = "a deadline is a time like \"2026-11-23T04:00:00Z\"";
        let deadline: Timestamp = deadline.ok_or_else(|| Fault::shape(value_at, wanted))?;
        if deadlines.insert(key.clone().into_owned(), deadline).is_some() {
            return Err(json::duplicate(at, "key", &key));
        }
        Ok(())
    })?;
    Ok(deadlines)
}

/// The offset of the first entry of that key in the map. The document was read up to its second.
fn first_place(bytes: &[u8], wanted: &str) -> usize {
    let mut place = None;
    let mut scanner = Scanner::new(bytes);
    scanner.skip_mark();
    // The fault is the second entry, or what comes behind it; by then the first was seen.
    let _ = scanner.object::<Fault>("", |scanner, _, name| {
        if name != "map" {
            return scanner.value(&mut String::new());
        }
        scanner.object("", |scanner, at, key| {
            if key == wanted {
                place.get_or_insert(at);
            }
            scanner.wrapped_value(&mut String::new())
        })
    });
    place.unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: &str = "2026-11-23T00:00:00Z";

    fn written(snapshot: &Snapshot) -> String {
        let mut out = Vec::new();
        snapshot.write(&mut out, NOW.parse().unwrap()).unwrap();
        String::from_utf8(out).unwrap()
    }

    fn fault(text: &str) -> Fault {
        match Snapshot::read(text.as_bytes()) {
            Err(Unreadable::Fault(fault)) => fault,
            other => panic!("{text:?} gave {other:?}"),
        }
    }

    #[test]
    fn the_form_is_the_one_of_the_design_byte_for_byte() {
        let text = "{\n  \"map\": {\n    \"hello\": \"world\",\n    \"pic\": {\"$binary\":\"iVBORw0=\"},\n    \"user:1\": {\"name\":\"Ada\",\"age\":36}\n  },\n  \"expires\": {\n    \"hello\": \"2026-11-23T04:00:00.000Z\"\n  }\n}\n";
        assert_eq!(written(&Snapshot::read(text.as_bytes()).unwrap()), text);
    }

    #[test]
    fn any_order_and_spacing_opens_and_is_put_into_the_form() {
        let text = "\u{feff}{\"mine\":[1, 2],\"expires\":{\"b\":\"2027-01-01T00:00:00Z\",\"gone\":\"2027-01-01T00:00:00Z\"},\r\n\"map\":{\"b\":\"2\",\"\\u0061\":1.10}}";
        let snapshot = Snapshot::read(text.as_bytes()).unwrap();
        assert_eq!(
            written(&snapshot),
            "{\n  \"map\": {\n    \"a\": 1.10,\n    \"b\": \"2\"\n  },\n  \"expires\": {\n    \"b\": \"2027-01-01T00:00:00.000Z\"\n  },\n  \"mine\": [1,2]\n}\n"
        );
    }

    #[test]
    fn an_empty_map_and_entries_past_their_deadline() {
        assert_eq!(written(&Snapshot::default()), "{\n  \"map\": {}\n}\n");
        let text = r#"{"map":{"old":"x"},"expires":{"old":"2026-11-23T00:00:00Z"}}"#;
        let snapshot = Snapshot::read(text.as_bytes()).unwrap();
        assert_eq!(snapshot.entries.len(), 1);
        assert_eq!(written(&snapshot), "{\n  \"map\": {}\n}\n");
    }

    #[test]
    fn keys_are_sorted_by_their_bytes() {
        let text = r#"{"map":{"é":"1","z":"2","Z":"3","":"4","\u0000":"5","😀":"6","\uffff":"7"}}"#;
        let keys: Vec<String> = Snapshot::read(text.as_bytes()).unwrap().entries.into_keys().collect();
        assert_eq!(keys, ["", "\0", "Z", "z", "é", "\u{ffff}", "😀"]);
    }

    #[test]
    fn a_newer_format_is_told_from_damage() {
        assert_eq!(Snapshot::read(br#"{"$rusty-kv":2,"map":7}"#), Err(Unreadable::Newer));
    }

    #[test]
    fn what_is_no_database_is_refused_with_its_place() {
        for (text, reason) in [
            ("[]", "object is expected"),
            ("\"map\"", "object is expected"),
            ("{}", "no member \"map\""),
            (r#"{"map":[]}"#, "not an object"),
            (r#"{"map":{},"map":{}}"#, "duplicate member \"map\""),
            (r#"{"map":{},"expires":[]}"#, "not an object"),
            (r#"{"map":{"a":"b"},"expires":{"a":5}}"#, "time like"),
            (r#"{"map":{"a":"b"},"expires":{"a":"soon"}}"#, "time like"),
            (r#"{"map":{}} {}"#, "trailing data"),
            ("{\"map\":{}}\0\0", "zero bytes from offset 10"),
            ("\0\0\0\0", "zero bytes from offset 0"),
            ("{\0", "UTF-16"),
            (r#"{"map":{"a":"b","#, "ends"),
            (r#"{"map":{"a":"\ud800"}}"#, "surrogate"),
            ("{\"map\":{\"a\":\"\x1b\"}}", "control character"),
        ] {
            assert!(fault(text).reason.contains(reason), "{text:?}: {:?}", fault(text));
        }
        assert!(matches!(Snapshot::read(b"{\"map\":{\"a\":\"\xff\"}}"), Err(Unreadable::Fault(Fault { at: 13, .. }))));
    }

    #[test]
    fn a_duplicate_key_names_both_lines() {
        let fault = fault("{\"x\":{},\n\"map\":{\n\"a\":{\"$json\":1},\n\"b\":\"\",\n\"\\u0061\":\"2\"}}");
        assert_eq!(fault.reason, "duplicate key \"a\", first in line 3");
        assert_eq!(
            fault.place(b"{\"x\":{},\n\"map\":{\n\"a\":{\"$json\":1},\n\"b\":\"\",\n\"\\u0061\":\"2\"}}"),
            (5, 1)
        );
    }
}
