//! Parses a filter by jq's grammar.
//!
//! It is hand-written: jq's grammar is small, and the maintained crates accept more than jq does (`1 == 1 == 1`) and
//! drop what a filter needs, such as the extent of a `?`.

use std::ops::Range;

use super::ast::{Binary, Builtin, Expr, Node, StringPart, Variable};
use super::lexer::{FilterToken, Lexer, Piece};
use super::pattern::{RegexMismatch, TestPattern};
use super::problem::FilterProblem;

/// The maximum depth of nested calls of the parser: one or more for each pair of brackets.
const MAX_NESTING: usize = 200;

/// The maximum depth of an evaluation, so that no filter overflows the stack.
const MAX_HEIGHT: usize = 250;

/// Words of jq that filters do not support.
const WORDS: [&str; 20] = [
    "def", "reduce", "foreach", "if", "then", "elif", "else", "end", "try", "catch", "label", "import", "include",
    "as", "__loc__", "and", "or", "break", "input", "env",
];

/// How tightly an operator binds, loosest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Level {
    Pipe,
    Comma,
    Alternative,
    Or,
    And,
    Compare,
    Sum,
    Product,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Operator {
    Pipe,
    Comma,
    Alternative,
    Or,
    And,
    Binary(Binary),
}

type ParseResult = Result<Expr, FilterProblem>;

pub(super) struct FilterParser<'t> {
    lexer: Lexer<'t>,
    next: FilterToken<'t>,
    span: Range<usize>,
    /// The names of the variables that were given.
    given: &'t [String],
    nesting: usize,
}

impl<'t> FilterParser<'t> {
    /// Parses a whole filter.
    pub(super) fn parse(text: &'t str, given: &'t [String]) -> ParseResult {
        let mut lexer = Lexer::new(text);
        let (next, span) = lexer.next()?;
        let mut parser = Self { lexer, next, span, given, nesting: 0 };
        let expr = parser.binary(Level::Pipe)?;
        if parser.next != FilterToken::End {
            return Err(parser.unexpected("an operator or the end of the filter"));
        }
        Ok(expr)
    }

    fn advance(&mut self) -> Result<(), FilterProblem> {
        (self.next, self.span) = self.lexer.next()?;
        Ok(())
    }

    fn is(&self, sign: &str) -> bool {
        matches!(self.next, FilterToken::Sign(next) if next == sign)
    }

    fn take(&mut self, sign: &str) -> Result<bool, FilterProblem> {
        let is = self.is(sign);
        if is {
            self.advance()?;
        }
        Ok(is)
    }

    fn expect(&mut self, sign: &str) -> Result<(), FilterProblem> {
        if self.take(sign)? { Ok(()) } else { Err(self.unexpected(&format!("'{sign}'"))) }
    }

    /// Fails because the next token is not allowed here.
    fn unexpected(&self, wanted: &str) -> FilterProblem {
        let found = match self.next {
            FilterToken::Name(name) if WORDS.contains(&name) && !matches!(name, "and" | "or") => {
                return FilterProblem::not_part(self.span.clone(), name);
            }
            FilterToken::Sign(sign @ ("=" | "|=" | "+=" | "-=" | "*=" | "/=" | "%=" | "//=" | "?//" | "..")) => {
                return FilterProblem::not_part(self.span.clone(), sign);
            }
            FilterToken::Format(name) => return FilterProblem::not_part(self.span.clone(), &format!("@{name}")),
            FilterToken::End => "the end of the filter".to_owned(),
            FilterToken::Field(name) => format!("'.{name}'"),
            FilterToken::Name(name) | FilterToken::Number(name) => format!("'{name}'"),
            FilterToken::Variable(name) => format!("'${name}'"),
            FilterToken::Quote => "a string".to_owned(),
            FilterToken::Sign(sign) => format!("'{sign}'"),
        };
        FilterProblem::syntax(self.span.clone(), format!("expected {wanted}, found {found}"))
    }

