//! Runs tests as a user without rights.

/// The user ID of `nobody`.
pub(crate) const NOBODY: u32 = 65_534;

/// Runs `body` as a user without rights. If the test runs as root, it switches to another user in a separate thread.
pub(crate) fn without_privileges(test: &str, body: impl FnOnce() + Send) {
    if !rustix::process::geteuid().is_root() {
        return body();
    }
    #[cfg(target_os = "linux")]
    {
        use rustix::thread::{Gid, Uid, set_thread_gid, set_thread_uid};
        println!("{test}: as user {NOBODY}");
        let demoted = || {
            set_thread_gid(Gid::from_raw(NOBODY)).expect("root may");
            set_thread_uid(Uid::from_raw(NOBODY)).expect("root may");
            body();
        };
        let done = std::thread::scope(|scope| scope.spawn(demoted).join());
        done.unwrap_or_else(|panic| std::panic::resume_unwind(panic));
    }
    #[cfg(not(target_os = "linux"))]
    {
        println!("SKIPPED: {test}: it must not be run by root here");
        assert_ne!(std::env::var("CI").as_deref(), Ok("true"), "SKIPPED: {test}");
    }
}
