//! How the program is linked. The library is not touched.

fn main() {
    println!("cargo::rerun-if-changed=src/build.rs");
    let target = |property: &str| std::env::var(format!("CARGO_CFG_TARGET_{property}")).unwrap_or_default();
    if target("OS") != "linux" || target("ENV") != "gnu" {
        return;
    }
    // A program that can lie anywhere in memory begins by writing 7,800 addresses into itself: a tenth of a one-shot
    // `get`. Stack, heap and libraries still lie anywhere.
    let arguments: &[&str] = if target("FEATURE").split(',').any(|feature| feature == "crt-static") {
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
