//! Commands on deadlines.

use std::time::Duration;

use super::Session;
use crate::expiry::format_duration;
use crate::shell::answer::reply::{Answer, Done, Failure, Field, Reply, shown};
use crate::storage::Entry;

impl Session {
    pub(super) fn expire(&mut self, key: &str, duration: Duration) -> Result<Answer<'_>, Failure> {
        let deadline = self.db.transaction(|tx| {
            let deadline = tx.now().after(duration)?;
            let Some(entry) = tx.entry(key)? else { return Ok(None) };
            tx.set_entry(key, Entry { deadline: Some(deadline), ..entry })?;
            Ok(Some(deadline))
        });
        let Some(deadline) = deadline.map_err(|error| Failure::from(error).on(key))? else {
            return Err(self.not_found(key));
        };
        let done = Done::new(format!("Key '{}' expires in {}", shown(key), format_duration(duration)));
        Ok(Reply::Done(done.with("expires", Field::Text(deadline.to_string()))).into())
    }

    pub(super) fn ttl(&mut self, key: &str) -> Result<Answer<'_>, Failure> {
        let Some(entry) = self.db.entry(key)? else { return Err(self.not_found(key)) };
        let left = entry.deadline.map(|deadline| deadline.since(self.db.now()));
        Ok(Reply::TimeLeft(left).into())
    }

    pub(super) fn persist(&mut self, key: &str) -> Result<Answer<'_>, Failure> {
        let had_one = self.db.transaction(|tx| {
            let Some(entry) = tx.entry(key)? else { return Ok(None) };
            let had_one = entry.deadline.is_some();
            if had_one {
                tx.set_entry(key, Entry { deadline: None, ..entry })?;
            }
            Ok(Some(had_one))
        })?;
        match had_one {
            Some(true) => Ok(Reply::Done(Done::new(format!("Key '{}' does not expire any more", shown(key)))).into()),
            Some(false) => Ok(Reply::Done(Done::new(format!("Key '{}' had no expiry", shown(key)))).into()),
            None => Err(self.not_found(key)),
        }
    }
}
