//! A filter as a tree.

use super::pattern::TestPattern;

/// A part of a filter.
#[derive(Debug)]
pub(super) struct Expr {
    pub(super) node: Node,
    /// Whether it has exactly one output, or fails.
    pub(super) is_single: bool,
    /// How many calls its evaluation nests at most.
    pub(super) height: usize,
}

#[derive(Debug)]
pub(super) enum Node {
    /// `.`
    Identity,
    Null,
    Bool(bool),
    /// As it was written.
    Number(String),
    Text(String),
    Variable(Variable),
    /// `of[key]`; `.a` is `.["a"]`. With `?` what cannot be indexed has no output.
    Index {
        of: Box<Expr>,
        key: Box<Expr>,
        optional: bool,
    },
    /// `of[from:to]`
    Slice {
        of: Box<Expr>,
        from: Option<Box<Expr>>,
        to: Option<Box<Expr>>,
        optional: bool,
    },
    /// `of[]`
    Each {
        of: Box<Expr>,
        optional: bool,
    },
    /// `of?`
    Try(Box<Expr>),
    Negate(Box<Expr>),
    Binary(Binary, Box<Expr>, Box<Expr>),
    And(Vec<Expr>),
    Or(Vec<Expr>),
    /// `a // b`
    Alternative(Box<Expr>, Box<Expr>),
    Pipe(Vec<Expr>),
    Comma(Vec<Expr>),
    /// `[of]`
    Array(Option<Box<Expr>>),
    /// Names and values.
    Object(Vec<(Expr, Expr)>),
    /// A string with expressions in it.
    Interpolated(Vec<StringPart>),
    /// `test` with a pattern that was compiled ahead.
    Test(Box<TestPattern>),
    Call(Builtin, Vec<Expr>),
}

/// A part of a string.
#[derive(Debug)]
pub(super) enum StringPart {
    Text(String),
    Expr(Expr),
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Variable {
    Key,
    Type,
    Ttl,
    Size,
    /// The nth of those that were given.
    Given(usize),
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Binary {
    Equal,
    NotEqual,
    Less,
    LessEqual,
    Greater,
    GreaterEqual,
    Add,
    Subtract,
    Multiply,
    Divide,
    Remainder,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Builtin {
    All,
    Any,
    AsciiDowncase,
    AsciiUpcase,
    Contains,
    Endswith,
    Fromdate,
    Has,
    Inside,
    Join,
    Keys,
    Length,
    Ltrimstr,
    Not,
    Now,
    Rtrimstr,
    Select,
    Split,
    Startswith,
    Test,
    Todate,
    Tonumber,
    Tostring,
    Type,
}

impl Builtin {
    /// The function of this name, and with how few and how many arguments it is called.
    pub(super) fn named(name: &str) -> Option<(Self, usize, usize)> {
        Some(match name {
            "all" => (Self::All, 0, 2),
            "any" => (Self::Any, 0, 2),
            "ascii_downcase" => (Self::AsciiDowncase, 0, 0),
            "ascii_upcase" => (Self::AsciiUpcase, 0, 0),
            "contains" => (Self::Contains, 1, 1),
            "endswith" => (Self::Endswith, 1, 1),
            "fromdate" => (Self::Fromdate, 0, 0),
            "has" => (Self::Has, 1, 1),
            "inside" => (Self::Inside, 1, 1),
            "join" => (Self::Join, 1, 1),
            "keys" => (Self::Keys, 0, 0),
            "length" => (Self::Length, 0, 0),
            "ltrimstr" => (Self::Ltrimstr, 1, 1),
            "not" => (Self::Not, 0, 0),
            "now" => (Self::Now, 0, 0),
            "rtrimstr" => (Self::Rtrimstr, 1, 1),
            "select" => (Self::Select, 1, 1),
            "split" => (Self::Split, 1, 1),
            "startswith" => (Self::Startswith, 1, 1),
            "test" => (Self::Test, 1, 2),
            "todate" => (Self::Todate, 0, 0),
            "tonumber" => (Self::Tonumber, 0, 0),
            "tostring" => (Self::Tostring, 0, 0),
            "type" => (Self::Type, 0, 0),
            _ => return None,
        })
    }
}

impl Expr {
    /// What stands alone.
    pub(super) fn leaf(node: Node) -> Self {
        Self { node, is_single: true, height: 1 }
    }

    /// A node with those below it. What has one output is evaluated before what is above it goes on; what has several hands
    /// each on from within, so that their heights add up.
    pub(super) fn new(node: Node) -> Self {
        let mut below = 0;
        let mut nested = 0;
        let mut all_single = true;
        node.for_each_child(&mut |child| {
            below = below.max(child.height);
            nested += child.height;
            all_single &= child.is_single;
        });
        let is_single = match &node {
            Node::Each { .. } | Node::Try(_) | Node::Comma(_) | Node::Call(Builtin::Select, _) => false,
            Node::Index { optional, .. } | Node::Slice { optional, .. } => all_single && !optional,
            // Whatever is in it, one comes out.
            Node::Array(_) | Node::Call(Builtin::Any | Builtin::All, _) => true,
            _ => all_single,
        };
        let is_chain = matches!(node, Node::Comma(_)) || (is_single && all_single);
        let parts = match &node {
            Node::Object(members) => members.len(),
            Node::Interpolated(parts) => parts.len(),
            _ => 0,
        };
        let height = 1 + if is_chain { below } else { nested + parts };
        Self { node, is_single, height }
    }
}

impl Node {
    fn for_each_child(&self, visit: &mut dyn FnMut(&Expr)) {
        match self {
            Self::Identity | Self::Null | Self::Bool(_) | Self::Number(_) | Self::Text(_) | Self::Variable(_) => {}
            Self::Test(_) | Self::Array(None) => {}
            Self::Index { of, key, .. } => [of, key].into_iter().for_each(|child| visit(child)),
            Self::Slice { of, from, to, .. } => {
                visit(of);
                from.iter().chain(to).for_each(|child| visit(child));
            }
            Self::Each { of, .. } | Self::Try(of) | Self::Negate(of) | Self::Array(Some(of)) => visit(of),
            Self::Binary(_, left, right) | Self::Alternative(left, right) => {
                visit(left);
                visit(right);
            }
            Self::And(parts) | Self::Or(parts) | Self::Pipe(parts) | Self::Comma(parts) | Self::Call(_, parts) => {
                parts.iter().for_each(visit);
            }
            Self::Object(members) => members.iter().for_each(|(name, value)| {
                visit(name);
                visit(value);
            }),
            Self::Interpolated(parts) => parts.iter().for_each(|part| {
                if let StringPart::Expr(expr) = part {
                    visit(expr);
                }
            }),
        }
    }
}
