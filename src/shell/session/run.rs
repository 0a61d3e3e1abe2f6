//! What `run` gives to a program: keys as environment variables.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt as _;

use super::Session;
use crate::shell::command::Run;
use crate::shell::interrupt::stoppable;
use crate::shell::progress;
use crate::shell::reply::{Failure, shown};

impl Session {
    /// The variables that the keys under a prefix make, by their names.
    pub(crate) fn environment(&mut self, run: &Run) -> Result<BTreeMap<String, OsString>, Failure> {
        /// No system gives a program more.
        const MOST: usize = 8 << 20;
        self.look()?;
        self.db.settle();
        let mut size = 0;
        let mut variables = BTreeMap::new();
        for item in stoppable(self.db.prefix(&run.prefix), progress::keys) {
            let (key, entry) = item?;
            let rest = key.strip_prefix(&run.prefix).unwrap_or(&key);
            let name = if run.upper { upper(rest) } else { rest.to_owned() };
            let refused =
                |why: String| Failure::usage(format!("Key '{}' {why}; nothing was run", shown(&key))).on(&key);
            if !is_name(&name) {
                let way_out = if run.upper { "choose another prefix" } else { "choose another prefix, or try --upper" };
                let why = format!(
                    "makes no variable: '{}' is not a name (letters, digits and _, not first a digit); {way_out}",
                    shown(&name)
                );
                return Err(refused(why));
            }
            let value = entry.value.as_bytes();
            if value.contains(&0) {
                return Err(refused("holds a zero byte, which no variable can".to_owned()));
            }
            size += name.len() + value.len() + 2;
            if size > MOST {
                return Err(refused("and those before it are more than an environment can hold (8 MiB)".to_owned()));
            }
            let value = OsString::from_vec(value.to_vec());
            if variables.insert(name.clone(), value).is_some() {
                return Err(refused(format!("and another one would both be the variable {name}")));
            }
        }
        Ok(variables)
    }

    /// What is said where a prefix has no keys: a program may well go on without.
    pub(crate) fn without_keys(&self, prefix: &str) -> String {
        let place = self.place().map(|place| format!(": {place}")).unwrap_or_default();
        format!("no key begins with '{}'{place}", shown(prefix))
    }
}

fn upper(rest: &str) -> String {
    rest.chars().map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_uppercase() } else { '_' }).collect()
}

/// Whether a shell, and so everybody, can speak of a variable by that name.
fn is_name(name: &str) -> bool {
    let is_letter = |byte: u8| byte.is_ascii_alphabetic() || byte == b'_';
    name.bytes().next().is_some_and(is_letter) && name.bytes().all(|byte| is_letter(byte) || byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_what_a_shell_takes_for_one() {
        for name in ["A", "_", "a1_B", "PATH"] {
            assert!(is_name(name), "{name}");
        }
        for name in ["", "1A", "A-B", "A B", "A=B", "é", "A\n", "BASH_FUNC_x%%"] {
            assert!(!is_name(name), "{name}");
        }
        assert_eq!(upper("db-host.é"), "DB_HOST__");
    }
}
