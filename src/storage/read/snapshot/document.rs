//! The snapshot as a document in memory. Reads any layout. Pure.

use std::collections::{BTreeMap, HashSet, btree_map};
use std::ops::Bound;

use crate::expiry::Timestamp;
use crate::json::{self, Fault, Scanner};
use crate::storage::format::record::{self, Entry, Stored};
use crate::storage::format::snapshot_line::MAX_KEY;
use crate::storage::read::overlay;
use crate::value::Value;

/// The content of a snapshot.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Document {
    /// The entries by key, including expired ones.
    pub(crate) entries: BTreeMap<String, Stored>,
    /// Unknown top-level members, in order: name and compact JSON.
    pub(crate) foreign: Vec<(String, String)>,
}

/// Why a text is not a snapshot.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Unreadable {
    /// It has a fault.
    Fault(Fault),
    /// A newer version wrote it.
    Newer,
}

impl From<Fault> for Unreadable {
    fn from(fault: Fault) -> Self {
        Self::Fault(fault)
    }
}

/// The top-level member that later formats will use.
pub(crate) const RESERVED: &str = "$rusty-kv";

impl Document {
    /// The entries between two bounds; none if the bounds are in the wrong order.
    pub(crate) fn range(&self, from: Bound<&str>, to: Bound<&str>) -> btree_map::Range<'_, String, Stored> {
        let is_empty = overlay::is_reversed(from, to);
        if is_empty { btree_map::Range::default() } else { self.entries.range::<str, _>((from, to)) }
    }

    /// Reads a whole document, in any order and spacing.
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
        let mut document = Self::default();
        let mut names = HashSet::new();
        let mut expires = BTreeMap::new();
        scanner.object("expected an object such as {\"map\":{}}", |scanner, at, name| {
            if !names.insert(name.clone()) {
                return Err(json::duplicate(at, "member", &name).into());
            }
            match &*name {
                "map" => document.read_map(scanner, bytes)?,
                "expires" => expires = read_expires(scanner)?,
                RESERVED => return Err(Unreadable::Newer),
                name => {
                    let mut text = String::new();
                    scanner.value(&mut text)?;
                    document.foreign.push((name.to_owned(), text));
                }
            }
            Ok(())
        })?;
        scanner.end()?;
        if !names.contains("map") {
            return Err(Fault::shape(start, "it has no member \"map\" (an empty database is {\"map\":{}})").into());
        }
        // An editor may have removed a key and left its expiry, which is then dropped.
        for (key, expiry) in expires {
            if let Some(entry) = document.entries.get_mut(&key) {
                entry.expiry = Some(expiry);
            }
        }
        Ok(document)
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
            match self.entries.entry(key.into_owned()) {
                btree_map::Entry::Vacant(place) => {
                    place.insert(Stored::of(&Entry::from(value)));
                }
                btree_map::Entry::Occupied(first) => {
                    let mut fault = json::duplicate(at, "key", first.key());
                    let (line, _) = Fault::new(first_place(bytes, first.key()), "").place(bytes);
                    fault.reason = format!("{}, first in line {line}", fault.reason);
                    return Err(fault.into());
                }
            }
            Ok(())
        })
    }
}

/// Reads the expiries. Some programs write `null` if there are none.
fn read_expires(scanner: &mut Scanner<'_>) -> Result<BTreeMap<String, Timestamp>, Fault> {
    let mut expiries = BTreeMap::new();
    if scanner.peek() == Some(b'n') {
        return scanner.value(&mut String::new()).map(|()| expiries);
    }
    scanner.object("\"expires\" is not an object", |scanner, at, key| {
        let is_text = scanner.peek() == Some(b'"');
        let value_at = scanner.at();
        let expiry = if is_text { scanner.string()?.parse().ok() } else { None };
        let wanted = "an expiry is a time such as \"2026-11-23T04:00:00Z\"";
        let expiry: Timestamp = expiry.ok_or_else(|| Fault::shape(value_at, wanted))?;
        if expiries.insert(key.clone().into_owned(), expiry).is_some() {
            return Err(json::duplicate(at, "key", &key));
        }
        Ok(())
    })?;
    Ok(expiries)
}

/// The offset of the first entry with that key in the map, whose second entry was the fault.
fn first_place(bytes: &[u8], wanted: &str) -> usize {
    let mut place = None;
    let mut scanner = Scanner::new(bytes);
    scanner.skip_mark();
    // The fault is the second entry or something after it; the first has been read by then.
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
