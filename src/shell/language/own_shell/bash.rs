//! Parses a line of bash up to its cursor by bash's rules, and quotes what is inserted so that bash reads it correctly.
//!
//! readline does not replace the whole word but the end of the line from the last character of `COMP_WORDBREAKS` or
//! from an opening quote; so a candidate is written as the rest of a word whose beginning stays as typed.

use std::fmt::Write as _;

use crate::shell::text::escape::is_unsafe;

/// The quote around a position in a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Quote {
    None,
    /// `'…'`
    Single,
    /// `"…"`
    Double,
    /// `$'…'`
    Ansi,
}

impl Quote {
    /// The closing quote.
    fn mark(self) -> Option<char> {
        match self {
            Self::None => None,
            Self::Single | Self::Ansi => Some('\''),
            Self::Double => Some('"'),
        }
    }
}

/// The words of a line, and where a candidate is inserted into the last one.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct BashLine {
    /// The values of the words before the cursor, the command first.
    pub(crate) before: Vec<Vec<u8>>,
    /// The value of the word at the cursor so far.
    pub(crate) typed: Vec<u8>,
    /// Whether that is the file of a redirection.
    pub(crate) is_file: bool,
    /// The length of the part of `typed` that stays.
    kept: usize,
    /// The quote that the rest is in.
    quote: Quote,
    /// Whether that quote was opened just before.
    opens: bool,
}

impl BashLine {
    /// Parses a line whose end readline is about to replace. `None` if its value is only known when it runs.
    pub(crate) fn read(line: &str, replaced: &str) -> Option<Self> {
        let start = line.len().checked_sub(replaced.len()).filter(|&start| line[start..] == *replaced)?;
        let mut reader = Reader { rest: line, quote: Quote::None, word: None, before: Vec::new(), is_file: false };
        let mut place = None;
        loop {
            let at = line.len() - reader.rest.len();
            if at == start {
                place = Some((reader.word.as_ref().map_or(0, Vec::len), reader.quote));
            }
            if !reader.step()? {
                break;
            }
        }
        let (kept, quote) = place?;
        let opens = quote.mark().is_some_and(|mark| line[..start].ends_with(mark));
        let typed = reader.word.unwrap_or_default();
        Some(Self { before: reader.before, typed, is_file: reader.is_file, kept, quote, opens })
    }

    /// The value of a word that may be incomplete, within a quote if one is given.
    pub(crate) fn meaning_of(quote: &str, word: &str) -> Option<Vec<u8>> {
        Self::read(&format!("{quote}{word}"), "").map(|line| line.typed)
    }

    /// Quotes a text as a word with this value.
    pub(crate) fn quoted(text: &str) -> String {
        let line =
            Self { before: Vec::new(), typed: Vec::new(), is_file: false, kept: 0, quote: Quote::None, opens: false };
        line.rest_of(text.as_bytes()).unwrap_or_default()
    }

    /// The text that readline must insert for a candidate; `None` if the candidate does not continue the part that
    /// stays, or if no argument can hold it.
    pub(crate) fn rest_of(&self, candidate: &[u8]) -> Option<String> {
        let rest = candidate.strip_prefix(&self.typed[..self.kept])?;
        let rest = str::from_utf8(rest).ok().filter(|rest| !rest.contains('\0'))?;
        let mut text = String::with_capacity(rest.len() + 8);
        for c in rest.chars() {
            self.push(&mut text, c);
        }
        match self.quote.mark() {
            // readline takes a quote at the beginning for the one that is already open.
            Some(mark) => {
                text.push(mark);
                if self.opens && text.starts_with(mark) {
                    text.insert(0, mark);
                }
            }
            None if candidate.is_empty() => text.push_str("''"),
            None => {}
        }
        Some(text)
    }