    fn node(&self, node: Node, from: usize) -> ParseResult {
        let expr = Expr::new(node);
        if expr.height > MAX_HEIGHT {
            let what = format!("this filter nests deeper than {MAX_HEIGHT} levels");
            return Err(FilterProblem::syntax(from..self.span.start, what));
        }
        Ok(expr)
    }

    fn operator(&self) -> Option<(Operator, Level)> {
        let binary = |binary, level| Some((Operator::Binary(binary), level));
        match self.next {
            FilterToken::Name("or") => Some((Operator::Or, Level::Or)),
            FilterToken::Name("and") => Some((Operator::And, Level::And)),
            FilterToken::Sign(sign) => match sign {
                "|" => Some((Operator::Pipe, Level::Pipe)),
                "," => Some((Operator::Comma, Level::Comma)),
                "//" => Some((Operator::Alternative, Level::Alternative)),
                "==" => binary(Binary::Equal, Level::Compare),
                "!=" => binary(Binary::NotEqual, Level::Compare),
                "<" => binary(Binary::Less, Level::Compare),
                "<=" => binary(Binary::LessEqual, Level::Compare),
                ">" => binary(Binary::Greater, Level::Compare),
                ">=" => binary(Binary::GreaterEqual, Level::Compare),
                "+" => binary(Binary::Add, Level::Sum),
                "-" => binary(Binary::Subtract, Level::Sum),
                "*" => binary(Binary::Multiply, Level::Product),
                "/" => binary(Binary::Divide, Level::Product),
                "%" => binary(Binary::Remainder, Level::Product),
                _ => None,
            },
            _ => None,
        }
    }

    /// Counts a call that may lead to itself again.
    fn enter(&mut self) -> Result<(), FilterProblem> {
        self.nesting += 1;
        if self.nesting <= MAX_NESTING {
            return Ok(());
        }
        Err(FilterProblem::syntax(self.span.clone(), format!("this filter nests deeper than {MAX_NESTING} levels")))
    }

    /// An expression of operators that bind at least so tightly.
    fn binary(&mut self, loosest: Level) -> ParseResult {
        self.enter()?;
        let start = self.span.start;
        let mut left = self.operand()?;
        while let Some((operator, level)) = self.operator().filter(|(_, level)| *level >= loosest) {
            self.advance()?;
            let right = match level {
                // The one that is grouped from the right.
                Level::Alternative => self.binary(level)?,
                Level::Pipe => self.binary(Level::Comma)?,
                Level::Comma => self.binary(Level::Alternative)?,
                Level::Or => self.binary(Level::And)?,
                Level::And => self.binary(Level::Compare)?,
                Level::Compare => self.binary(Level::Sum)?,
                Level::Sum => self.binary(Level::Product)?,
                Level::Product => self.operand()?,
            };
            left = self.joined(operator, left, right, start)?;
            if level == Level::Compare && self.operator().is_some_and(|(_, next)| next == level) {
                let what = "comparisons do not chain; join two of them by 'and'";
                return Err(FilterProblem::syntax(self.span.clone(), what));
            }
        }
        self.nesting -= 1;
        Ok(left)
    }

    fn joined(&self, operator: Operator, left: Expr, right: Expr, from: usize) -> ParseResult {
        // Chains of these stay flat. In `(a, b), c` the brackets say nothing; in `(a or b) or c` too.
        let node = match (operator, left) {
            (Operator::Pipe, left) => Node::Pipe(chain(left, right, |node| match node {
                Node::Pipe(parts) => Ok(parts),
                other => Err(other),
            })),
            (Operator::Comma, left) => Node::Comma(chain(left, right, |node| match node {
                Node::Comma(parts) => Ok(parts),
                other => Err(other),
            })),
            (Operator::Or, left) => Node::Or(chain(left, right, |node| match node {
                Node::Or(parts) => Ok(parts),
                other => Err(other),
            })),
            (Operator::And, left) => Node::And(chain(left, right, |node| match node {
                Node::And(parts) => Ok(parts),
                other => Err(other),
            })),
            (Operator::Alternative, left) => Node::Alternative(left.into(), right.into()),
            (Operator::Binary(binary), left) => Node::Binary(binary, left.into(), right.into()),
        };
        self.node(node, from)
    }

