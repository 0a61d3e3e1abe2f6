//! Every filter of a list on odd values, beside jq itself.

use std::fmt::Write as _;
use std::io::Write as _;
use std::process::{Command, Stdio};

use super::{Filter, Scratch, subject};
use crate::value::Value;

/// A filter a line. Those that begin with `1.7 ` mean something else, or nothing, in older versions.
const FILTERS: &str = include_str!("filters.txt");

/// How many values each is asked about.
const VALUES: usize = 2_000;

#[test]
#[expect(clippy::print_stderr, reason = "whoever runs the tests is to know what they leave out")]
fn filters_mean_what_they_mean_in_jq() {
    let Some(version) = version() else {
        assert!(std::env::var("CI").as_deref() != Ok("true"), "jq is not installed");
        eprintln!("jq is not installed: filters are NOT compared with it");
        return;
    };
    let values: Vec<String> = Values(1).take(VALUES).collect();
    let lines = values.join("\n");
    let stored: Vec<Value> = values.iter().map(|text| Value::from_json(text).unwrap()).collect();
    let mut wrong = String::new();
    let mut count = 0;
    for line in FILTERS.lines() {
        let (newer, filter) = line.strip_prefix("1.7 ").map_or((false, line), |filter| (true, filter));
        if newer && version < (1, 7) {
            continue;
        }
        count += 1;
        let parsed = match Filter::parse(filter, &[]) {
            Ok(parsed) => parsed,
            Err(problem) => {
                let _ = writeln!(wrong, "{filter}: refused: {}", problem.message);
                continue;
            }
        };
        let theirs = jq(filter, &lines);
        if theirs.len() != values.len() {
            let _ = writeln!(wrong, "{filter}: jq gave {} answers of {}", theirs.len(), values.len());
            continue;
        }
        let scratch = Scratch::default();
        let mut different = stored.iter().zip(&values).zip(&theirs).filter_map(|((stored, value), theirs)| {
            let ours = ours(&parsed, stored, &scratch);
            (ours != normal(theirs)).then(|| format!("{filter}  of  {value}\n    ours: {ours}\n    jq:   {theirs}\n"))
        });
        if let Some(first) = different.next() {
            let _ = writeln!(wrong, "{first}    and {} more", different.count());
        }
    }
    assert!(count >= 300, "{count} filters");
    assert!(wrong.is_empty(), "{wrong}");
}

fn version() -> Option<(u32, u32)> {
    let output = Command::new("jq").arg("--version").output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    let (major, minor) = text.trim().strip_prefix("jq-")?.split_once('.')?;
    let minor: String = minor.chars().take_while(char::is_ascii_digit).collect();
    Some((major.parse().ok()?, minor.parse().ok()?))
}

/// What jq makes of each value: its outputs, each in an array, and that it ended, unless it failed.
fn jq(filter: &str, values: &str) -> Vec<String> {
    let program = format!("\"begin\", (({filter}\n) | [.]), \"end\"");
    let mut jq = Command::new("jq");
    jq.args(["-c", &program]).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
    let mut jq = jq.spawn().unwrap();
    let mut stdin = jq.stdin.take().unwrap();
    let values = values.to_owned();
    let writer = std::thread::spawn(move || {
        let _ = stdin.write_all(values.as_bytes());
    });
    let output = jq.wait_with_output().unwrap();
    writer.join().unwrap();
    let output = String::from_utf8(output.stdout).unwrap();
    output.split("\"begin\"\n").skip(1).map(str::to_owned).collect()
}

/// The same of ours.
fn ours(filter: &Filter, value: &Value, scratch: &Scratch) -> String {
    let mut outputs = String::new();
    let ended = filter.run(&subject(value), scratch, &mut |output| {
        outputs.push('[');
        output.write(&mut outputs);
        outputs.push_str("]\n");
        Ok(())
    });
    outputs.push_str(if ended.is_ok() { "\"end\"\n" } else { "" });
    normal(&outputs)
}

/// A JSON text with its strings and numbers in one spelling. The order of members stays.
fn normal(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        let length = match c {
            '"' => {
                let mut ends = rest.char_indices().skip(1);
                while let Some((_, c)) = ends.next() {
                    match c {
                        '"' => break,
                        '\\' => drop(ends.next()),
                        _ => {}
                    }
                }
                ends.next().map_or(rest.len(), |(at, _)| at)
            }
            '-' | '0'..='9' => rest.find([',', ']', '}']).unwrap_or(rest.len()),
            c => c.len_utf8(),
        };
        let (token, behind) = rest.split_at(length);
        match c {
            '"' => write!(out, "{:?}", serde_json::from_str::<String>(token).unwrap()),
            '-' | '0'..='9' => write!(out, "{:?}", token.parse::<f64>().unwrap() + 0.0),
            _ => write!(out, "{token}"),
        }
        .unwrap();
        rest = behind;
    }
    out
}

/// Values of all kinds, the same ones every time.
struct Values(u64);

impl Values {
    fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % u64::try_from(end).unwrap()).unwrap()
    }

    fn pick(&mut self, from: &[&str]) -> String {
        from[self.below(from.len())].to_owned()
    }

    fn value(&mut self, depth: usize) -> String {
        match self.below(if depth == 0 { 6 } else { 12 }) {
            0 => self.pick(&["null", "true", "false"]),
            1..=2 => self.pick(&[
                "0",
                "1",
                "2",
                "3",
                "-1",
                "1.5",
                "-2.25",
                "30",
                "36",
                "100",
                "-0",
                "123456789012",
                "1425599621",
                "0.1",
                "123456789",
                "0.0001",
            ]),
            3..=5 => self.pick(&[
                r#""""#,
                r#""a""#,
                r#""b""#,
                r#""Ada""#,
                r#""banana""#,
                r#""é""#,
                r#""É x""#,
                r#""a,b,c""#,
                r#""a b""#,
                r#""12""#,
                r#"" 12 ""#,
                r#""1.5e3""#,
                r#""0x1""#,
                r#""a\nc""#,
                r#""a\n""#,
                r#""\"q\\\"""#,
                r#""日本語""#,
                r#""😀a""#,
                r#""\u0001""#,
                r#""2015-03-05T23:51:47Z""#,
                r#""x@y.z""#,
                r#""nix""#,
                r#""ab""#,
                r#""abc""#,
                r#""A""#,
                r#""da""#,
                r#""  ""#,
                r#""-5""#,
                r#""\u007f""#,
            ]),
            6..=8 => {
                let items: Vec<_> = (0..self.below(5)).map(|_| self.value(depth - 1)).collect();
                format!("[{}]", items.join(","))
            }
            _ => {
                let mut names = vec![
                    r#""a""#,
                    r#""b""#,
                    r#""c""#,
                    r#""name""#,
                    r#""age""#,
                    r#""tags""#,
                    r#""date""#,
                    r#""a b""#,
                    r#""é""#,
                    r#""""#,
                    r#""x\ny""#,
                    r#""0""#,
                ];
                let members: Vec<_> = (0..self.below(6))
                    .map(|_| {
                        let name = names.swap_remove(self.below(names.len()));
                        format!("{name}:{}", self.value(depth - 1))
                    })
                    .collect();
                format!("{{{}}}", members.join(","))
            }
        }
    }
}

impl Iterator for Values {
    type Item = String;

    fn next(&mut self) -> Option<String> {
        Some(self.value(3))
    }
}
