//! The last writer's note in the lock file, for states that only a kill, a crash or a disk error leaves.

use std::path::Path;
use std::sync::OnceLock;

use super::put;

/// How the last writer ended, according to the note.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Note {
    /// In this boot, normally.
    Finished,
    /// In this boot, killed.
    Unfinished,
    /// In another boot.
    OtherBoot,
    /// On another host.
    OtherHost,
    /// There is no note.
    Missing,
}

static BOOT: OnceLock<String> = OnceLock::new();

/// Writes such a note next to a database.
pub(crate) fn leave(database: &Path, note: Note) {
    let path = database.with_extension("json.lock");
    let old = std::fs::read_to_string(&path).expect("it was written to");
    let finished = old.trim_end().trim_end_matches(", unfinished");
    let (writer, boot) = finished.split_once(", boot ").expect("a note names the boot");
    // The note that exists may be the one written last.
    let boot = BOOT.get_or_init(|| boot.to_owned());
    let text = match note {
        Note::Finished => format!("{writer}, boot {boot}\n"),
        Note::Unfinished => format!("{writer}, boot {boot}, unfinished\n"),
        Note::OtherBoot => format!("{writer}, boot {}\n", "0".repeat(boot.len())),
        Note::OtherHost => {
            let (pid, rest) = writer.split_once(" (").expect("it names the host");
            format!("{pid} (other-{rest}, boot {boot}\n")
        }
        Note::Missing => String::new(),
    };
    put(&path, text);
}
