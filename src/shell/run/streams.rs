//! Where what the runner says ends up: stdout, which may break, and stderr behind it.

use std::io::{self, ErrorKind, Write};

use super::runner::{Flow, Runner};
use crate::shell::answer::reply::Failure;
use crate::shell::render;
use crate::shell::terminal::interrupt;
use crate::shell::terminal::outlet::Outlet;
use crate::shell::terminal::progress;

impl Runner<'_> {
    pub(crate) fn write_out(&mut self, bytes: &[u8]) {
        if self.group.open.is_some() {
            self.group.hold(bytes, false);
        } else if !self.deaf
            && let Err(error) = self.console.out.write_all(bytes)
        {
            self.broken(&error);
        }
    }

    pub(crate) fn write_err(&mut self, bytes: &[u8]) {
        if self.group.open.is_some() {
            self.group.hold(bytes, true);
            return;
        }
        if self.outlet.is_some() {
            self.late.extend_from_slice(bytes);
            return;
        }
        if !self.deaf
            && let Err(error) = self.console.out.flush()
        {
            self.broken(&error);
        }
        progress::make_room();
        if self.console.err_terminal && interrupt::is_asked() {
            // Over the `^C` that the terminal has shown.
            let _ = self.console.err.write_all(b"\r");
        }
        // There is no place left to say that stderr is broken.
        let _ = self.console.err.write_all(bytes);
    }

    /// Stdout has failed: what is left to do is done without it. A pipe that was closed is no failure.
    pub(crate) fn broken(&mut self, error: &io::Error) -> Flow {
        if std::mem::replace(&mut self.deaf, true) {
            return Flow::Stop;
        }
        // What is buffered would fail again when it is dropped.
        self.console.out = Box::new(io::sink());
        if error.kind() == ErrorKind::BrokenPipe {
            self.gone = true;
            return if self.is_alone() { Flow::Stop } else { Flow::Next };
        }
        let path = self.outlet.as_ref().and_then(Outlet::path);
        let mut failure = path.map_or_else(|| Failure::stdout(error), |path| Failure::io("write to", &path, error));
        if self.has_changed && !self.atomic {
            failure.message.push_str("; what was changed is stored all the same");
        }
        let line = render::failure(self.console.err_color, None, &failure);
        if self.outlet.is_some() {
            self.late.extend_from_slice(line.as_bytes());
        } else {
            // There is no place left to say that stderr is broken.
            let _ = self.console.err.write_all(line.as_bytes());
        }
        self.finish(failure.status)
    }

    pub(crate) fn flush_out(&mut self) -> Flow {
        if self.deaf {
            return if self.is_alone() { Flow::Stop } else { Flow::Next };
        }
        match self.console.out.flush() {
            Ok(()) => Flow::Next,
            Err(error) => self.broken(&error),
        }
    }
}
