//! The formats of the files, as pure bytes: nothing here opens a file or reads the clock.
//!
//! | module | what it is |
//! | --- | --- |
//! | `record` | a value and its expiry as JSON text |
//! | `snapshot_line`, `layout` | a line of the snapshot; the offsets of its sections, and the sum of its lines |
//! | `header`, `journal_line`, `seal` | the first line of the journal, its other lines, and their checksums |

pub(crate) mod header;
pub(crate) mod journal_line;
pub(crate) mod layout;
pub(crate) mod record;
pub(crate) mod seal;
pub(crate) mod snapshot_line;
