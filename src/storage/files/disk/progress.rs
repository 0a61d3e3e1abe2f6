//! A file that reports progress to a callback, which can stop the operation.

use std::fs::File;
use std::io;
use std::ops::{ControlFlow, Deref};
use std::sync::atomic::{AtomicU64, Ordering};

use super::{DiskFile, Identity};
use crate::error::Error;

/// The progress of a long operation.
///
/// ```
/// let half = rusty_kv::Progress { done: 1 << 20, total: 2 << 20 };
/// assert!(half.done < half.total);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// Bytes processed so far.
    pub done: u64,
    /// The approximate number of bytes in total; 0 if unknown.
    pub total: u64,
}

/// The progress callback; it returns whether to continue.
pub(crate) type OnProgress = fn(Progress) -> ControlFlow<()>;

/// A file that reports what is written to it or read from it.
#[derive(Debug)]
pub(crate) struct Reporting<F> {
    file: F,
    on_progress: OnProgress,
    done: AtomicU64,
    total: u64,
}

impl<F: Deref<Target = dyn DiskFile + 'static>> Reporting<F> {
    /// The maximum number of bytes copied between two reports.
    const PIECE: u64 = 16 << 20;

    pub(crate) fn new(file: F, on_progress: OnProgress, total: u64) -> Self {
        Self { file, on_progress, done: AtomicU64::new(0), total }
    }

    fn step(&self, bytes: u64) -> io::Result<()> {
        let done = self.done.fetch_add(bytes, Ordering::Relaxed) + bytes;
        match (self.on_progress)(Progress { done, total: self.total }) {
            ControlFlow::Continue(()) => Ok(()),
            ControlFlow::Break(()) => Err(io::Error::other(Stopped)),
        }
    }
}

/// The error that stops an operation on a file.
#[derive(Debug, thiserror::Error)]
#[error("interrupted")]
struct Stopped;

/// Turns the error of a stopped operation into [`Error::Interrupted`].
pub(crate) fn or_stopped(error: Error) -> Error {
    let is_stop =
        |source: &io::Error| source.get_ref().is_some_and(<dyn std::error::Error + Send + Sync>::is::<Stopped>);
    match error {
        Error::Open { source, .. } | Error::Io { source, .. } if is_stop(&source) => Error::Interrupted,
        error => error,
    }
}

impl<F> DiskFile for Reporting<F>
where
    F: Deref<Target = dyn DiskFile + 'static> + std::fmt::Debug + Send + Sync,
{
    fn identity(&self) -> io::Result<Identity> {
        self.file.identity()
    }

    fn again(&self) -> io::Result<Box<dyn DiskFile>> {
        Ok(Box::new(Reporting::new(self.file.again()?, self.on_progress, self.total)))
    }

    fn read_at(&self, buffer: &mut [u8], at: u64) -> io::Result<usize> {
        self.step(buffer.len() as u64)?;
        self.file.read_at(buffer, at)
    }

    fn append(&self, bytes: &[u8]) -> io::Result<()> {
        self.step(bytes.len() as u64)?;
        self.file.append(bytes)
    }

    fn append_from(&self, other: &dyn DiskFile, mut from: u64, to: u64) -> io::Result<()> {
        while from < to {
            let end = to.min(from + Self::PIECE);
            self.step(end - from)?;
            self.file.append_from(other, from, end)?;
            from = end;
        }
        Ok(())
    }

    fn cut(&self, len: u64) -> io::Result<()> {
        self.file.cut(len)
    }

    fn sync_data(&self) -> io::Result<()> {
        self.file.sync_data()
    }

    fn sync_all(&self) -> io::Result<()> {
        self.file.sync_all()
    }

    fn inherit(&self, from: &dyn DiskFile) -> io::Result<Vec<&'static str>> {
        self.file.inherit(from)
    }

    fn try_lock(&self) -> io::Result<bool> {
        self.file.try_lock()
    }

    fn unlock(&self) -> io::Result<()> {
        self.file.unlock()
    }

    fn real(&self) -> Option<&File> {
        self.file.real()
    }
}
