//! Reading: a snapshot and its journal, and lookups in them.
//!
//! | module | what it is |
//! | --- | --- |
//! | `view`, `pinned_journal` | the pinned snapshot with its journal; that journal |
//! | `snapshot`, `journal` | what each of them holds |
//! | `pending`, `arena` | pending changes, read or not |
//! | `overlay`, `layers`, `merged` | changes above a snapshot, and both as one |
//! | `reading`, `sections`, `reads` | lookups and ranges; their parts for several threads; what an open transaction has read |
//! | `watch`, `state` | what has changed since; what the files are like |

pub(crate) mod arena;
pub(crate) mod journal;
pub(crate) mod layers;
pub(crate) mod merged;
pub(crate) mod overlay;
pub(crate) mod pending;
pub(crate) mod pinned_journal;
pub(crate) mod reading;
pub(crate) mod reads;
pub(crate) mod sections;
pub(crate) mod snapshot;
pub(crate) mod state;
pub(crate) mod view;
pub(crate) mod watch;
