//! The fold: merging a snapshot and the changes since it into a new snapshot.

use std::borrow::Cow;
use std::io;

use super::fault::FoldFault;
use super::form::{SnapshotWriter, read_exact_at};
use super::touched::Touched;
use crate::expiry::Timestamp;
use crate::json::Fault;
use crate::storage::files::disk::DiskFile;
use crate::storage::format::layout::{Layout, Section};
use crate::storage::format::snapshot_line;
use crate::storage::read::layers::{Layer, Layers};
use crate::storage::read::snapshot::Document;
use crate::storage::read::snapshot::index::{Indexed, Lines};

/// The snapshot that a fold is based on.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Below<'a> {
    /// In memory.
    Document(&'a Document),
    /// In canonical form in a file.
    Indexed(&'a Indexed),
}

/// If there is only one touched key for this many lines, finding the keys costs less than scanning all lines.
const LINES_EACH: u64 = 1000;

/// Writes the new snapshot into an empty file and returns its layout. Drops entries that have expired at `now`.
///
/// Untouched lines are copied as they are: their values are not read, and the hash is carried over from the old
/// snapshot. So the old layout must be right. What can be checked on the way is checked: the length of every section
/// and of the file and, if all lines are scanned, their number.
pub(crate) fn fold(
    out: &dyn DiskFile,
    below: Below<'_>,
    changes: &Layers<'_>,
    now: Timestamp,
) -> Result<Layout, FoldFault> {
    fold_by(out, below, changes, now, LINES_EACH)
}

/// [`fold`] with the threshold between finding keys and scanning all lines: 0 always finds, `u64::MAX` never does.
pub(super) fn fold_by(
    out: &dyn DiskFile,
    below: Below<'_>,
    changes: &Layers<'_>,
    now: Timestamp,
    lines_each: u64,
) -> Result<Layout, FoldFault> {
    match below {
        Below::Document(document) => write(out, document, changes, now),
        Below::Indexed(old) => rewrite(out, old, changes, now, lines_each),
    }
}

fn write(out: &dyn DiskFile, below: &Document, changes: &Layers<'_>, now: Timestamp) -> Result<Layout, FoldFault> {
    let entries = changes.clone().over(Layer::Document(below.entries.range::<str, _>(..)));
    let mut form = SnapshotWriter::new(out, Layout::default());
    form.begin(Section::Map)?;
    for entry in entries.clone() {
        form.add(entry.live(now))?;
    }
    form.end()?;
    form.begin(Section::Expires)?;
    if form.has_expiries() {
        for entry in entries {
            form.add(entry.live(now))?;
        }
    }
    form.end()?;
    form.add_rest(&below.foreign)?;
    form.finish()
}

fn rewrite(
    out: &dyn DiskFile,
    old: &Indexed,
    changes: &Layers<'_>,
    now: Timestamp,
    lines_each: u64,
) -> Result<Layout, FoldFault> {
    let layout = *old.layout();
    let touched = || Touched::new(old, changes, now);
    let mut form = SnapshotWriter::new(out, layout);
    form.begin(Section::Map)?;
    if touched().are_few(layout.count, lines_each)? {
        splice(&mut form, old, touched())?;
    } else {
        merge(&mut form, old, Section::Map, touched())?;
    }
    form.end()?;
    form.begin(Section::Expires)?;
    if form.has_expiries() {
        merge(&mut form, old, Section::Expires, touched())?;
    }
    form.end()?;
    form.keep_rest(old.file(), layout.rest, layout.length)?;
    form.finish()
}

/// Scans every line of a section.
fn merge(
    form: &mut SnapshotWriter<'_>,
    old: &Indexed,
    section: Section,
    mut touched: Touched<'_>,
) -> Result<(), FoldFault> {
    let mut lines = old.lines(section);
    let mut count = 0;
    let mut line = next_line(&mut lines, &mut count)?;
    while let Some(change) = touched.next()? {
        while let Some((key, content)) = &line
            && **key < *change.key.as_bytes()
        {
            form.keep(content)?;
            line = next_line(&mut lines, &mut count)?;
        }
        if let Some((key, content)) = &line
            && **key == *change.key.as_bytes()
        {
            form.remove(content)?;
            line = next_line(&mut lines, &mut count)?;
        }
        form.add(change)?;
    }
    while let Some((_, content)) = line {
        form.keep(content)?;
        line = next_line(&mut lines, &mut count)?;
    }
    let layout = old.layout();
    if count != if section == Section::Expires { layout.expiring } else { layout.count } {
        return Err(FoldFault::Inconsistent("it has an unexpected number of lines"));
    }
    Ok(())
}

/// A line's key, as the bytes that it is sorted by, and its content.
type KeyedLine<'l> = (Cow<'l, [u8]>, &'l [u8]);

fn next_line<'l>(lines: &'l mut Lines<'_>, count: &mut u64) -> Result<Option<KeyedLine<'l>>, FoldFault> {
    let at = lines.at();
    let Some(content) = lines.next()? else { return Ok(None) };
    *count += 1;
    let key = snapshot_line::key(content).map_err(|fault| FoldFault::line(at, fault))?;
    let key = key.ok_or_else(|| FoldFault::line(at, Fault::new(0, "its key does not end")))?;
    Ok(Some((key, content)))
}

/// Finds the touched lines of the map and copies everything between them.
fn splice(form: &mut SnapshotWriter<'_>, old: &Indexed, mut touched: Touched<'_>) -> Result<(), FoldFault> {
    let (mut copied, end) = old.layout().map;
    let mut content = Vec::new();
    while let Some(change) = touched.next()? {
        let place = old.place(Section::Map, change.key)?;
        form.keep_range(old.file(), copied, place.at, end)?;
        copied = place.at;
        if let Some((from, to)) = place.found {
            let len = usize::try_from(to.saturating_sub(from)).unwrap_or(usize::MAX);
            content.clear();
            content.try_reserve(len).map_err(|_| FoldFault::Write(io::ErrorKind::OutOfMemory.into()))?;
            content.resize(len, 0);
            read_exact_at(old.file(), &mut content, from)?;
            form.remove(&content)?;
            copied = if to + 1 == end { end } else { to + 2 };
        }
        form.add(change)?;
    }
    form.keep_range(old.file(), copied, end, end)
}
