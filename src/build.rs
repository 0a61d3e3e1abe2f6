//! Linker options for the program. The library is not affected.

use std::env;
use std::fs::{self, File};
use std::io::Write;
use std::path::PathBuf;
use std::process::Command;

fn main() {
    println!("cargo::rerun-if-changed=src/build.rs");
    let of_target = |property: &str| env::var(format!("CARGO_CFG_TARGET_{property}")).unwrap_or_default();
    if of_target("OS") != "linux" || of_target("ENV") != "gnu" {
        return;
    }
    let asked = of_target("FEATURE").split(',').any(|feature| feature == "crt-static");
    let arguments: &[&str] = if asked || link_statically().is_some() {
        &["-no-pie", "-static"]
    } else {
        // For the linker only: given to the compiler driver, `-no-pie` would cancel a later `-static-pie` altogether
        // and produce a program that crashes, so the linker refuses it.
        &["-Wl,-no-pie"]
    };
    for argument in arguments {
        println!("cargo::rustc-link-arg-bins={argument}");
    }
}

/// Links the C library statically if it is installed: finding the shared one at startup took a quarter of the time of a
/// one-shot `get`. rustc can do that only for everything it builds, which includes procedural macros, where it is not
/// possible. Hence a directory before the system's with libraries of the same names that only refer to the static ones.
fn link_statically() -> Option<()> {
    if env::var("HOST").ok()? != env::var("TARGET").ok()? {
        return None;
    }
    let cc = env::var("RUSTC_LINKER").unwrap_or_else(|_| "cc".into());
    let find = |name: &str| {
        let answer = Command::new(&cc).arg(format!("-print-file-name={name}")).output().ok()?;
        let path = PathBuf::from(String::from_utf8(answer.stdout).ok()?.trim());
        path.is_absolute().then_some(path)
    };
    let folder = PathBuf::from(env::var_os("OUT_DIR")?).join("static");
    fs::create_dir_all(&folder).ok()?;
    for (name, stands_for) in [
        ("gcc_s", "libgcc_eh.a"),
        ("util", "libutil.a"),
        ("rt", "librt.a"),
        ("pthread", "libpthread.a"),
        ("m", "libm.a"),
        ("dl", "libdl.a"),
        ("c", "libc.a"),
    ] {
        let mut script = File::create(folder.join(format!("lib{name}.a"))).ok()?;
        writeln!(script, "INPUT({})", find(stands_for)?.display()).ok()?;
    }
    println!("cargo::rustc-link-arg-bins=-L{}", folder.display());
    Some(())
}
