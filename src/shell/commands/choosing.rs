//! `--where` and `--select`: filters on entries.

use std::cell::{Cell, RefCell};
use std::time::Duration;

use clap::Args;

use super::{Session, Warnings, counted};
use crate::error::Error;
use crate::expiry::{Timestamp, whole_seconds};
use crate::shell::answer::code::Code;
use crate::shell::answer::reply::{Failure, FilterOutput, shown};
use crate::shell::filter::{self, Content, Failed, Filter, FilterProblem, Scratch, Subject};
use crate::shell::text::argument::{FilterText, ValueType, duration, filter, text, value_type};
use crate::shell::text::escape;
use crate::shell::text::mask::Masks;
use crate::storage::Entry;
use crate::store::Store as _;
use crate::value::{Json, Value};

/// Which entries count.
#[derive(Args, Clone, Debug, Default, PartialEq)]
pub(crate) struct Where {
    /// Only entries for which this filter is true: '.age > 30' (see `help filters`)
    #[arg(long = "where", value_name = "FILTER", value_parser = filter(), allow_hyphen_values = true)]
    pub(crate) condition: Option<FilterText>,
    /// Only values of this type
    #[arg(long = "type", value_name = "TYPE", value_parser = value_type())]
    pub(crate) kind: Option<ValueType>,
    /// Only keys that expire, or that expire within this time: 1h30m
    #[arg(long, value_name = "WITHIN", num_args = 0..=1, value_parser = duration())]
    #[expect(clippy::option_option, reason = "the time may be left out")]
    pub(crate) expiring: Option<Option<Duration>>,
    #[command(flatten)]
    pub(crate) given: Given,
}

impl Where {
    /// Whether any entries are left out.
    pub(super) fn is_given(&self) -> bool {
        self.condition.is_some() || self.kind.is_some() || self.expiring.is_some()
    }
}

/// What filters are given.
#[derive(Args, Clone, Debug, Default, PartialEq)]
pub(crate) struct Given {
    /// Set $NAME to this text in filters
    #[arg(long, num_args = 2, value_names = ["NAME", "VALUE"], value_parser = text(), allow_hyphen_values = true)]
    pub(crate) arg: Vec<String>,
    /// Set $NAME to this JSON in filters
    #[arg(long, num_args = 2, value_names = ["NAME", "JSON"], value_parser = text(), allow_hyphen_values = true)]
    pub(crate) argjson: Vec<String>,
    /// Fail if the filter fails on an entry, instead of leaving that out
    #[arg(long)]
    pub(crate) strict: bool,
}

/// What is shown of the entries.
#[derive(Args, Clone, Debug, Default, PartialEq)]
pub(crate) struct Select {
    /// Print what this filter makes of each value, one output per line (see `help filters`)
    #[arg(long, value_name = "FILTER", value_parser = filter(), allow_hyphen_values = true)]
    pub(crate) select: Option<FilterText>,
}

/// The filters of a command, and their results. At the end, they report the number of entries on which they failed.
#[derive(Debug)]
pub(super) struct Asking {
    filters: Filters,
    tally: FilterTally,
    warnings: Warnings,
}

/// The filters themselves, which any thread may ask.
#[derive(Debug)]
pub(super) struct Filters {
    kind: Option<&'static str>,
    /// Whether a key is to expire, and by when.
    expires: bool,
    expires_by: Option<Timestamp>,
    condition: Option<Filter>,
    select: Option<Filter>,
    now: Timestamp,
    strict: bool,
    /// The keys whose values no message quotes, because stderr is usually a screen.
    masks: Masks,
}

/// What has come of the entries that one thread has asked about.
#[derive(Debug, Default)]
pub(super) struct FilterTally {
    scratch: Scratch,
    failed: Cell<u64>,
    first: RefCell<Option<String>>,
}

