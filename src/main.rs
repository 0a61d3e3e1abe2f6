//! The program: passes the arguments to the library and returns the exit status.

use std::process::ExitCode;

fn main() -> ExitCode {
    rusty_kv::shell::run(std::env::args_os())
}
