//! What filters make of values, in every mode: an output a line.

use std::io::Write;

use super::{RenderError, RenderOptions};
use crate::json::write_string;
use crate::shell::answer::reply::{FilterOutput, Outputs};
use crate::shell::text::argument::OutputMode;
use crate::shell::text::escape;

/// Writes the outputs as they come. `-o json` makes one document: an array of them, or with keys an object of arrays.
pub(super) fn write(out: &mut dyn Write, rendering: &RenderOptions, outputs: Outputs<'_>) -> Result<(), RenderError> {
    if rendering.mode == OutputMode::Json {
        return document(out, outputs);
    }
    let mut line = String::new();
    for entry in outputs.entries {
        let (key, values) = entry?;
        for value in values {
            line.clear();
            if outputs.keys && rendering.terminal {
                line.push_str(&escape::terminal(&key));
                line.push_str("  ");
            } else if outputs.keys {
                escape::tsv(&mut line, key.as_bytes());
                line.push('\t');
            }
            let shown = match (&value.bare, rendering.mode) {
                (Some(bare), OutputMode::Raw) => bare,
                _ => &value.json,
            };
            line.push_str(&if rendering.terminal { escape::terminal(shown) } else { shown.as_str().into() });
            line.push('\n');
            out.write_all(line.as_bytes())?;
        }
    }
    Ok(())
}

fn document(out: &mut dyn Write, outputs: Outputs<'_>) -> Result<(), RenderError> {
    let mut piece = String::from(if outputs.keys { "{" } else { "[" });
    let mut is_first = true;
    for entry in outputs.entries {
        let (key, values) = entry?;
        let values: Vec<String> = values.into_iter().map(|FilterOutput { json, .. }| json).collect();
        if !is_first && (outputs.keys || !values.is_empty()) {
            piece.push(',');
        }
        is_first = is_first && !outputs.keys && values.is_empty();
        if outputs.keys {
            write_string(&mut piece, &key);
            piece.push_str(":[");
        }
        piece.push_str(&values.join(","));
        piece.push_str(if outputs.keys { "]" } else { "" });
        out.write_all(piece.as_bytes())?;
        piece.clear();
    }
    piece.push_str(if outputs.keys { "}\n" } else { "]\n" });
    Ok(out.write_all(piece.as_bytes())?)
}
