//! Where what the runner says ends up: stdout, which may break, or what stands for it; and stderr behind it.

use std::io::{self, ErrorKind, Write};

use crate::shell::answer::reply::Failure;
use crate::shell::answer::status::Status;
use crate::shell::render::{self, RenderOptions};
use crate::shell::terminal::console::Console;
use crate::shell::terminal::interrupt;
use crate::shell::terminal::outlet::Outlet;
use crate::shell::terminal::progress;

/// The streams of a run, and what has become of them.
pub(crate) struct Output {
    /// Its rendering is how answers are written unless a line says otherwise.
    pub(crate) console: Console,
    /// Where the answer goes, if not to stdout.
    outlet: Option<Outlet>,
    /// What waits for that to end before it goes to stderr.
    late: Vec<u8>,
    /// Whether stdout is broken: nothing is written to it any more.
    deaf: bool,
    /// Whether its reader has gone away: there is nobody left to work for.
    gone: bool,
    /// Whether the line has written exact bytes to the terminal, which may end anywhere in a row.
    leaves_row: bool,
}

/// What is put back when an answer that went elsewhere has ended.
pub(crate) struct Aside {
    out: Box<dyn Write>,
    rendering: RenderOptions,
}

impl Output {
    pub(crate) fn new(console: Console) -> Self {
        Self { console, outlet: None, late: Vec::new(), deaf: false, gone: false, leaves_row: false }
    }

    /// Whether stdout takes no more.
    pub(crate) fn is_deaf(&self) -> bool {
        self.deaf
    }

    /// Whether whoever read stdout has gone away.
    pub(crate) fn is_gone(&self) -> bool {
        self.gone
    }

    /// Whether the answer goes into a program behind `|`, which has the terminal meanwhile.
    pub(crate) fn is_in_program(&self) -> bool {
        self.outlet.as_ref().is_some_and(Outlet::is_program)
    }

    /// Writes to stdout, or to what stands for it, for as long as that takes anything.
    pub(crate) fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        if self.deaf { Ok(()) } else { self.console.out.write_all(bytes) }
    }

    pub(crate) fn flush(&mut self) -> io::Result<()> {
        if self.deaf { Ok(()) } else { self.console.out.flush() }
    }

    /// Brings out what comes before the next of stderr. What waits for an outlet comes behind all of stdout anyhow.
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
            // Over the `^C` that the terminal has shown.
            let _ = self.console.err.write_all(b"\r");
        }
        // There is no place left to say that stderr is broken.
        let _ = self.console.err.write_all(bytes);
    }

    /// Stdout has failed: what is left to do is done without it. A pipe that was closed is no failure. `is_stored` says
    /// whether what was changed holds all the same.
    pub(crate) fn give_up(&mut self, error: &io::Error, is_stored: bool) -> Status {
        if std::mem::replace(&mut self.deaf, true) {
            return Status::Done;
        }
        // What is buffered would fail again when it is dropped.
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
            // There is no place left to say that stderr is broken.
            let _ = self.console.err.write_all(line.as_bytes());
        }
        failure.status
    }

    /// From now on answers go into an outlet, rendered like that; what goes to stderr waits for its end.
    pub(crate) fn turn(&mut self, outlet: &Outlet, rendering: RenderOptions) -> Aside {
        let out = std::mem::replace(&mut self.console.out, Box::new(outlet.clone()));
        let rendering = std::mem::replace(&mut self.console.rendering, rendering);
        self.outlet = Some(outlet.clone());
        Aside { out, rendering }
    }

    /// From now on answers go where they went before. Returns what waited for that, and whether the outlet took all it got.
    pub(crate) fn turn_back(&mut self, before: Aside) -> (Vec<u8>, bool) {
        self.outlet = None;
        self.console.out = before.out;
        self.console.rendering = before.rendering;
        // A reader that went away was the program behind the pipe, not the person at the prompt.
        self.gone = false;
        let took_all = !std::mem::take(&mut self.deaf);
        (std::mem::take(&mut self.late), took_all)
    }

    /// Exact bytes come, which may leave the cursor of a terminal anywhere in a row.
    pub(crate) fn leave_row(&mut self) {
        self.leaves_row |= self.console.rendering.terminal;
    }

    /// Whether they came since this was last asked.
    pub(crate) fn has_left_row(&mut self) -> bool {
        std::mem::take(&mut self.leaves_row)
    }
}
