//! Where answers, notes and failures go: stdout and stderr, and what is known of them.

use std::io::{self, BufWriter, IsTerminal, Write};

use super::interrupt;
use super::progress;
use crate::shell::render::{MessageStyle, RenderOptions, style};
use crate::shell::text::argument::ColorWhen;

/// The two streams of a run.
pub(crate) struct Console {
    pub(crate) out: Box<dyn Write>,
    pub(crate) err: Box<dyn Write>,
    /// How answers look on stdout.
    pub(crate) rendering: RenderOptions,
    pub(crate) err_style: MessageStyle,
}

/// Stdout, also if somebody who shares it has made it non-blocking.
struct Patient(io::Stdout);

impl Patient {
    fn wait<T>(&mut self, mut write: impl FnMut(&mut io::Stdout) -> io::Result<T>) -> io::Result<T> {
        loop {
            match write(&mut self.0) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => match interrupt::wait_to_write(&self.0) {
                    // Retried for ever, would it be called interrupted.
                    Err(stopped) if stopped.kind() == io::ErrorKind::Interrupted => return Err(error),
                    waited => waited?,
                },
                written => return written,
            }
        }
    }
}

impl Write for Patient {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.wait(|stdout| stdout.write(bytes))
    }

    fn flush(&mut self) -> io::Result<()> {
        self.wait(io::Stdout::flush)
    }
}

/// Stdout as a terminal: what is under way gives it the room.
struct Terminal(Patient);

impl Write for Terminal {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        progress::end();
        self.0.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

impl Console {
    /// The process's own streams.
    pub(crate) fn of_process(color: ColorWhen, quiet: bool) -> Self {
        let terminal = io::stdout().is_terminal();
        let width = if terminal { width().unwrap_or(80) } else { 0 };
        let color_out = use_color(color, terminal);
        let out: Box<dyn Write> = if terminal {
            Box::new(BufWriter::with_capacity(64 << 10, Terminal(Patient(io::stdout()))))
        } else {
            Box::new(BufWriter::with_capacity(64 << 10, Patient(io::stdout())))
        };
        Self {
            out,
            err: Box::new(io::stderr()),
            rendering: RenderOptions { terminal, width, color: color_out, quiet, ..RenderOptions::PIPE },
            err_style: err_style(color),
        }
    }

    /// Ends the row of the terminal on which a program has left the cursor, and marks its end, unless it is at its start. The
    /// blanks fill the rest of an empty row, which is then taken back, and run over the end of any other.
    pub(crate) fn end_row(&mut self) {
        if self.rendering.terminal && !is_dumb() {
            let mark = style::faint(self.rendering.color, "⏎");
            let blanks = width().unwrap_or(80) - 1;
            // A terminal that is gone shows at the prompt, which follows at once.
            let _ = write!(self.out, "{mark}{:blanks$}\r\x1b[K", "");
        }
    }

    /// Takes the width anew: a terminal may have been resized.
    pub(crate) fn measure(&mut self) {
        if let (true, Some(width)) = (self.rendering.terminal, width()) {
            self.rendering.width = width;
        }
        if self.err_style.width > 0 {
            self.err_style.width = err_width();
        }
    }
}

/// Whether the terminal is one on which rustyline reads lines without editing them.
pub(crate) fn is_dumb() -> bool {
    let term = std::env::var("TERM").unwrap_or_default();
    ["dumb", "cons25", "emacs"].iter().any(|dumb| term.eq_ignore_ascii_case(dumb))
}

/// The rows of the terminal.
pub(crate) fn height() -> usize {
    terminal_size::terminal_size().map_or(24, |(_, height)| usize::from(height.0).max(2))
}

/// The columns of the terminal; not fewer than a table needs to say anything.
fn width() -> Option<usize> {
    terminal_size::terminal_size().map(|(width, _)| usize::from(width.0).max(20))
}

/// How messages look on the process's own stderr.
pub(crate) fn err_style(color: ColorWhen) -> MessageStyle {
    let terminal = io::stderr().is_terminal();
    MessageStyle { color: use_color(color, terminal), width: if terminal { err_width() } else { 0 } }
}

/// The columns of the terminal that stderr is.
pub(crate) fn err_width() -> usize {
    terminal_size::terminal_size_of(io::stderr()).map_or(80, |(width, _)| usize::from(width.0).max(20))
}

/// Whether a stream is coloured: the flag, then `NO_COLOR`, `CLICOLOR_FORCE`, `CLICOLOR=0`, `TERM=dumb`, then whether it
/// is a terminal.
fn use_color(when: ColorWhen, terminal: bool) -> bool {
    let set = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty());
    match when {
        ColorWhen::Always => true,
        ColorWhen::Never => false,
        ColorWhen::Auto if set("NO_COLOR").is_some() => false,
        ColorWhen::Auto if set("CLICOLOR_FORCE").is_some_and(|value| value != "0") => true,
        ColorWhen::Auto if set("CLICOLOR").is_some_and(|value| value == "0") => false,
        ColorWhen::Auto => terminal && set("TERM").is_none_or(|term| term != "dumb"),
    }
}