    /// A term, with a sign before it and question marks after it.
    fn operand(&mut self) -> ParseResult {
        let start = self.span.start;
        if self.is("-") {
            self.advance()?;
            let of = self.binary(Level::Product)?;
            // A number with its sign is as exact as one without.
            if let Node::Number(digits) = &of.node
                && !digits.starts_with('-')
            {
                return Ok(Expr::leaf(Node::Number(format!("-{digits}"))));
            }
            return self.node(Node::Negate(of.into()), start);
        }
        let mut expr = self.term()?;
        while self.take("?")? {
            expr = self.node(Node::Try(expr.into()), start)?;
        }
        Ok(expr)
    }

    /// A primary expression and the path that follows it.
    fn term(&mut self) -> ParseResult {
        let start = self.span.start;
        let mut expr = self.primary()?;
        loop {
            let name = match self.next {
                FilterToken::Field(name) => {
                    let name = text(name);
                    self.advance()?;
                    name
                }
                FilterToken::Sign(".") => {
                    self.advance()?;
                    match self.next {
                        FilterToken::Quote => self.string()?,
                        FilterToken::Sign("[") => continue,
                        _ => return Err(self.unexpected("a member's name after '.'")),
                    }
                }
                FilterToken::Sign("[") => {
                    self.advance()?;
                    expr = self.brackets(expr, start)?;
                    continue;
                }
                _ => return Ok(expr),
            };
            expr = self.index(expr, name, start)?;
        }
    }

    fn index(&mut self, of: Expr, key: Expr, start: usize) -> ParseResult {
        let optional = self.take("?")?;
        self.node(Node::Index { of: of.into(), key: key.into(), optional }, start)
    }

    /// Parses the contents of the brackets after a term, whose `[` was read.
    fn brackets(&mut self, of: Expr, start: usize) -> ParseResult {
        if self.take("]")? {
            let optional = self.take("?")?;
            return self.node(Node::Each { of: of.into(), optional }, start);
        }
        let from = if self.is(":") { None } else { Some(self.binary(Level::Pipe)?) };
        if !self.take(":")? {
            self.expect("]")?;
            let key = from.unwrap_or_else(|| Expr::leaf(Node::Null));
            return self.index(of, key, start);
        }
        let to = if self.is("]") && from.is_some() { None } else { Some(self.binary(Level::Pipe)?) };
        self.expect("]")?;
        let optional = self.take("?")?;
        let (from, to) = (from.map(Box::new), to.map(Box::new));
        self.node(Node::Slice { of: of.into(), from, to, optional }, start)
    }

    fn primary(&mut self) -> ParseResult {
        let start = self.span.start;
        match self.next {
            FilterToken::Field(name) => {
                self.advance()?;
                self.index(Expr::leaf(Node::Identity), text(name), start)
            }
            FilterToken::Sign(".") => {
                self.advance()?;
                if self.next == FilterToken::Quote {
                    let name = self.string()?;
                    return self.index(Expr::leaf(Node::Identity), name, start);
                }
                if let FilterToken::Name(name) | FilterToken::Number(name) = self.next {
                    let what =
                        format!("expected a member's name right after '.'; for any other name write .[\"{name}\"]");
                    return Err(FilterProblem::syntax(self.span.clone(), what));
                }
                Ok(Expr::leaf(Node::Identity))
            }
            FilterToken::Number(digits) => {
                self.advance()?;
                Ok(Expr::leaf(Node::Number(as_json(digits))))
            }
            FilterToken::Quote => self.string(),
            FilterToken::Variable(name) => self.variable(name),
            FilterToken::Name(name) => self.call(name),
            FilterToken::Sign("(") => {
                self.advance()?;
                let inner = self.binary(Level::Pipe)?;
                self.expect(")")?;
                Ok(inner)
            }
            FilterToken::Sign("[") => {
                self.advance()?;
                if self.take("]")? {
                    return Ok(Expr::leaf(Node::Array(None)));
                }
                let inner = self.binary(Level::Pipe)?;
                self.expect("]")?;
                self.node(Node::Array(Some(inner.into())), start)
            }
            FilterToken::Sign("{") => self.object(),
            _ => Err(self.unexpected("an expression")),
        }
    }

