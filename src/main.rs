//! The program: hands over the arguments, returns the status.

use std::process::ExitCode;

fn main() -> ExitCode {
    rusty_kv::shell::run(std::env::args_os())
}
