//! Key patterns like those of Redis, on characters: `*` matches any text, `?` any character, `[a-z]` a character in a
//! set, `[^x]` one that is not in a set, and `\` makes the next character literal.
//!
//! As in Redis, `*` also matches `/` and the empty text, `[]` matches nothing and `[^]` any character, a range may be
//! reversed, and a backslash at the end of the pattern is literal. Unlike in Redis, a `-` at the start or end of a set
//! is literal, and a set that is not closed is an error. There are no `{a,b}` and no `**`.

/// A compiled pattern.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Glob {
    /// The pattern as given.
    text: String,
    /// The characters before the first special one.
    prefix: String,
    /// The rest; never begins with [`Token::Char`], and never has two [`Token::Run`] in a row.
    rest: Vec<Token>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Token {
    /// Exactly this character.
    Char(char),
    /// Any character.
    Any,
    /// Any text, including the empty one.
    Run,
    /// One character in (or, negated, outside) the ranges, including both ends.
    Set { negated: bool, ranges: Vec<(char, char)> },
}

impl Glob {
    /// Compiles a pattern. The error says what is wrong with it and how to fix it.
    pub(crate) fn new(pattern: &str) -> Result<Self, String> {
        let mut prefix = String::new();
        let mut rest = Vec::new();
        let mut chars = pattern.chars();
        while let Some(c) = chars.next() {
            let token = match c {
                '*' => Token::Run,
                '?' => Token::Any,
                '[' => {
                    let (set, behind) = set(chars.as_str())
                        .ok_or("a `[` in the pattern is never closed; write `\\[` for a literal one")?;
                    chars = behind.chars();
                    set
                }
                '\\' => Token::Char(chars.next().unwrap_or('\\')),
                _ => Token::Char(c),
            };
            match token {
                Token::Char(c) if rest.is_empty() => prefix.push(c),
                Token::Run if rest.last() == Some(&Token::Run) => {}
                token => rest.push(token),
            }
        }
        Ok(Self { text: pattern.to_owned(), prefix, rest })
    }

    /// Whether the pattern matches the whole of `key`.
    ///
    /// A mismatch backtracks to the last `*` only: everything before it was matched with the shortest text, so
    /// backtracking further could not help. The time is at worst the product of the two lengths, and there is no
    /// recursion.
    pub(crate) fn matches(&self, key: &str) -> bool {
        let Some(mut text) = key.strip_prefix(self.prefix.as_str()) else {
            return false;
        };
        let mut tokens = self.rest.as_slice();
        // Where to continue after a mismatch: after the last `*`, which then takes one more character.
        let mut last_run: Option<(&[Token], &str)> = None;
        loop {
            if let [Token::Run, behind @ ..] = tokens {
                if behind.is_empty() {
                    return true;
                }
                last_run = Some((behind, text));
                tokens = behind;
                continue;
            }
            let mut chars = text.chars();
            match (tokens.split_first(), chars.next()) {
                (None, None) => return true,
                (Some((token, behind)), Some(c)) if token.takes(c) => {
                    (tokens, text) = (behind, chars.as_str());
                    continue;
                }
                // A later start could only leave less text for the same tokens.
                (_, None) => return false,
                _ => {}
            }
            let Some((behind, start)) = last_run else {
                return false;
            };
            let mut chars = start.chars();
            chars.next();
            last_run = Some((behind, chars.as_str()));
            (tokens, text) = (behind, chars.as_str());
        }
    }

    /// The pattern as given.
    pub(crate) fn as_str(&self) -> &str {
        &self.text
    }

    /// The prefix of every match, so that a scan can be limited to that range.
    pub(crate) fn prefix(&self) -> &str {
        &self.prefix
    }

    /// Whether the pattern matches one key only, which is then [`Glob::prefix`].
    #[cfg(test)]
    pub(crate) fn is_literal(&self) -> bool {
        self.rest.is_empty()
    }
}

impl Token {
    /// Whether this token, which is not a run, matches the character.
    fn takes(&self, c: char) -> bool {
        match self {
            Self::Char(own) => *own == c,
            Self::Any => true,
            Self::Run => false,
            Self::Set { negated, ranges } => ranges.iter().any(|&(low, high)| (low..=high).contains(&c)) != *negated,
        }
    }
}

