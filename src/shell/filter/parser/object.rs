//! Construction of objects: `{a, "b": 1, (.k): .v}`.

use super::{FilterParser, Level, Operator, ParseResult, text};
use crate::shell::filter::ast::{Expr, Node};
use crate::shell::filter::lexer::FilterToken;
use crate::shell::filter::problem::FilterProblem;

impl FilterParser<'_> {
    pub(super) fn object(&mut self) -> ParseResult {
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