    fn push(&self, text: &mut String, c: char) {
        match (self.quote, c) {
            (Quote::Ansi, c) if is_unsafe(c) => push_bytes(text, c),
            (Quote::Ansi, '\'' | '\\') => text.extend(['\\', c]),
            (Quote::None, c) if is_unsafe(c) => {
                text.push_str("$'");
                push_bytes(text, c);
                text.push('\'');
            }
            (Quote::Single | Quote::Double, c) if is_unsafe(c) => {
                let quote = if self.quote == Quote::Single { '\'' } else { '"' };
                text.push(quote);
                text.push_str("$'");
                push_bytes(text, c);
                text.push('\'');
                text.push(quote);
            }
            (Quote::Single, '\'') => text.push_str(r"'\''"),
            (Quote::Double, '"' | '\\' | '$' | '`') => text.extend(['\\', c]),
            // Even in double quotes, it refers to the history.
            (Quote::Double, '!') => text.push_str("\"'!'\""),
            (Quote::None, c) if !is_plain(c) => text.extend(['\\', c]),
            (_, c) => text.push(c),
        }
    }
}

/// Whether a character never needs quotes.
fn is_plain(c: char) -> bool {
    c.is_ascii_alphanumeric() || "_./:=@%+,-".contains(c) || (!c.is_ascii() && !c.is_whitespace())
}

fn push_bytes(text: &mut String, c: char) {
    for byte in c.encode_utf8(&mut [0; 4]).bytes() {
        // Octal escapes have a fixed length, so a digit after one is safe. Writing to a String cannot fail.
        let _ = write!(text, "\\{byte:03o}");
    }
}

/// A parser for a line.
struct Reader<'a> {
    rest: &'a str,
    quote: Quote,
    /// The value of the word so far, if one has begun.
    word: Option<Vec<u8>>,
    before: Vec<Vec<u8>>,
    /// Whether the word is the file of a redirection.
    is_file: bool,
}