impl Asking {
    /// Reads the filters; `None` if there are none.
    pub(super) fn new(
        wanted: &Where,
        select: Option<&FilterText>,
        session: &Session,
        warnings: Warnings,
    ) -> Result<Option<Self>, Failure> {
        let Where { condition, kind, expiring, given } = wanted;
        let variables = given.variables()?;
        if condition.is_none() && select.is_none() {
            given.check_unused()?;
            if !wanted.is_given() {
                return Ok(None);
            }
        }
        let parse = |text: Option<&FilterText>| {
            text.map(|text| Filter::parse(text, &variables).map_err(|problem| refused(text, &problem))).transpose()
        };
        let (condition, select) = (parse(condition.as_ref())?, parse(select)?);
        let now = session.db.now();
        let expires_by = expiring.flatten().map(|within| now.after(within)).transpose()?;
        let kind = kind.map(ValueType::name);
        let expires = expiring.is_some();
        let filters = Filters {
            kind,
            expires,
            expires_by,
            condition,
            select,
            now,
            strict: given.strict,
            masks: session.masks.clone(),
        };
        Ok(Some(Self { filters, tally: FilterTally::default(), warnings }))
    }

    /// The filters, for threads that have a tally each.
    pub(super) fn filters(&self) -> &Filters {
        &self.filters
    }

    /// Takes in the tally of entries that come after those before.
    pub(super) fn add(&self, tally: FilterTally) {
        self.tally.failed.set(self.tally.failed.get() + tally.failed.get());
        if let Some(first) = tally.first.into_inner() {
            self.tally.first.borrow_mut().get_or_insert(first);
        }
    }

    /// Whether an entry counts. One on which the filter fails does not.
    pub(super) fn holds(&self, key: &str, entry: &Entry) -> Result<bool, Error> {
        self.filters.holds(key, entry, &self.tally)
    }

    /// What the filter makes of an entry; nothing where it fails, or where no filter selects.
    pub(super) fn outputs(&self, key: &str, entry: &Entry) -> Result<Vec<FilterOutput>, Error> {
        let Some(select) = &self.filters.select else { return Ok(Vec::new()) };
        match select.outputs(&self.filters.subject(key, entry), &self.tally.scratch) {
            Ok(outputs) => Ok(outputs),
            Err(failed) => {
                self.filters.note(&self.filters.subject(key, entry), &failed, &self.tally).map(|()| Vec::new())
            }
        }
    }
}

impl Filters {
    fn holds(&self, key: &str, entry: &Entry, tally: &FilterTally) -> Result<bool, Error> {
        if !self.fits(entry.value.kind(), entry.expiry) {
            return Ok(false);
        }
        self.holds_for(&self.subject(key, entry), tally)
    }

    /// Whether an entry counts, in its form on disk.
    pub(super) fn holds_stored(
        &self,
        key: &str,
        text: &str,
        expiry: Option<Timestamp>,
        tally: &FilterTally,
    ) -> Result<bool, Error> {
        let content = match text.as_bytes() {
            // A wrapped value, or one that looks like it.
            [b'{', b'"', b'$' | b'\\', ..] => {
                // A full read finds what cannot be read.
                let value = crate::storage::decode(text).unwrap_or(Value::Bytes(Vec::new()));
                return self.holds(key, &Entry { value, expiry }, tally);
            }
            _ => Content::Json(text),
        };
        let kind = if text.starts_with('"') { "text" } else { "json" };
        if !self.fits(kind, expiry) {
            return Ok(false);
        }
        let size = crate::storage::value_len(text);
        self.holds_for(&Subject { key, kind, content, size, ttl: self.left(expiry), now: seconds(self.now) }, tally)
    }

    /// Whether an entry is of the type and the expiry that are asked for.
    fn fits(&self, kind: &str, expiry: Option<Timestamp>) -> bool {
        self.kind.is_none_or(|wanted| kind == wanted)
            && (!self.expires || expiry.is_some())
            && self.expires_by.is_none_or(|by| expiry.is_some_and(|expiry| expiry <= by))
    }

    fn holds_for(&self, subject: &Subject<'_>, tally: &FilterTally) -> Result<bool, Error> {
        let Some(condition) = &self.condition else { return Ok(true) };
        match condition.matches(subject, &tally.scratch) {
            Ok(holds) => Ok(holds),
            Err(failed) => self.note(subject, &failed, tally).map(|()| false),
        }
    }

    fn subject<'a>(&self, key: &'a str, entry: &'a Entry) -> Subject<'a> {
        let content = match &entry.value {
            Value::Text(text) => Content::Text(text),
            Value::Json(json) => Content::Json(json.as_str()),
            Value::Bytes(_) => Content::Bytes,
        };
        let (kind, size) = (entry.value.kind(), entry.value.as_bytes().len());
        Subject { key, kind, content, size, ttl: self.left(entry.expiry), now: seconds(self.now) }
    }

