//! All tests that need no prompt: the library through its public API, and the program as used by scripts and other
//! programs. They are one binary, because each test binary links the whole crate. `tests/repl` tests the prompt.

mod common;

// The library: the file, its journal, and their faults.
mod damage;
mod files;
mod fixtures;
#[cfg(feature = "shell")]
mod integrity;
mod journal_damage;
mod json_patch;
mod model;
mod progress;
mod real_data;
mod repair;
mod restore;
mod rights;
mod snapshot;
mod strangers;
mod watch;

// The program, alone and in parallel.
#[cfg(feature = "shell")]
mod coprocess;
#[cfg(feature = "shell")]
mod destinations;
#[cfg(feature = "shell")]
mod dotenv;
#[cfg(feature = "shell")]
mod git;
#[cfg(feature = "shell")]
mod help_examples;
mod imports;
mod interchange;
mod kill;
mod locks;
#[cfg(feature = "shell")]
mod man;
#[cfg(feature = "shell")]
mod memory;
#[cfg(feature = "shell")]
mod own_shells;
mod processes;
mod program;
mod queue;
#[cfg(feature = "redis")]
mod redis;
#[cfg(all(feature = "shell", target_os = "linux"))]
mod signals;
#[cfg(feature = "shell")]
mod sources;
#[cfg(feature = "shell")]
mod tables;

// Documents, examples, and the source code.
mod examples;
mod floors;
mod transcripts;
mod type_names;
