//! The result of a command, as data; `render` turns it into text.
//!
//! | module | purpose |
//! | --- | --- |
//! | `reply` | replies; failures, with their messages |
//! | `done` | the result of a change |
//! | `masked` | the same for a terminal, without masked values |
//! | `code` | error codes and reasons in `-o json` output |
//! | `status` | exit statuses |

pub(crate) mod code;
pub(crate) mod done;
pub(crate) mod masked;
pub(crate) mod reply;
pub(crate) mod status;