    #[expect(clippy::cast_precision_loss, reason = "no key lives that long")]
    fn left(&self, expiry: Option<Timestamp>) -> Option<f64> {
        expiry.map(|expiry| whole_seconds(expiry.since(self.now)) as f64)
    }

    fn note(&self, subject: &Subject<'_>, failed: &Failed, tally: &FilterTally) -> Result<(), Error> {
        if self.strict {
            let found = self.reason(subject, failed);
            return Err(Error::WrongType { wanted: "an entry that the filter can be asked about", found });
        }
        tally.failed.set(tally.failed.get() + 1);
        tally.first.borrow_mut().get_or_insert_with(|| self.reason(subject, failed));
        Ok(())
    }

    /// Why the filter failed. The reason may quote the value.
    fn reason(&self, subject: &Subject<'_>, failed: &Failed) -> String {
        let key = shown(subject.key);
        if self.masks.hides(subject.key) {
            return format!("'{key}': its value ({}) is masked, so the reason is not shown", subject.kind);
        }
        format!("'{key}': {}", failed.message())
    }
}

/// An item of a scan, unless a filter rejects it or fails on it.
pub(super) fn kept(
    item: Result<(String, Entry), Error>,
    asking: Option<&Asking>,
) -> Option<Result<(String, Entry), Error>> {
    let Some(asking) = asking else { return Some(item) };
    match item {
        Ok((key, entry)) => match asking.holds(&key, &entry) {
            Ok(true) => Some(Ok((key, entry))),
            Ok(false) => None,
            Err(error) => Some(Err(error)),
        },
        Err(error) => Some(Err(error)),
    }
}

impl Drop for Asking {
    fn drop(&mut self) {
        if let Some(first) = self.tally.first.take() {
            let entries = counted(self.tally.failed.get(), "entry", "entries");
            self.warnings.say(&format!("warning: the filter failed on {entries}, left out; the first is {first}"));
        }
    }
}

impl Given {
    /// Fails if there is anything, where no filter is.
    pub(super) fn check_unused(&self) -> Result<(), Failure> {
        if self.strict || !self.arg.is_empty() || !self.argjson.is_empty() {
            let message = "--arg, --argjson and --strict are for a filter; give one with --where or --select";
            return Err(Failure::usage(message));
        }
        Ok(())
    }

    /// The names and their JSON.
    fn variables(&self) -> Result<Vec<(String, String)>, Failure> {
        let mut variables = Vec::new();
        for pair in self.arg.chunks_exact(2) {
            variables.push((pair[0].clone(), filter::quoted(&pair[1])));
        }
        for pair in self.argjson.chunks_exact(2) {
            let json = Json::parse(&pair[1])
                .map_err(|error| Failure::usage(format!("--argjson {}: {error}", escape::excerpt(&pair[0], 40))))?;
            variables.push((pair[0].clone(), json.into_string()));
        }
        Ok(variables)
    }
}

/// The error in a filter, with its position marked.
fn refused(text: &str, problem: &FilterProblem) -> Failure {
    const AROUND: usize = 40;
    let floor = |at: usize| (0..=at).rev().find(|&at| text.is_char_boundary(at)).unwrap_or(0);
    let before = &text[floor(problem.span.start.saturating_sub(AROUND))..problem.span.start];
    let blamed = text.get(problem.span.clone()).unwrap_or_default();
    let behind = &text[problem.span.end..floor((problem.span.end + AROUND).min(text.len()))];
    let line = format!("{}{}{}", escape::terminal(before), escape::terminal(blamed), escape::terminal(behind));
    let (indent, carets) = (escape::terminal(before).chars().count(), escape::terminal(blamed).chars().count());
    let hint = if problem.span.start == text.len() && !text.is_empty() {
        "; if a pipe (|) follows, quote the filter"
    } else {
        ""
    };
    let message = format!("{}{hint}\n  {line}\n  {}{}", problem.message, " ".repeat(indent), "^".repeat(carets.max(1)));
    Failure { code: Code::Filter, ..Failure::usage(message) }
}

#[expect(clippy::cast_precision_loss, reason = "a double holds milliseconds for long enough")]
fn seconds(time: Timestamp) -> f64 {
    time.as_millis() as f64 / 1000.0
}
