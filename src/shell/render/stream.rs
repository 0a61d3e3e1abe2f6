//! Answers that are files or differences, in every mode.

use std::io::{self, Write};

use super::{CHUNK, RenderError, RenderOptions, difference_json, style};
use crate::database::Difference;
use crate::shell::answer::reply::{DifferenceStream, Failure, Pieces};
use crate::shell::text::argument::OutputMode;
use crate::shell::text::escape;
use crate::shell::text::mask::HIDDEN;
use crate::storage::Entry;
use crate::value::Value;

/// Writes a file as it is; on a terminal what could act on that is escaped.
pub(super) fn pieces(out: &mut dyn Write, rendering: &RenderOptions, pieces: Pieces<'_>) -> Result<(), RenderError> {
    if rendering.mode == OutputMode::Json {
        let message = "a file is not a JSON document: name a file, or leave out -o json";
        return Err(RenderError::Source(Failure::usage(message)));
    }
    if !rendering.terminal {
        return Ok((pieces.write)(out)??);
    }
    let mut shown = TerminalWriter { out, held: Vec::new() };
    let written = (pieces.write)(&mut shown);
    let rest = shown.end();
    written??;
    Ok(rest?)
}

/// What is escaped for a terminal on its way there.
struct TerminalWriter<'w> {
    out: &'w mut dyn Write,
    /// The beginning of a character whose rest is to come.
    held: Vec<u8>,
}

impl TerminalWriter<'_> {
    fn show(&mut self, bytes: &[u8]) -> io::Result<()> {
        for line in bytes.split_inclusive(|&byte| byte == b'\n') {
            let (line, end) = line.strip_suffix(b"\n").map_or((line, ""), |line| (line, "\n"));
            write!(self.out, "{}{end}", escape::terminal_lossy(line))?;
        }
        Ok(())
    }

    fn end(mut self) -> io::Result<()> {
        let held = std::mem::take(&mut self.held);
        self.show(&held)
    }
}

impl Write for TerminalWriter<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut all = std::mem::take(&mut self.held);
        all.extend_from_slice(bytes);
        self.held = all.split_off(whole_characters(&all));
        self.show(&all)?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

/// Where the last character begins, if its rest may follow; else the length.
fn whole_characters(bytes: &[u8]) -> usize {
    const LONGEST: usize = 4;
    let from = bytes.len().saturating_sub(LONGEST - 1);
    let begin = bytes[from..].iter().rposition(|&byte| byte >= 0xc0).map(|at| from + at);
    let is_cut = |&begin: &usize| bytes.len() - begin < bytes[begin].leading_ones() as usize;
    begin.filter(is_cut).unwrap_or(bytes.len())
}

/// Writes what is not alike: `+ key`, `- key`, `~ key old → new`.
pub(super) fn changes(
    out: &mut dyn Write,
    rendering: &RenderOptions,
    changes: DifferenceStream<'_>,
) -> Result<(), RenderError> {
    if rendering.mode == OutputMode::Json {
        return documents(out, changes);
    }
    let mut lines = Vec::with_capacity(2 * CHUNK);
    for difference in changes.differences {
        let difference = match difference {
            Ok(difference) => difference,
            Err(failure) => {
                out.write_all(&lines)?;
                return Err(failure.into());
            }
        };
        line(&mut lines, rendering, &difference, changes.masks.hides(&difference.key));
        if lines.len() >= CHUNK {
            out.write_all(&lines)?;
            lines.clear();
        }
    }
    Ok(out.write_all(&lines)?)
}

fn line(lines: &mut Vec<u8>, rendering: &RenderOptions, difference: &Difference, is_masked: bool) {
    const SHOWN: usize = 60;
    let field = |lines: &mut Vec<u8>, bytes: &[u8], most: usize| {
        if rendering.terminal {
            let text = escape::excerpt(&String::from_utf8_lossy(&bytes[..bytes.len().min(4 * most)]), most);
            lines.extend_from_slice(text.as_bytes());
        } else {
            escape::tsv(lines, bytes);
        }
    };
    let (mark, paint): (&str, style::Style) = match (&difference.old, &difference.new) {
        (None, _) => ("+", style::added),
        (_, None) => ("-", style::removed),
        _ => ("~", style::number),
    };
    lines.extend_from_slice(paint(rendering.color, mark).as_bytes());
    lines.push(b' ');
    field(lines, difference.key.as_bytes(), 2 * SHOWN);
    if let (Some(old), Some(new)) = (&difference.old, &difference.new) {
        let arrow = " → ".as_bytes();
        if old.value != new.value && is_masked {
            lines.extend_from_slice(format!(" {HIDDEN} → {HIDDEN}").as_bytes());
        } else if old.value != new.value {
            // Alike but for the type: that is what is said.
            let is_alike = old.value.as_bytes() == new.value.as_bytes();
            let side =
                |value: &Value| if is_alike { value.kind().as_bytes().to_vec() } else { value.as_bytes().to_vec() };
            lines.extend_from_slice(if is_alike { b" type " } else { b" " });
            field(lines, &side(&old.value), SHOWN);
            lines.extend_from_slice(arrow);
            field(lines, &side(&new.value), SHOWN);
        }
        if old.expiry != new.expiry {
            let when = |entry: &Entry| entry.expiry.map_or_else(|| "none".to_owned(), |at| at.to_string());
            lines.extend(format!(" expires {} → {}", when(old), when(new)).bytes());
        }
    }
    lines.push(b'\n');
}

/// One array: `[{"key":…,"change":"added","new":…},…]`.
fn documents(out: &mut dyn Write, changes: DifferenceStream<'_>) -> Result<(), RenderError> {
    let mut line = String::from("[");
    let mut is_first = true;
    let mut corrupt = None;
    for difference in changes.differences {
        let difference = match difference {
            Ok(difference) => difference,
            // All there is was given.
            Err(failure) if failure.is_of_whole_file() => {
                corrupt = Some(failure);
                break;
            }
            // What was written is the beginning of a document that must not be taken for one.
            Err(failure) if is_first => return Err(failure.into()),
            Err(failure) => {
                out.write_all(b"\n")?;
                return Err(failure.into());
            }
        };
        if !is_first {
            line.push(',');
        }
        is_first = false;
        line.push_str(&difference_json(&difference, &changes.masks));
        if line.len() >= CHUNK {
            out.write_all(line.as_bytes())?;
            line.clear();
        }
    }
    line.push_str("]\n");
    out.write_all(line.as_bytes())?;
    corrupt.map_or(Ok(()), |failure| Err(failure.into()))
}
