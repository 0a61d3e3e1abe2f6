//! Whether a text that is still arriving can become a JSON array or object.

/// Decides after each byte whether a text can still become a JSON array or object, by the syntax of RFC 8259. The code
/// that stores it checks the range of its numbers, surrogate pairs and unique names.
#[derive(Debug)]
pub(super) struct JsonTracker {
    expect: Expect,
    /// The number of open arrays and objects, at most [`JsonTracker::MAX_DEPTH`], well above the limit for a value.
    depth: usize,
    /// A bit for each open level: whether it is an object.
    objects: [u64; 4],
}

/// The state of a text after one more byte.
pub(super) enum Verdict {
    /// It can still become JSON.
    Open,
    /// It is a complete array or object.
    Done,
    /// It can no longer become JSON.
    Impossible,
}

#[derive(Debug, Clone, Copy)]
enum Expect {
    Value,
    ValueOrEnd,
    Name,
    NameOrEnd,
    Colon,
    CommaOrEnd,
    Text {
        name: bool,
    },
    Escape {
        name: bool,
    },
    Hex {
        name: bool,
        left: u8,
    },
    /// The rest of `true`, `false` or `null`.
    Rest(&'static [u8]),
    /// The states of a number are named after the part that was read last.
    Minus,
    Zero,
    Integer,
    Point,
    Fraction,
    E,
    ESign,
    Exponent,
}

impl JsonTracker {
    const MAX_DEPTH: usize = 200;

    /// A text of no bytes yet.
    pub(super) const fn new() -> Self {
        Self { expect: Expect::Value, depth: 0, objects: [0; 4] }
    }

    /// Reads the next byte; must not be called again after any verdict but [`Verdict::Open`].
    pub(super) fn feed(&mut self, byte: u8) -> Verdict {
        use Expect as E;
        self.expect = match (self.expect, byte) {
            (E::Text { name: true }, b'"') => E::Colon,
            (E::Text { name: false }, b'"') => E::CommaOrEnd,
            (E::Text { name }, b'\\') => E::Escape { name },
            (E::Text { name }, 0x20..) => E::Text { name },
            (E::Escape { name }, b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => E::Text { name },
            (E::Escape { name }, b'u') => E::Hex { name, left: 4 },
            (E::Hex { name, left }, b'0'..=b'9' | b'a'..=b'f' | b'A'..=b'F') => match left - 1 {
                0 => E::Text { name },
                left => E::Hex { name, left },
            },
            (
                E::Value | E::ValueOrEnd | E::Name | E::NameOrEnd | E::Colon | E::CommaOrEnd,
                b' ' | b'\t' | b'\n' | b'\r',
            ) => self.expect,
            (E::Value | E::ValueOrEnd, b'{') => return self.open(true),
            (E::Value | E::ValueOrEnd, b'[') => return self.open(false),
            (E::Value | E::ValueOrEnd, b'"') => E::Text { name: false },
            (E::Value | E::ValueOrEnd, b't') => E::Rest(b"rue"),
            (E::Value | E::ValueOrEnd, b'f') => E::Rest(b"alse"),
            (E::Value | E::ValueOrEnd, b'n') => E::Rest(b"ull"),
            (E::Value | E::ValueOrEnd, b'-') => E::Minus,
            (E::Value | E::ValueOrEnd | E::Minus, b'0') => E::Zero,
            (E::Value | E::ValueOrEnd | E::Minus, b'1'..=b'9') | (E::Integer, b'0'..=b'9') => E::Integer,
            (E::Name | E::NameOrEnd, b'"') => E::Text { name: true },
            (E::Colon, b':') => E::Value,
            (E::Rest([next]), _) if *next == byte => E::CommaOrEnd,
            (E::Rest([next, rest @ ..]), _) if *next == byte => E::Rest(rest),
            (E::Zero | E::Integer, b'.') => E::Point,
            (E::Point | E::Fraction, b'0'..=b'9') => E::Fraction,
            (E::Zero | E::Integer | E::Fraction, b'e' | b'E') => E::E,
            (E::E, b'+' | b'-') => E::ESign,
            (E::E | E::ESign | E::Exponent, b'0'..=b'9') => E::Exponent,
            (E::ValueOrEnd, b']') => return self.close(false),
            (E::NameOrEnd, b'}') => return self.close(true),
            (E::CommaOrEnd | E::Zero | E::Integer | E::Fraction | E::Exponent, _) => match byte {
                b']' => return self.close(false),
                b'}' => return self.close(true),
                b',' if self.in_object() => E::Name,
                b',' => E::Value,
                b' ' | b'\t' | b'\n' | b'\r' => E::CommaOrEnd,
                _ => return Verdict::Impossible,
            },
            _ => return Verdict::Impossible,
        };
        Verdict::Open
    }

    fn open(&mut self, object: bool) -> Verdict {
        if self.depth == Self::MAX_DEPTH {
            return Verdict::Impossible;
        }
        let (word, bit) = (self.depth / 64, 1 << (self.depth % 64));
        self.objects[word] = if object { self.objects[word] | bit } else { self.objects[word] & !bit };
        self.depth += 1;
        self.expect = if object { Expect::NameOrEnd } else { Expect::ValueOrEnd };
        Verdict::Open
    }

    fn close(&mut self, object: bool) -> Verdict {
        if self.in_object() != object {
            return Verdict::Impossible;
        }
        self.depth -= 1;
        self.expect = Expect::CommaOrEnd;
        if self.depth == 0 { Verdict::Done } else { Verdict::Open }
    }

    /// Whether the innermost open level is an object. There is one after any value.
    fn in_object(&self) -> bool {
        let level = self.depth - 1;
        self.objects[level / 64] >> (level % 64) & 1 == 1
    }
}
