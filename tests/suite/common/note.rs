//! What the last writer has noted in the lock file, for states that only a kill, a crash or the disk leaves.

use std::path::Path;
use std::sync::OnceLock;

use super::put;

/// How a note says that it ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Note {
    /// In this boot, with everything in order.
    Finished,
    /// In this boot, with a kill.
    Unfinished,
    /// In another boot.
    OtherBoot,
    /// On another host.
    OtherHost,
    /// It is not there.
    Missing,
}

static BOOT: OnceLock<String> = OnceLock::new();

/// Leaves such a note beside a database that was written to.
pub(crate) fn leave(database: &Path, note: Note) {
    let path = database.with_extension("json.lock");
    let old = std::fs::read_to_string(&path).expect("it was written to");
    let finished = old.trim_end().trim_end_matches(", unfinished");
    let (writer, boot) = finished.split_once(", boot ").expect("a note names the boot");
    // What stands there may be what was left there last.
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