impl Reader<'_> {
    /// Reads one character, escape or variable; false at the end.
    fn step(&mut self) -> Option<bool> {
        let Some(c) = self.rest.chars().next() else { return Some(false) };
        let next = self.rest[c.len_utf8()..].chars().next();
        match (self.quote, c) {
            (Quote::None, ' ' | '\t' | '\n') => {
                self.take(1);
                self.end_word();
            }
            (Quote::None, '<' | '>') => {
                self.take(1);
                // In `2>`, the number is part of the operator.
                self.word = self.word.take().filter(|word| !word.iter().all(u8::is_ascii_digit));
                self.end_word();
                self.is_file = true;
            }
            (Quote::None, '\'') => self.open(Quote::Single, 1),
            (Quote::None, '"') => self.open(Quote::Double, 1),
            (Quote::None, '$') if next == Some('\'') => self.open(Quote::Ansi, 2),
            (Quote::None, '$') if next == Some('"') => self.open(Quote::Double, 2),
            (Quote::None, '~') if self.word.is_none() && next.is_none_or(|next| next == '/') => {
                self.take(1);
                self.push(dirs::home_dir()?.as_os_str().as_encoded_bytes());
            }
            (Quote::Single | Quote::Ansi, '\'') | (Quote::Double, '"') => {
                self.take(1);
                self.quote = Quote::None;
            }
            (Quote::Ansi, '\\') => self.escape()?,
            (Quote::Double, '\\') if next.is_some_and(|next| !"$`\"\\\n".contains(next)) => self.plain(c),
            (Quote::None | Quote::Double, '\\') => {
                self.take(1);
                match next {
                    None => self.push(b""),
                    Some('\n') => self.take(1),
                    Some(next) => self.plain(next),
                }
            }
            (Quote::None | Quote::Double, '`') => return None,
            (Quote::None | Quote::Double, '$') => self.variable()?,
            _ => self.plain(c),
        }
        Some(true)
    }

    fn take(&mut self, length: usize) {
        self.rest = &self.rest[length..];
    }

    fn push(&mut self, bytes: &[u8]) {
        self.word.get_or_insert_default().extend_from_slice(bytes);
    }

    fn plain(&mut self, c: char) {
        self.take(c.len_utf8());
        self.push(c.encode_utf8(&mut [0; 4]).as_bytes());
    }

    fn open(&mut self, quote: Quote, length: usize) {
        self.take(length);
        self.quote = quote;
        self.push(b"");
    }

    fn end_word(&mut self) {
        let Some(word) = self.word.take() else { return };
        if !std::mem::take(&mut self.is_file) {
            self.before.push(word);
        }
    }

    /// The value of an exported variable; the output of a command is not known.
    fn variable(&mut self) -> Option<()> {
        let behind = &self.rest[1..];
        let in_braces = behind.starts_with('{');
        let name = &behind[usize::from(in_braces)..];
        let is_name = |c: char| c.is_ascii_alphanumeric() || c == '_';
        let length = name.find(|c| !is_name(c)).unwrap_or(name.len());
        if length == 0 && !in_braces && !behind.starts_with('(') {
            self.plain('$');
            return Some(());
        }
        let value = std::env::var_os(name.get(..length).filter(|name| !name.is_empty())?)?;
        if in_braces && !name[length..].starts_with('}') {
            return None;
        }
        self.take(1 + length + if in_braces { 2 } else { 0 });
        self.push(value.as_encoded_bytes());
        Some(())
    }

    /// An escape of `$'…'`.
    fn escape(&mut self) -> Option<()> {
        let mut behind = self.rest[1..].chars();
        let Some(letter) = behind.next() else {
            self.take(1);
            return Some(());
        };
        let digits = |text: &str, radix: u32, most: usize| {
            text.chars().take(most).take_while(|c| c.is_digit(radix)).map(char::len_utf8).sum::<usize>()
        };
        let (from, radix, most) = match letter {
            'x' => (2, 16, 2),
            'u' => (2, 16, 4),
            'U' => (2, 16, 8),
            '0'..='7' => (1, 8, 3),
            _ => (0, 0, 0),
        };
        if radix > 0 {
            let length = digits(&self.rest[from..], radix, most);
            let number = u32::from_str_radix(&self.rest[from..from + length], radix).ok()?;
            self.take(from + length);
            match u8::try_from(number) {
                Ok(byte) if !matches!(letter, 'u' | 'U') => self.push(&[byte]),
                _ => self.push(char::from_u32(number)?.encode_utf8(&mut [0; 4]).as_bytes()),
            }
            return Some(());
        }
        let byte = match letter {
            'n' => b'\n',
            't' => b'\t',
            'r' => b'\r',
            'e' | 'E' => 0x1b,
            'a' => 7,
            'b' => 8,
            'f' => 0x0c,
            'v' => 0x0b,
            '\\' | '\'' | '"' | '?' => u8::try_from(letter).ok()?,
            _ => return None,
        };
        self.take(2);
        self.push(&[byte]);
        Some(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// The words of a line, and the value of the last one so far.
    fn read(line: &str) -> Option<(Vec<String>, String)> {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let line = BashLine::read(line, "")?;
        Some((line.before.iter().map(|word| text(word)).collect(), text(&line.typed)))
    }

    #[test]
    fn a_line_is_read_as_bash_reads_it() {
        for (line, before, typed) in [
            ("kv get a", &["kv", "get"][..], "a"),
            ("kv get ", &["kv", "get"], ""),
            (r"kv get a\ b\", &["kv", "get"], "a b"),
            (r#"kv get 'a b' "c\"\d" $'\e\x41\101\u4e16\n"#, &["kv", "get", "a b", r#"c"\d"#], "\x1bAA世\n"),
            (r#"kv get "a $"#, &["kv", "get"], "a $"),
            ("kv get a'b c'd\"e f\"", &["kv", "get"], "ab cde f"),
            ("kv get '' ", &["kv", "get", ""], ""),
            ("kv 2> /dev/null get a > x b", &["kv", "get", "a"], "b"),
            ("kv get a\\\nb", &["kv", "get"], "ab"),
        ] {
            let before = before.iter().map(|&word| word.to_owned()).collect::<Vec<_>>();
            assert_eq!(read(line), Some((before, typed.to_owned())), "{line}");
        }
        for line in ["kv get $(ls) a", "kv get `ls", "kv get ${NO_SUCH-x}", r"kv get $'\q"] {
            assert_eq!(read(line), None, "{line}");
        }
        assert!(BashLine::read("kv get a > x", "x").unwrap().is_file);
        let home = std::env::var("HOME").unwrap_or_default();
        assert_eq!(
            read("kv ~/x $HOME \"${HOME}\""),
            Some((vec!["kv".into(), format!("{home}/x"), home.clone()], home))
        );
    }

    #[test]
    fn what_is_put_in_goes_on_from_what_stands_there() {
        for (line, replaced, key, put_in) in [
            ("kv get u", "u", "user:1", Some("user:1")),
            ("kv get user:", "", "user:1", Some("1")),
            ("kv get user:", "", "other", None),
            ("kv get a", "a", "a b", Some(r"a\ b")),
            ("kv get 'a", "a", "a b", Some("a b'")),
            ("kv get 'a", "a", "a'b", Some(r"a'\''b'")),
            ("kv get '", "", "'", Some(r"''\'''")),
            ("kv get '", "", "", Some("''")),
            ("kv get \"", "", "", Some("\"\"")),
            ("kv get \"a", "a", "a$b!\"", Some("a\\$b\"'!'\"\\\"\"")),
            ("kv get ", "", "a\nb", Some(r"a$'\012'b")),
            ("kv get ", "", "", Some("''")),
            ("kv get ", "", "~#*", Some(r"\~\#\*")),
            ("kv get ", "", "a\0b", None),
        ] {
            let line = BashLine::read(line, replaced).unwrap();
            assert_eq!(line.rest_of(key.as_bytes()).as_deref(), put_in, "{line:?} {key:?}");
        }
    }

    proptest! {
        /// The line that readline produces for a candidate is read as that candidate.
        #[test]
        fn what_was_put_in_is_read_as_it_was_meant(key in "[a-c:='\"$!`\\\\ \n\u{1b}é\u{202e}(){};*~#-]{0,8}", open in "('|\"|\\$'|)", typed in 0..4_usize) {
            prop_assume!(!open.is_empty() || !key.is_empty());
            let cut = key.char_indices().map(|(at, _)| at).nth(typed).unwrap_or(key.len());
            let head = &key[..cut];
            let quoted = |at: &str, text: &str| {
                let line = BashLine::read(at, "").unwrap();
                line.rest_of(&[&line.typed[..], text.as_bytes()].concat()).unwrap()
            };
            // The head as it could have been typed, without the closing quote.
            let mut begun = format!("kv get {open}");
            let mut written = quoted(&begun, head);
            if let Some(quote) = open.chars().last() {
                if written.starts_with(quote) { written.remove(0); }
                written.pop();
            } else if head.is_empty() {
                written.clear();
            }
            begun.push_str(&written);
            let line = BashLine::read(&begun, "").unwrap();
            prop_assert_eq!(&String::from_utf8_lossy(&line.typed), head);
            if let Some(rest) = line.rest_of(key.as_bytes()) {
                let quote = open.chars().last();
                let mut whole = begun.clone();
                let rest = match quote {
                    // Like readline: a quote at the beginning replaces the open one.
                    Some(quote) if begun.ends_with(quote) && rest.starts_with(quote) => rest[1..].to_owned(),
                    _ => rest,
                };
                whole.push_str(&rest);
                let read = BashLine::read(&format!("{whole} "), "").unwrap();
                prop_assert_eq!(read.before.len(), 3);
                prop_assert_eq!(String::from_utf8_lossy(&read.before[2]), key);
            }
        }
    }
}