/// Reads a set from after its `[`, and returns what follows its `]`; `None` if there is no `]`.
fn set(pattern: &str) -> Option<(Token, &str)> {
    let mut chars = pattern.chars();
    let negated = pattern.starts_with('^');
    if negated {
        chars.next();
    }
    let mut ranges = Vec::new();
    loop {
        let low = match chars.next()? {
            ']' => return Some((Token::Set { negated, ranges }, chars.as_str())),
            '\\' => chars.next()?,
            c => c,
        };
        let mut ahead = chars.clone();
        let high = match (ahead.next(), ahead.next()) {
            (Some('-'), Some(']') | None) => low,
            (Some('-'), Some('\\')) => {
                let high = ahead.next()?;
                chars = ahead;
                high
            }
            (Some('-'), Some(high)) => {
                chars = ahead;
                high
            }
            _ => low,
        };
        ranges.push((low.min(high), low.max(high)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::time::{Duration, Instant};

    fn matches(pattern: &str, key: &str) -> bool {
        Glob::new(pattern).unwrap().matches(key)
    }

    /// The definition, slow but plain.
    fn slow(tokens: &[Token], text: &str) -> bool {
        let mut chars = text.chars();
        match (tokens.split_first(), chars.next()) {
            (None, first) => first.is_none(),
            (Some((Token::Run, behind)), first) => {
                slow(behind, text) || (first.is_some() && slow(tokens, chars.as_str()))
            }
            (Some((token, behind)), Some(c)) => token.takes(c) && slow(behind, chars.as_str()),
            (Some(_), None) => false,
        }
    }

    #[test]
    fn each_special_character_does_what_it_says() {
        for (pattern, yes, no) in [
            ("", &[""][..], &["a"][..]),
            ("abc", &["abc"], &["", "ab", "abcd", "xabc"]),
            ("*", &["", "a", "a/b\n"], &[]),
            ("user:*", &["user:", "user:1"], &["user", "xuser:1"]),
            ("*:1", &["user:1", ":1", ":1:1"], &["user:12"]),
            ("a*b*c", &["abc", "aXbYc", "abbcc"], &["ac", "abcd", "acb"]),
            ("h?llo", &["hello", "hüllo", "h😀llo"], &["hllo", "heello"]),
            ("[a-cx]", &["a", "b", "c", "x"], &["d", "", "ab"]),
            ("[c-a]", &["a", "b", "c"], &["d", "-"]),
            ("[^a-c]", &["d", "é"], &["a", ""]),
            ("[a^]", &["a", "^"], &["b"]),
            ("[-a]", &["-", "a"], &["b"]),
            ("[a-]", &["-", "a"], &["b"]),
            (r"[\]\-\\]", &["]", "-", "\\"], &["["]),
            (r"[\a-\c]", &["b"], &["-", "\\"]),
            ("[]", &[], &["", "]", "a"]),
            ("[^]", &["]", "a"], &[""]),
            (r"\*\?\[\\", &["*?[\\"], &["a?[\\"]),
            (r"a\", &["a\\"], &["a"]),
            ("a]b", &["a]b"], &["ab"]),
        ] {
            for key in yes {
                assert!(matches(pattern, key), "{pattern} should match {key:?}");
            }
            for key in no {
                assert!(!matches(pattern, key), "{pattern} should not match {key:?}");
            }
        }
    }

    #[test]
    fn a_set_that_is_never_closed_is_refused_with_the_way_out() {
        for pattern in ["[", "a[bc", "[a-", r"[a\]", r"[\", "[^", r"[a-\"] {
            let error = Glob::new(pattern).unwrap_err();
            assert!(error.contains(r"`\[`"), "{pattern}: {error}");
        }
    }

    #[test]
    fn the_prefix_is_what_every_match_begins_with() {
        for (pattern, prefix, literal) in [
            ("user:*", "user:", false),
            ("user:1", "user:1", true),
            (r"a\*b?", "a*b", false),
            ("*x", "", false),
            ("", "", true),
        ] {
            let glob = Glob::new(pattern).unwrap();
            assert_eq!((glob.prefix(), glob.is_literal()), (prefix, literal), "{pattern}");
        }
    }

    #[test]
    fn many_stars_on_a_long_key_are_quick() {
        let key = "a".repeat(65_535) + "b";
        let begin = Instant::now();
        assert!(!matches(&("*".repeat(60_000) + "a"), &key));
        assert!(!matches(&("*a".repeat(1_000) + "*c"), &key));
        assert!(matches(&("a*".repeat(10_000) + "b"), &key));
        assert!(begin.elapsed() < Duration::from_secs(2), "took {:?}", begin.elapsed());
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(20_000))]

        #[test]
        fn it_agrees_with_the_plain_definition(
            pattern in r"[ab*?\[\]^\\é-]{0,10}",
            key in r"[abé\]-]{0,10}",
        ) {
            if let Ok(glob) = Glob::new(&pattern) {
                let mut tokens: Vec<_> = glob.prefix.chars().map(Token::Char).collect();
                tokens.extend_from_slice(&glob.rest);
                prop_assert_eq!(glob.matches(&key), slow(&tokens, &key));
                prop_assert!(!glob.matches(&key) || key.starts_with(glob.prefix()));
            }
        }

        #[test]
        fn an_escaped_text_matches_itself_only(text: String, other: String) {
            let escaped: String = text.chars().flat_map(|c| ['\\', c]).collect();
            let glob = Glob::new(&escaped).unwrap();
            prop_assert!(glob.is_literal() && glob.matches(&text));
            prop_assert_eq!(glob.matches(&other), text == other);
        }

        #[test]
        fn any_pattern_and_key_are_answered(pattern: String, key: String) {
            if let Ok(glob) = Glob::new(&pattern) {
                glob.matches(&key);
            }
        }
    }
}
