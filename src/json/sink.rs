//! What happens to a text that is checked: it is kept, compared or discarded. The latter two need no memory.

/// Receives a text in pieces.
pub(crate) trait Sink {
    fn push(&mut self, c: char);
    fn push_str(&mut self, text: &str);
}

impl Sink for String {
    fn push(&mut self, c: char) {
        self.push(c);
    }

    fn push_str(&mut self, text: &str) {
        self.push_str(text);
    }
}

/// Discards the text.
#[derive(Debug)]
pub(crate) struct Nowhere;

impl Sink for Nowhere {
    fn push(&mut self, _: char) {}
    fn push_str(&mut self, _: &str) {}
}

/// Compares the text with another.
#[derive(Debug)]
pub(crate) struct Same<'a> {
    /// What is still expected; `None` after a difference.
    rest: Option<&'a [u8]>,
}

impl<'a> Same<'a> {
    pub(crate) fn new(text: &'a [u8]) -> Self {
        Self { rest: Some(text) }
    }

    /// Whether the text was equal to the other one.
    pub(crate) fn is_whole(&self) -> bool {
        self.rest.is_some_and(<[u8]>::is_empty)
    }
}

impl Sink for Same<'_> {
    fn push(&mut self, c: char) {
        self.push_str(c.encode_utf8(&mut [0; 4]));
    }

    fn push_str(&mut self, text: &str) {
        self.rest = self.rest.and_then(|rest| rest.strip_prefix(text.as_bytes()));
    }
}

/// Counts bytes.
#[derive(Debug, Default)]
pub(crate) struct Length(pub(crate) usize);

impl Sink for Length {
    fn push(&mut self, c: char) {
        self.0 += c.len_utf8();
    }

    fn push_str(&mut self, text: &str) {
        self.0 += text.len();
    }
}

impl Sink for Vec<u8> {
    fn push(&mut self, c: char) {
        self.push_str(c.encode_utf8(&mut [0; 4]));
    }

    fn push_str(&mut self, text: &str) {
        self.extend_from_slice(text.as_bytes());
    }
}
