//! The output of a program on a pseudo-terminal so far.

use std::fs::File;
use std::io::Read as _;
use std::sync::{Arc, Mutex};

/// Reads the terminal's other end in a separate thread, until the program exits.
pub(crate) fn shown(mut output: File) -> Arc<Mutex<Vec<u8>>> {
    let shown = Arc::new(Mutex::new(Vec::new()));
    let also = Arc::clone(&shown);
    std::thread::spawn(move || {
        let mut bytes = [0; 4096];
        while let Ok(read @ 1..) = output.read(&mut bytes) {
            also.lock().expect("no reader has panicked").extend_from_slice(&bytes[..read]);
        }
    });
    shown
}
