//! The output of a run: stdout, which may break, or its replacement; and stderr.

use std::io::{self, ErrorKind, Write};

use crate::shell::answer::reply::Failure;
use crate::shell::answer::status::Status;
use crate::shell::render::{self, RenderOptions};
use crate::shell::terminal::console::Console;
use crate::shell::terminal::interrupt;
use crate::shell::terminal::outlet::Outlet;
use crate::shell::terminal::progress;

/// The streams of a run, and their state.
pub(crate) struct Output {
    /// Its rendering applies to answers unless a line overrides it.
    pub(crate) console: Console,
    /// Where the answer goes, if not to stdout.
    outlet: Option<Outlet>,
    /// Messages for stderr that wait until that ends.
    late: Vec<u8>,
    /// Whether stdout is broken; nothing more is written to it.
    deaf: bool,
    /// Whether the reader of stdout has exited, so that the run can stop.
    gone: bool,
    /// Whether the line has written exact bytes to the terminal, which may end anywhere in a row.
    leaves_row: bool,
}

/// The state to restore when a redirected answer ends.
pub(crate) struct Aside {
    out: Box<dyn Write>,
    rendering: RenderOptions,
}

impl Output {
    pub(crate) fn new(console: Console) -> Self {
        Self { console, outlet: None, late: Vec::new(), deaf: false, gone: false, leaves_row: false }
    }

    /// Whether stdout is broken.
    pub(crate) fn is_deaf(&self) -> bool {
        self.deaf
    }

    /// Whether the reader of stdout has exited.
    pub(crate) fn is_gone(&self) -> bool {
        self.gone
    }

    /// Whether the answer goes to a program after `|`, which has the terminal until it ends.
    pub(crate) fn is_in_program(&self) -> bool {
        self.outlet.as_ref().is_some_and(Outlet::is_program)
    }

    /// Writes to stdout or its replacement, as long as that works.
    pub(crate) fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        if self.deaf { Ok(()) } else { self.console.out.write_all(bytes) }
    }

    pub(crate) fn flush(&mut self) -> io::Result<()> {
        if self.deaf { Ok(()) } else { self.console.out.flush() }
    }

    /// Flushes stdout before a message to stderr. Messages that wait for an outlet come after all of stdout anyway.
    pub(crate) fn flush_for_err(&mut self) -> io::Result<()> {
        if self.outlet.is_some() { Ok(()) } else { self.flush() }
    }

    pub(crate) fn write_err(&mut self, bytes: &[u8]) {
        if self.outlet.is_some() {
            self.late.extend_from_slice(bytes);
            return;
        }
        progress::make_room();
        if self.console.err_style.width > 0 && interrupt::is_asked() {
            // Overwrites the `^C` that the terminal has printed.
            let _ = self.console.err.write_all(b"\r");
        }
        // If stderr is broken, there is nowhere left to report that.
        let _ = self.console.err.write_all(bytes);
    }

    /// Handles a failure of stdout: the run continues without it. A closed pipe is not an error. `is_stored` says
    /// whether the changes are stored nevertheless.
    pub(crate) fn give_up(&mut self, error: &io::Error, is_stored: bool) -> Status {
        if std::mem::replace(&mut self.deaf, true) {
            return Status::Done;
        }
        // Buffered data would fail again when it is dropped.
        self.console.out = Box::new(io::sink());
        if error.kind() == ErrorKind::BrokenPipe {
            self.gone = true;
            return Status::Done;
        }
        let path = self.outlet.as_ref().and_then(Outlet::path);
        let mut failure = path.map_or_else(|| Failure::stdout(error), |path| Failure::io("write to", &path, error));
        if is_stored {
            failure.message.push_str("; the changes were stored anyway");
        }
        let line = render::failure(self.console.err_style, None, &failure);
        if self.outlet.is_some() {
            self.late.extend_from_slice(line.as_bytes());
        } else {
            // If stderr is broken, there is nowhere left to report that.
            let _ = self.console.err.write_all(line.as_bytes());
        }
        failure.status
    }

    /// Sends answers to an outlet, with this rendering; messages to stderr wait until it ends.
    pub(crate) fn turn(&mut self, outlet: &Outlet, rendering: RenderOptions) -> Aside {
        let out = std::mem::replace(&mut self.console.out, Box::new(outlet.clone()));
        let rendering = std::mem::replace(&mut self.console.rendering, rendering);
        self.outlet = Some(outlet.clone());
        Aside { out, rendering }
    }

    /// Restores the previous output. Returns the messages that waited, and whether the outlet took everything.
    pub(crate) fn turn_back(&mut self, before: Aside) -> (Vec<u8>, bool) {
        self.outlet = None;
        self.console.out = before.out;
        self.console.rendering = before.rendering;
        // The reader that exited was the program after the pipe, not the user's terminal.
        self.gone = false;
        let took_all = !std::mem::take(&mut self.deaf);
        (std::mem::take(&mut self.late), took_all)
    }

    /// Announces exact bytes, which may leave the cursor anywhere in a row.
    pub(crate) fn leave_row(&mut self) {
        self.leaves_row |= self.console.rendering.terminal;
    }

    /// Whether exact bytes were written since the last call.
    pub(crate) fn has_left_row(&mut self) -> bool {
        std::mem::take(&mut self.leaves_row)
    }
}
