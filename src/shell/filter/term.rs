//! Values in a filter: stored text, which is only parsed when needed.

use std::borrow::Cow;
use std::cell::Cell;
use std::cmp::Ordering;
use std::rc::Rc;

use super::budget::Budget;
use super::number::TermNumber;
use super::problem::Stop;
use super::raw::{self, Parts};
use crate::json;

/// A value. It lives as long as the entry and the filter that it is made of.
#[derive(Clone, Debug)]
pub(super) enum Term<'a> {
    Null,
    Bool(bool),
    Number(TermNumber<'a>),
    Text(Text<'a>),
    Array(TermArray<'a>),
    Object(TermObject<'a>),
}

#[derive(Clone, Debug)]
pub(super) enum Text<'a> {
    /// In its quotes, with its escapes.
    Raw(&'a str),
    /// As it is.
    Plain(&'a str),
    Made(Rc<str>),
}

#[derive(Clone, Debug)]
pub(super) enum TermArray<'a> {
    Raw(&'a str),
    Made(Rc<[Term<'a>]>),
}

#[derive(Clone, Debug)]
pub(super) enum TermObject<'a> {
    Raw(RawObject<'a>),
    /// No name occurs twice.
    Made(Rc<[(Text<'a>, Term<'a>)]>),
}

/// An object where it is stored. Members are mostly asked for in their order, so each search begins where the last one ended.
#[derive(Clone, Debug)]
pub(super) struct RawObject<'a> {
    pub(super) text: &'a str,
    searched: Cell<usize>,
}

/// A value, or why there is none.
pub(super) type TermResult<'a> = Result<Term<'a>, Stop>;

impl<'a> Term<'a> {
    /// Of a JSON text.
    pub(super) fn of(text: &'a str) -> Self {
        match text.as_bytes().first() {
            Some(b'{') => Self::Object(TermObject::Raw(RawObject { text, searched: Cell::new(1) })),
            Some(b'[') => Self::Array(TermArray::Raw(text)),
            Some(b'"') => Self::Text(Text::Raw(text)),
            Some(b't') => Self::Bool(true),
            Some(b'f') => Self::Bool(false),
            Some(b'-' | b'0'..=b'9') => Self::Number(TermNumber::Written(text)),
            _ => Self::Null,
        }
    }

    pub(super) fn float(float: f64) -> Self {
        Self::Number(TermNumber::Computed(float))
    }

    /// A count; beyond 2^53 it is rounded, as in jq.
    #[expect(clippy::cast_precision_loss, reason = "jq rounds too")]
    pub(super) fn count(count: usize) -> Self {
        Self::float(count as f64)
    }

    pub(super) fn text(text: impl Into<Rc<str>>) -> Self {
        Self::Text(Text::Made(text.into()))
    }

    pub(super) fn array(items: Vec<Self>) -> Self {
        Self::Array(TermArray::Made(items.into()))
    }

    /// Everything but null and false.
    pub(super) fn is_true(&self) -> bool {
        !matches!(self, Self::Null | Self::Bool(false))
    }

    pub(super) fn kind(&self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Bool(_) => "boolean",
            Self::Number(_) => "number",
            Self::Text(_) => "string",
            Self::Array(_) => "array",
            Self::Object(_) => "object",
        }
    }

    /// Appends it as JSON. Stored text is copied.
    pub(super) fn write(&self, out: &mut String) {
        match self {
            Self::Null => out.push_str("null"),
            Self::Bool(true) => out.push_str("true"),
            Self::Bool(false) => out.push_str("false"),
            Self::Number(number) => number.write(out),
            Self::Text(text) => text.write(out),
            Self::Array(TermArray::Raw(text)) | Self::Object(TermObject::Raw(RawObject { text, .. })) => {
                out.push_str(text);
            }
            Self::Array(TermArray::Made(items)) => {
                out.push('[');
                for (at, item) in items.iter().enumerate() {
                    if at > 0 {
                        out.push(',');
                    }
                    item.write(out);
                }
                out.push(']');
            }
            Self::Object(TermObject::Made(members)) => {
                out.push('{');
                for (at, (name, value)) in members.iter().enumerate() {
                    if at > 0 {
                        out.push(',');
                    }
                    name.write(out);
                    out.push(':');
                    value.write(out);
                }
                out.push('}');
            }
        }
    }

    /// The same, paid for.
    pub(super) fn made(self, budget: &Budget) -> Result<Self, Stop> {
        budget.memory(self.size())?;
        Ok(self)
    }

    /// The approximate number of bytes that it takes in addition to the entry.
    fn size(&self) -> usize {
        const TERM: usize = size_of::<Term<'_>>();
        TERM + match self {
            Self::Text(Text::Made(text)) => text.len(),
            Self::Number(TermNumber::Kept(digits)) => digits.len(),
            Self::Array(TermArray::Made(items)) => items.len() * TERM,
            Self::Object(TermObject::Made(members)) => members.len() * 2 * TERM,
            _ => 0,
        }
    }
}

impl Text<'_> {
    pub(super) fn get(&self) -> Cow<'_, str> {
        match self {
            Self::Raw(quoted) => match raw::unescaped(quoted) {
                Some(text) => Cow::Owned(text),
                None => Cow::Borrowed(quoted.get(1..quoted.len() - 1).unwrap_or_default()),
            },
            Self::Plain(text) => Cow::Borrowed(text),
            Self::Made(text) => Cow::Borrowed(text),
        }
    }

    /// Its approximate size in bytes.
    pub(super) fn length(&self) -> usize {
        match self {
            Self::Raw(text) | Self::Plain(text) => text.len(),
            Self::Made(text) => text.len(),
        }
    }

    pub(super) fn is(&self, wanted: &str) -> bool {
        match self {
            Self::Raw(quoted) => raw::is_name(quoted, wanted),
            Self::Plain(text) => *text == wanted,
            Self::Made(text) => **text == *wanted,
        }
    }

    pub(super) fn equals(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Raw(a), Self::Raw(b)) if a == b => true,
            (Self::Raw(_), _) => self.is(&other.get()),
            (_, _) => other.is(&self.get()),
        }
    }

    pub(super) fn compare(&self, other: &Self) -> Ordering {
        self.get().as_bytes().cmp(other.get().as_bytes())
    }

    fn write(&self, out: &mut String) {
        match self {
            Self::Raw(quoted) => out.push_str(quoted),
            Self::Plain(text) => json::write_string(out, text),
            Self::Made(text) => json::write_string(out, text),
        }
    }
}