    fn variable(&mut self, name: &str) -> ParseResult {
        let given = self.given.iter().position(|given| given == name);
        let variable = match (given, name) {
            (Some(nth), _) => Variable::Given(nth),
            (None, "key") => Variable::Key,
            (None, "type") => Variable::Type,
            (None, "ttl") => Variable::Ttl,
            (None, "size") => Variable::Size,
            (None, "ENV" | "__loc__" | "__prog_args") => {
                return Err(FilterProblem::not_part(self.span.clone(), &format!("${name}")));
            }
            (None, _) => {
                let what =
                    format!("no variable '${name}'; there are $key, $type, $ttl and $size, and what --arg gives");
                return Err(FilterProblem::syntax(self.span.clone(), what));
            }
        };
        self.advance()?;
        Ok(Expr::leaf(Node::Variable(variable)))
    }

    /// A constant or a function.
    fn call(&mut self, name: &str) -> ParseResult {
        let span = self.span.clone();
        let constant = match name {
            "null" => Some(Node::Null),
            "true" => Some(Node::Bool(true)),
            "false" => Some(Node::Bool(false)),
            _ => None,
        };
        let known = Builtin::named(name);
        if constant.is_none() && known.is_none() {
            return Err(if matches!(name, "and" | "or") {
                self.unexpected("an expression")
            } else {
                FilterProblem::not_part(span, name)
            });
        }
        self.advance()?;
        let mut arguments = Vec::new();
        if self.is("(") {
            loop {
                self.advance()?;
                arguments.push(self.binary(Level::Pipe)?);
                if !self.is(";") {
                    break;
                }
            }
            self.expect(")")?;
        }
        let end = span.end;
        match (constant, known) {
            (Some(constant), _) if arguments.is_empty() => Ok(Expr::leaf(constant)),
            (_, Some((builtin, least, most))) if (least..=most).contains(&arguments.len()) => {
                self.function(builtin, arguments, span)
            }
            _ => Err(FilterProblem::not_part(span.start..end, &format!("{name}/{}", arguments.len()))),
        }
    }

    fn function(&self, builtin: Builtin, arguments: Vec<Expr>, span: Range<usize>) -> ParseResult {
        if builtin == Builtin::Test {
            let constant = |expr: Option<&Expr>| match expr.map(|expr| &expr.node) {
                Some(Node::Text(text)) => Some(Some(text.clone())),
                Some(Node::Null) | None => Some(None),
                Some(_) => None,
            };
            if let (Some(Some(regex)), Some(flags)) = (constant(arguments.first()), constant(arguments.get(1))) {
                return match TestPattern::new(&regex, flags.as_deref()) {
                    Ok(pattern) => Ok(Expr::leaf(Node::Test(pattern.into()))),
                    Err(RegexMismatch::Foreign(what)) => {
                        Err(FilterProblem::syntax(span, format!("{what} is not part of filters; pipe into jq")))
                    }
                    Err(RegexMismatch::Wrong(what)) => Err(FilterProblem::syntax(span, what)),
                };
            }
        }
        self.node(Node::Call(builtin, arguments), span.start)
    }

    /// A string, whose quote is the next token.
    fn string(&mut self) -> ParseResult {
        let start = self.span.start;
        let mut parts = Vec::new();
        loop {
            match self.lexer.piece(start)? {
                Piece::Last(rest) if parts.is_empty() => {
                    self.advance()?;
                    return Ok(Expr::leaf(Node::Text(rest)));
                }
                Piece::Last(rest) => {
                    parts.push(StringPart::Text(rest));
                    self.advance()?;
                    return self.node(Node::Interpolated(parts), start);
                }
                Piece::Before(before) => {
                    parts.push(StringPart::Text(before));
                    self.advance()?;
                    parts.push(StringPart::Expr(self.binary(Level::Pipe)?));
                    // The string continues right after this bracket, which is not followed by a token.
                    if !self.is(")") {
                        return Err(self.unexpected("')'"));
                    }
                }
            }
        }
    }

