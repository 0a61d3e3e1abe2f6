//! What comes back from a command: replies, failures and statuses. Data only; `render` makes text of them.

pub(crate) mod code;
pub(crate) mod done;
pub(crate) mod reply;
pub(crate) mod status;