impl<'a> TermArray<'a> {
    pub(super) fn items(&self) -> Items<'a, '_> {
        match self {
            Self::Raw(text) => Items::Raw(Parts::of(text)),
            Self::Made(items) => Items::Made(items.iter()),
        }
    }

    pub(super) fn count(&self) -> usize {
        match self {
            Self::Raw(text) => Parts::of(text).count(),
            Self::Made(items) => items.len(),
        }
    }
}

/// The items of an array, or the values of an object.
#[derive(Debug)]
pub(super) enum Items<'a, 'r> {
    Raw(Parts<'a>),
    Made(std::slice::Iter<'r, Term<'a>>),
}

impl<'a> Iterator for Items<'a, '_> {
    type Item = Term<'a>;

    fn next(&mut self) -> Option<Term<'a>> {
        match self {
            Self::Raw(parts) => parts.next().map(Term::of),
            Self::Made(items) => items.next().cloned(),
        }
    }
}

impl<'a> TermObject<'a> {
    pub(super) fn members(&self) -> TermMembers<'a, '_> {
        match self {
            Self::Raw(object) => TermMembers::Raw(Parts::of(object.text)),
            Self::Made(members) => TermMembers::Made(members.iter()),
        }
    }

    /// The value of a member, and the number of bytes or members skipped to find it.
    pub(super) fn get(&self, name: &str) -> (Option<Term<'a>>, usize) {
        match self {
            Self::Raw(object) => object.get(name),
            Self::Made(members) => {
                (members.iter().find(|(there, _)| there.is(name)).map(|(_, value)| value.clone()), members.len())
            }
        }
    }

    pub(super) fn count(&self) -> usize {
        self.members().count()
    }

    /// The members by their names' bytes.
    pub(super) fn sorted(&self, budget: &Budget) -> Result<Vec<(Text<'a>, Term<'a>)>, Stop> {
        let mut members = Vec::new();
        for member in self.members() {
            budget.memory(2 * size_of_val(&member))?;
            members.push(member);
        }
        budget.work(members.len() * (1 + members.len().max(1).ilog2() as usize))?;
        members.sort_by(|(a, _), (b, _)| a.compare(b));
        Ok(members)
    }
}

impl<'a> RawObject<'a> {
    fn get(&self, name: &str) -> (Option<Term<'a>>, usize) {
        let Self { text, searched } = self;
        let start = searched.get();
        let mut parts = Parts::from(text, start);
        let mut found = parts.find(name, text.len());
        let mut passed = parts.position() - start;
        if found.is_none() {
            parts = Parts::of(text);
            found = parts.find(name, start);
            passed += parts.position();
        }
        if found.is_some() {
            searched.set(parts.position());
        }
        (found.map(Term::of), passed)
    }
}

#[derive(Debug)]
pub(super) enum TermMembers<'a, 'r> {
    Raw(Parts<'a>),
    Made(std::slice::Iter<'r, (Text<'a>, Term<'a>)>),
}

impl<'a> Iterator for TermMembers<'a, '_> {
    type Item = (Text<'a>, Term<'a>);

    fn next(&mut self) -> Option<Self::Item> {
        match self {
            Self::Raw(parts) => parts.member().map(|(name, value)| (Text::Raw(name), Term::of(value))),
            Self::Made(members) => members.next().cloned(),
        }
    }
}
