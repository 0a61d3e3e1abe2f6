//! Reading: a snapshot and its journal, and lookups in them.
//!
//! | module | what it is |
//! | --- | --- |
//! | `view`, `pinned_journal` | the pinned snapshot and its journal; that journal |
//! | `snapshot`, `journal` | the contents of each |
//! | `pending`, `arena` | pending changes; those that have not been read |
//! | `overlay`, `layers`, `merged` | changes on top of a snapshot, and both merged |
//! | `reading`, `reads` | lookups and ranges; what an open transaction has read |
//! | `watch`, `state` | the change feed; the state of the files |

pub(crate) mod arena;
pub(crate) mod journal;
pub(crate) mod layers;
pub(crate) mod merged;
pub(crate) mod overlay;
pub(crate) mod pending;
pub(crate) mod pinned_journal;
pub(crate) mod reading;
pub(crate) mod reads;
pub(crate) mod snapshot;
pub(crate) mod state;
pub(crate) mod view;
pub(crate) mod watch;
