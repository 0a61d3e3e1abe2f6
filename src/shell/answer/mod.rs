//! What comes back from a command. Data only; `render` makes text of it.
//!
//! | module | what it is |
//! | --- | --- |
//! | `reply` | replies; failures, with their messages |
//! | `done` | what a change has done |
//! | `masked` | the same for a terminal, without masked values |
//! | `code` | the names that programs read: kinds of failures, reasons for no change |
//! | `status` | exit statuses |

pub(crate) mod code;
pub(crate) mod done;
pub(crate) mod masked;
pub(crate) mod reply;
pub(crate) mod status;