    fn object(&mut self) -> ParseResult {
        self.enter()?;
        let start = self.span.start;
        self.advance()?;
        let mut members = Vec::new();
        while !self.is("}") {
            members.push(self.member()?);
            if !self.is("}") {
                if !self.is(",") {
                    let hint = "',' or '}' (put a value with operators in parentheses)";
                    return Err(self.unexpected(hint));
                }
                self.advance()?;
                if self.is("}") {
                    return Err(self.unexpected("a member"));
                }
            }
        }
        self.advance()?;
        self.nesting -= 1;
        self.node(Node::Object(members), start)
    }

    fn member(&mut self) -> Result<(Expr, Expr), FilterProblem> {
        let start = self.span.start;
        // The value of a member without one: `{a}` is `{"a": .a}`, `{$a}` is `{"a": $a}`.
        let (name, short) = match self.next {
            FilterToken::Name(name) => {
                self.advance()?;
                (text(name), Some(self.of_input(text(name), start)?))
            }
            FilterToken::Variable(name) => {
                let value = self.variable(name)?;
                (text(name), Some(value))
            }
            FilterToken::Quote => {
                let name = self.string()?;
                // An interpolated name has no default value.
                let short = match &name.node {
                    Node::Text(name) => Some(self.of_input(text(name), start)?),
                    _ => None,
                };
                (name, short)
            }
            FilterToken::Sign("(") => {
                self.advance()?;
                let name = self.binary(Level::Pipe)?;
                self.expect(")")?;
                (name, None)
            }
            _ => return Err(self.unexpected("a member's name")),
        };
        match short {
            Some(value) if !self.is(":") => Ok((name, value)),
            _ => {
                self.expect(":")?;
                Ok((name, self.member_value()?))
            }
        }
    }

    fn of_input(&self, key: Expr, start: usize) -> ParseResult {
        let of = Expr::leaf(Node::Identity).into();
        self.node(Node::Index { of, key: key.into(), optional: false }, start)
    }

    /// A member's value: terms and pipes; other operators need parentheses.
    fn member_value(&mut self) -> ParseResult {
        let start = self.span.start;
        let mut value = if self.take("-")? {
            let of = self.term()?;
            match of.node {
                Node::Number(digits) if !digits.starts_with('-') => Expr::leaf(Node::Number(format!("-{digits}"))),
                _ => self.node(Node::Negate(of.into()), start)?,
            }
        } else {
            self.term()?
        };
        while self.take("|")? {
            let next = if self.take("-")? {
                let of = self.term()?;
                self.node(Node::Negate(of.into()), start)?
            } else {
                self.term()?
            };
            value = self.joined(Operator::Pipe, value, next, start)?;
        }
        Ok(value)
    }
}

fn text(text: &str) -> Expr {
    Expr::leaf(Node::Text(text.to_owned()))
}

/// jq's numbers may begin or end with their point and begin with zeros; JSON's may not.
pub(super) fn as_json(digits: &str) -> String {
    let (mantissa, exponent) = digits.split_at(digits.find(['e', 'E']).unwrap_or(digits.len()));
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let whole = whole.trim_start_matches('0');
    let whole = if whole.is_empty() { "0" } else { whole };
    let point = if fraction.is_empty() { "" } else { "." };
    format!("{whole}{point}{fraction}{exponent}")
}

/// The parts of a chain with one more.
fn chain(left: Expr, right: Expr, parts: impl Fn(Node) -> Result<Vec<Expr>, Node>) -> Vec<Expr> {
    let Expr { node, is_single, height } = left;
    let mut parts = parts(node).unwrap_or_else(|node| vec![Expr { node, is_single, height }]);
    parts.push(right);
    parts
}
