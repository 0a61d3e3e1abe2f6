//! `test`: regular expressions as Oniguruma reads them in jq, run by the regex crate, which always ends in linear time.
//! What the two read differently is no part of filters.

use regex::{Regex, RegexBuilder};

use crate::shell::text::escape;

/// How large a compiled expression may be.
const SIZE_LIMIT: usize = 1 << 20;

/// A compiled expression with its flags.
#[derive(Debug)]
pub(super) struct TestPattern {
    regex: Regex,
    /// With the flag `n` an empty match is none: the expression once more with lazy and greedy repetitions swapped.
    nonempty: Option<Regex>,
}

/// Why an expression cannot be used.
#[derive(Debug, PartialEq)]
pub(super) enum RegexMismatch {
    /// jq knows it, or may.
    Foreign(String),
    /// jq does not know it either.
    Wrong(String),
}

impl TestPattern {
    pub(super) fn new(text: &str, flags: Option<&str>) -> Result<Self, RegexMismatch> {
        let flags = flags.unwrap_or_default();
        if let Some(flag) = flags.chars().find(|flag| !"gimxsnlp".contains(*flag) || *flag == 'm') {
            return Err(RegexMismatch::Wrong(format!(
                "'{}' is no flag of test; there are g, i, x, s, n, l and p",
                flag.escape_debug()
            )));
        }
        let build = |swap: bool| {
            let translated = translate(text, flags.contains('x'))?;
            RegexBuilder::new(&translated)
                .case_insensitive(flags.contains('i'))
                .ignore_whitespace(flags.contains('x'))
                .dot_matches_new_line(flags.contains('p'))
                .swap_greed(swap)
                .size_limit(SIZE_LIMIT)
                .dfa_size_limit(SIZE_LIMIT)
                .build()
                .map_err(|_| foreign(text))
        };
        let regex = build(false)?;
        // Which of two branches matches is up to the engine where the first may be empty.
        if flags.contains('n') && text.contains('|') && regex.is_match("") {
            return Err(foreign(text));
        }
        let nonempty = flags.contains('n').then(|| build(true)).transpose()?;
        Ok(Self { regex, nonempty })
    }

    pub(super) fn is_match(&self, text: &str) -> bool {
        let found = |regex: &Regex| regex.find_iter(text).any(|found| !found.is_empty());
        match &self.nonempty {
            None => self.regex.is_match(text),
            Some(swapped) => found(&self.regex) || found(swapped),
        }
    }
}

fn foreign(text: &str) -> RegexMismatch {
    RegexMismatch::Foreign(format!("the regular expression '{}'", escape::excerpt(text, 60)))
}

/// The expression in the words of the regex crate, or that it cannot be said there.
fn translate(text: &str, extended: bool) -> Result<String, RegexMismatch> {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        let length = match c {
            '\\' => escaped(rest),
            '[' => class(rest),
            '(' => group(rest),
            '#' if extended => Some(rest.find('\n').unwrap_or(rest.len())),
            // Before a newline at the end, or at the end.
            '$' => {
                if !matches!(rest[1..].chars().next(), None | Some(')' | '|')) {
                    return Err(foreign(text));
                }
                out.push_str("(?:\\n?\\z)");
                rest = &rest[1..];
                continue;
            }
            // A possessive repetition, a repetition of a repetition, or one without its lower bound.
            '*' | '+' | '?' | '}' if rest[1..].starts_with(['*', '+', '{']) => None,
            '{' if !rest[1..].starts_with(|c: char| c.is_ascii_digit()) => None,
            c => Some(c.len_utf8()),
        };
        let length = length.ok_or_else(|| foreign(text))?;
        out.push_str(&rest[..length]);
        rest = &rest[length..];
    }
    Ok(out)
}

/// The length of an escape that both read alike.
fn escaped(rest: &str) -> Option<usize> {
    let c = rest[1..].chars().next()?;
    let is_same = matches!(
        c,
        'd' | 'D' | 'w' | 'W' | 's' | 'S' | 'b' | 'B' | 'A' | 'z' | 'n' | 'r' | 't' | 'f' | 'v' | 'a' | 'x' | 'p' | 'P'
    ) || (c.is_ascii_punctuation() && !matches!(c, '<' | '>'));
    let is_boundary = matches!(c, 'b' | 'B') && rest[2..].starts_with('{');
    let is_single = matches!(c, 'p' | 'P') && !rest[2..].starts_with('{');
    (is_same && !is_boundary && !is_single).then_some(1 + c.len_utf8())
}

/// The length of a class without set operations.
fn class(rest: &str) -> Option<usize> {
    let mut at = 1 + usize::from(rest[1..].starts_with('^'));
    if rest[at..].starts_with(']') {
        at += 1;
    }
    loop {
        let inner = &rest[at..];
        let c = inner.chars().next()?;
        if ["&&", "--", "~~"].iter().any(|operation| inner.starts_with(operation)) {
            return None;
        }
        at += match c {
            ']' => return Some(at + 1),
            '[' if inner.starts_with("[:") => inner.find(":]")? + 2,
            '[' => return None,
            '\\' => escaped(inner)?,
            c => c.len_utf8(),
        };
    }
}

/// The length of what opens a group that both read alike.
fn group(rest: &str) -> Option<usize> {
    let Some(inner) = rest.strip_prefix("(?") else { return Some(1) };
    let flags = inner.len() - inner.trim_start_matches(['i', 's', 'x', '-']).len();
    let is_flags = inner[flags..].starts_with(':') || (flags > 0 && inner[flags..].starts_with(')'));
    // `x` within the expression would change what the rest of it is.
    if is_flags && !inner[..flags].contains('x') {
        return Some(2 + flags);
    }
    let is_named = inner.strip_prefix('<').is_some_and(|name| !name.starts_with(['=', '!']));
    is_named.then_some(3)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn matches(regex: &str, flags: &str, text: &str) -> bool {
        TestPattern::new(regex, Some(flags)).unwrap().is_match(text)
    }

    #[test]
    fn the_end_of_a_text_is_also_before_its_last_newline() {
        assert!(matches("a$", "", "a\n") && matches("a$", "", "a") && !matches("a$", "", "a\nb"));
        assert!(matches("(a$|b$)", "", "b\n") && !matches("a\\z", "", "a\n") && matches("a\\$", "", "a$b"));
    }

    #[test]
    fn what_the_two_read_differently_is_refused() {
        for regex in [
            "a++", "(?=a)", "(?<!a)b", "\\1", "[a&&b]", "[a[b]]", "\\<a", "(?m)a", "a{,3}", "$a", "\\h", "(?P<n>a)",
            "a**", "\\Qa",
        ] {
            assert!(matches!(TestPattern::new(regex, None), Err(RegexMismatch::Foreign(_))), "{regex}");
        }
        assert!(matches!(TestPattern::new("a", Some("z")), Err(RegexMismatch::Wrong(_))));
        assert!(TestPattern::new("x{1000}{1000}", None).is_err());
    }

    #[test]
    fn flags_are_those_of_jq() {
        assert!(matches("A", "i", "xay") && !matches("a.b", "s", "a\nb") && matches("a.b", "p", "a\nb"));
        assert!(matches("a b # c", "x", "ab") && !matches("x*", "n", "abc") && matches("x*?", "n", "abx"));
        assert!(!matches("^b", "s", "a\nb") && matches("(?i:a)(?<n>b)", "g", "Ab"));
    }
}
