//! The line that a save writes to a journal, for states that only a crash leaves.

use xxhash_rust::xxh3::xxh3_64_with_seed;

/// The line that a save appends to `journal` before it replaces the snapshot: it names the snapshot in the header of
/// the journal `newer`, which contains all commits up to `through`.
pub(crate) fn fold_line(journal: &[u8], newer: &[u8], through: u64) -> Vec<u8> {
    let first = |journal: &[u8]| {
        let line = journal.split(|&byte| byte == b'\n').next().unwrap_or_default();
        String::from_utf8(line.to_vec()).expect("a header is text")
    };
    let part = |line: &str, from: &str, to: &str| {
        let (_, behind) = line.split_once(from).expect("a header has it");
        behind.split_once(to).expect("a header has it").0.to_owned()
    };
    let newer = first(newer);
    let (stamp, layout) = (part(&newer, "\"stamp\":", ",\"changed\""), part(&newer, "\"layout\":", ",\"sum\""));
    let epoch = u64::from_str_radix(&part(&first(journal), "\"epoch\":\"", "\""), 16).expect("16 digits");
    let content = format!("{{\"fold\":{{\"stamp\":{stamp}}},\"layout\":{layout}}},\"n\":{through}");
    format!("{content},\"sum\":\"{:016x}\"}}\n", xxh3_64_with_seed(content.as_bytes(), epoch)).into_bytes()
}
