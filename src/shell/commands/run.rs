//! `run`: keys as environment variables of a program.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt as _;

use clap::Args;

use super::Session;
use super::traits::{CommandArgs, Group, NotIn, Traits};

use crate::shell::answer::reply::{Failure, shown};
use crate::shell::terminal::interrupt::stoppable;
use crate::shell::terminal::progress;
use crate::shell::text::argument::{Prefix, ProgramWord, prefix, program};
use crate::store::{Scan, Store as _};

/// Run a program with keys as its environment variables
#[derive(Args, Clone, Debug, PartialEq)]
#[command(
    after_help = "Each variable is named after the rest of its key: with a key app:TOKEN, `run app: -- env` shows TOKEN and its value. A rest that is not a valid name (letters, digits and _, not starting with a digit) is refused and nothing is run; --upper turns db-host into DB_HOST. Variables that change how programs are found and loaded, such as PATH, BASH_ENV, LD_PRELOAD and PYTHONPATH, are refused, because anyone who can write the key could run their own code; --any-name allows them. The program itself is always looked up in your own PATH.\n\nNo value appears on a command line, where other users could see it. The exit status is the program's, or 126 or 127 if it cannot be run; signals are passed on to the program. Scripts cannot run programs, because a script may be a dump of someone else's data.\n\nExamples:\n  run app: -- ./server --port 80\n  run app/ --upper -- env"
)]
pub(crate) struct RunArgs {
    /// Only keys with this prefix
    #[arg(value_name = "PREFIX", value_parser = prefix())]
    pub(crate) prefix: Prefix,
    /// Convert names to upper case, and characters that a name cannot have to _
    #[arg(long)]
    pub(crate) upper: bool,
    /// Allow variables that change how programs are found and loaded
    #[arg(long)]
    pub(crate) any_name: bool,
    /// The program and its arguments
    #[arg(value_name = "CMD", last = true, required = true, value_parser = program())]
    pub(crate) command: Vec<ProgramWord>,
}

impl CommandArgs for RunArgs {
    const TRAITS: Traits = Traits {
        not_in: NotIn::Script(
            "scripts cannot run programs, because they may be made from data; from your shell: rusty-kv run PREFIX -- CMD",
        ),
        ..Traits::changes("run", Group::Processes).parsed_alone()
    };
}

impl Session {
    /// The variables for the keys with a prefix, by name.
    pub(crate) fn environment(&mut self, run: &RunArgs) -> Result<BTreeMap<String, OsString>, Failure> {
        /// No system accepts more.
        const MOST: usize = 8 << 20;
        self.refresh()?;
        let mut size = 0;
        let mut variables = BTreeMap::new();
        for item in stoppable(self.db.scan(&Scan::prefix(&run.prefix)), progress::keys) {
            let (key, entry) = item?;
            let rest = key.strip_prefix(&*run.prefix).unwrap_or(&key);
            let name = if run.upper { upper(rest) } else { rest.to_owned() };
            let refused =
                |why: String| Failure::usage(format!("Key '{}' {why}; nothing was run", shown(&key))).on(&key);
            if !is_name(&name) {
                let upper = Some(upper(rest)).filter(|name| !run.upper && is_name(name));
                let upper = upper.map(|name| format!(", or use --upper ({})", shown(&name))).unwrap_or_default();
                let why = format!(
                    "cannot be a variable: expected letters, digits and _, not starting with a digit, found '{}'; choose another prefix{upper}",
                    shown(&name)
                );
                return Err(refused(why));
            }
            if !run.any_name && loads_programs(&name) {
                let why = format!(
                    "makes the variable {name}, which changes how programs are found and loaded; use --any-name to allow it"
                );
                return Err(refused(why));
            }
            let value = entry.value.as_bytes();
            if value.contains(&0) {
                return Err(refused("contains a zero byte, which a variable cannot".to_owned()));
            }
            size += name.len() + value.len() + 2;
            if size > MOST {
                return Err(refused("and those before it exceed the size of an environment (8 MiB)".to_owned()));
            }
            let value = OsString::from_vec(value.to_vec());
            if variables.insert(name.clone(), value).is_some() {
                return Err(refused(format!("and another key would both become the variable {name}")));
            }
        }
        Ok(variables)
    }

    /// The note if no key has the prefix: the program may still run correctly.
    pub(crate) fn without_keys(&self, prefix: &str) -> String {
        let place = self.place().map(|place| format!(": {place}")).unwrap_or_default();
        format!("no key starts with '{}'{place}", shown(prefix))
    }
}

/// Whether a variable changes where programs or their parts are found, or names code that they load or run: for shells,
/// the systems' loaders and common interpreters. The list is similar to the one that sudo removes.
fn loads_programs(name: &str) -> bool {
    const NAMES: [&str; 44] = [
        // Shells.
        "PATH",
        "IFS",
        "ENV",
        "BASH_ENV",
        "SHELLOPTS",
        "BASHOPTS",
        "PS4",
        "CDPATH",
        "EXECIGNORE",
        "GLOBIGNORE",
        "PROMPT_COMMAND",
        "BASH_LOADABLES_PATH",
        "FPATH",
        "ZDOTDIR",
        "NULLCMD",
        "READNULLCMD",
        // The C library.
        "GCONV_PATH",
        "GLIBC_TUNABLES",
        "LOCPATH",
        "NLSPATH",
        // Interpreters.
        "PYTHONPATH",
        "PYTHONHOME",
        "PYTHONSTARTUP",
        "PYTHONUSERBASE",
        "PERL5LIB",
        "PERLLIB",
        "PERL5OPT",
        "PERL5DB",
        "RUBYLIB",
        "RUBYOPT",
        "GEM_HOME",
        "GEM_PATH",
        "NODE_OPTIONS",
        "NODE_PATH",
        "CLASSPATH",
        "JAVA_TOOL_OPTIONS",
        "_JAVA_OPTIONS",
        "JDK_JAVA_OPTIONS",
        "PHPRC",
        "PHP_INI_SCAN_DIR",
        "DOTNET_STARTUP_HOOKS",
        "TCLLIBPATH",
        "GUILE_LOAD_PATH",
        "GUILE_LOAD_COMPILED_PATH",
    ];
    const BEGINNINGS: [&str; 6] = ["LD_", "DYLD_", "__XPC_DYLD_", "LUA_PATH", "LUA_CPATH", "LUA_INIT"];
    NAMES.contains(&name) || BEGINNINGS.iter().any(|begin| name.starts_with(begin))
}

fn upper(rest: &str) -> String {
    rest.chars().map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_uppercase() } else { '_' }).collect()
}

/// Whether a name is a valid variable name in a shell, and so everywhere.
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

    #[test]
    fn variables_that_load_programs_are_told_from_others() {
        for name in
            ["PATH", "BASH_ENV", "LD_PRELOAD", "LD_AUDIT", "DYLD_INSERT_LIBRARIES", "PYTHONPATH", "LUA_INIT_5_4"]
        {
            assert!(loads_programs(name), "{name}");
        }
        for name in ["path", "HOME", "EDITOR", "APP_PATH", "OLD_PATH", "ENVIRONMENT", "LDAP_URL", "PORT", "NODE_ENV"] {
            assert!(!loads_programs(name), "{name}");
        }
    }
}
