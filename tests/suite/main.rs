//! Everything that needs no prompt: the library by its public face, and the program as scripts and other programs use it.
//! One program, because each test program links the whole crate anew. What happens at the prompt is in `tests/repl`.

mod common;

// The library: the file, its journal and what may be wrong with them.
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

// The program, and many of them at once.
#[cfg(feature = "shell")]
mod coprocess;
#[cfg(feature = "shell")]
mod destinations;
#[cfg(feature = "shell")]
mod dotenv;
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

// What is read: the documents, the examples, the code itself.
mod examples;
mod floors;
mod transcripts;
mod type_names;
