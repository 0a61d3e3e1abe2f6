//! Runs scripts in this process on any store: answers must be the same, and unsupported operations refused.

use std::cell::RefCell;
use std::io::{self, Write};
use std::rc::Rc;
use std::time::Duration;

use super::Runner;
use super::frontend::Unattended;
use super::script::{self, Input};
use crate::database::Database;
use crate::shell::commands::{Access, Session};
use crate::shell::config::Location;
use crate::shell::render::{MessageStyle, RenderOptions};
use crate::shell::terminal::console::Console;
use crate::store::{Poor, Store};

/// A script and its expected results.
struct Golden {
    script: String,
    stdout: String,
    stderr: String,
    status: u8,
}

impl Golden {
    /// Reads a file of parts, each below its `== name`. For a store without the feature, `== stderr poor` replaces `==
    /// stderr`.
    fn of(text: &str, store: &str) -> Self {
        let part = |name: &str| {
            let own = format!("{name} {store}");
            let parts = text.split("== ").filter_map(|part| part.split_once('\n'));
            let found = parts.filter(|(head, _)| *head == name || *head == own).max_by_key(|(head, _)| head.len());
            found.map(|(_, body)| body.to_owned()).unwrap_or_default()
        };
        let status = part("status").trim().parse().unwrap_or(0);
        Self { script: part("script"), stdout: part("stdout"), stderr: part("stderr"), status }
    }
}

/// The bytes of a script.
pub(super) struct Bytes<'b>(pub(super) &'b [u8]);

impl Input for Bytes<'_> {
    fn read(&mut self, buffer: &mut Vec<u8>) -> io::Result<usize> {
        buffer.extend_from_slice(self.0);
        Ok(std::mem::take(&mut self.0).len())
    }

    fn is_ready(&self) -> bool {
        true
    }

    fn has_known_end(&self) -> bool {
        true
    }

    fn length(&self) -> u64 {
        self.0.len() as u64
    }
}

#[derive(Clone, Default)]
pub(super) struct Written(Rc<RefCell<Vec<u8>>>);

impl Written {
    pub(super) fn text(&self) -> String {
        String::from_utf8(self.0.take()).unwrap()
    }
}

impl Write for Written {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.borrow_mut().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A runner on a store, and where it writes.
pub(super) fn runner(store: Box<dyn Store>, is_person: bool) -> (Runner<'static>, Written, Written) {
    let location = Location::of_file("golden", "golden.json");
    let access = Access { read_only: false, wait: Some(Duration::ZERO) };
    let session = Rc::new(RefCell::new(Session::on(store, location, access)));
    let (out, err) = (Written::default(), Written::default());
    let console = Console {
        out: Box::new(out.clone()),
        err: Box::new(err.clone()),
        rendering: RenderOptions::PIPE,
        err_style: MessageStyle { color: false, width: if is_person { 1_000 } else { 0 } },
    };
    (Runner::new(session, console, Box::new(Unattended), false), out, err)
}

/// Runs a script on a store; returns stdout, stderr and the status.
fn run(store: Box<dyn Store>, script: &[u8]) -> (String, String, u8) {
    let (mut runner, out, err) = runner(store, false);
    script::run(&mut runner, &mut Bytes(script), "golden");
    runner.end_script("golden");
    (out.text(), err.text(), runner.code())
}

fn store_named(name: &str) -> Box<dyn Store> {
    if name == "poor" { Box::new(Poor::default()) } else { Box::new(Database::in_memory()) }
}

#[test]
fn a_script_says_the_same_on_every_store_or_what_the_store_has_not() {
    let scripts = [
        ("changes", include_str!("../../../tests/stores/changes.txt")),
        ("listings", include_str!("../../../tests/stores/listings.txt")),
        ("inside", include_str!("../../../tests/stores/inside.txt")),
        ("expiries", include_str!("../../../tests/stores/expiries.txt")),
        ("files", include_str!("../../../tests/stores/files.txt")),
        ("transactions", include_str!("../../../tests/stores/transactions.txt")),
    ];
    let mut wrong = Vec::new();
    for (name, text) in scripts {
        for store in ["memory", "poor"] {
            let golden = Golden::of(text, store);
            assert!(!golden.script.is_empty(), "{name} has no script");
            let (stdout, stderr, status) = run(store_named(store), golden.script.as_bytes());
            if (&stdout, &stderr, status) != (&golden.stdout, &golden.stderr, golden.status) {
                wrong.push(format!(
                    "{name} on {store} came to\n== stdout\n{stdout}== stderr\n{stderr}== status\n{status}\n"
                ));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.concat());
}
