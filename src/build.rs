//! How the program is linked. The library is not touched.

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
        // Told to the linker alone: to a compiler driver that was asked for `-static-pie` later on, `-no-pie` would undo
        // the whole of it and make a program that crashes; so the linker refuses it.
        &["-Wl,-no-pie"]
    };
    for argument in arguments {
        println!("cargo::rustc-link-arg-bins={argument}");
    }
}

/// Has the C library linked in where it is there to be: a quarter of the time of a one-shot `get` went into finding it
/// at the start. rustc can do that only for all that it builds, procedural macros included, which cannot be so; hence
/// libraries of the same names before those of the system, which are nothing but a word for the static ones.
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
