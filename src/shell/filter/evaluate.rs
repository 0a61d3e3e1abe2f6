//! What a filter makes of an entry. Each output is handed on as it comes; nothing is kept that nobody asked for.

use std::cell::RefCell;

use super::arithmetic::{binary, negate};
use super::ast::{Builtin, Expr, Node, StringPart, Variable};
use super::budget::Budget;
use super::builtins;
use super::paths::{each, index, slice};
use super::pattern::{RegexMismatch, TestPattern};
use super::problem::{EvalFlow, Failed, Stop};
use super::shown::shown;
use super::term::{Term, TermObject, Text};

/// Takes an output.
type Take<'t, 'a> = &'t mut dyn FnMut(Term<'a>) -> EvalFlow;

type One<'a> = Result<Term<'a>, Stop>;

/// What an entry knows of itself, and the user has given.
#[derive(Debug)]
pub(super) struct FilterVariables<'a> {
    pub(super) key: &'a str,
    pub(super) kind: &'static str,
    /// In seconds.
    pub(super) ttl: Option<f64>,
    pub(super) size: usize,
    /// Each a JSON text.
    pub(super) given: &'a [String],
    /// The time now, in seconds.
    pub(super) now: f64,
}

/// The evaluation of a filter for one entry.
#[derive(Debug)]
pub(super) struct Evaluation<'e, 'a> {
    pub(super) variables: &'e FilterVariables<'a>,
    pub(super) budget: &'e Budget,
    /// The last expression of `test` that was no constant.
    pub(super) pattern: &'e RefCell<Option<Compiled>>,
}

/// An expression with its flags, and what was made of it.
#[derive(Debug)]
pub(crate) struct Compiled {
    regex: String,
    flags: Option<String>,
    pattern: TestPattern,
}

impl<'a> Evaluation<'_, 'a> {
    /// Hands on every output.
    pub(super) fn run(&self, expr: &'a Expr, input: &Term<'a>, take: Take<'_, 'a>) -> EvalFlow {
        if expr.is_single {
            return take(self.one(expr, input)?);
        }
        self.budget.work(1)?;
        match &expr.node {
            Node::Index { of, key, optional } => self.run(key, input, &mut |key| {
                self.run(of, input, &mut |of| tried(index(&of, &key, self.budget), *optional, take))
            }),
            Node::Slice { of, from, to, optional } => self.ends(from.as_deref(), input, &mut |from| {
                self.ends(to.as_deref(), input, &mut |to| {
                    self.run(of, input, &mut |of| tried(slice(&of, &from, &to, self.budget), *optional, take))
                })
            }),
            Node::Each { of, optional } => self.run(of, input, &mut |of| {
                if *optional && !matches!(of, Term::Array(_) | Term::Object(_)) {
                    return Ok(());
                }
                self.each(&of, take)
            }),
            Node::Try(of) => self.guarded(of, input, take),
            Node::Negate(of) => self.run(of, input, &mut |of| take(negate(&of)?)),
            Node::Binary(operator, left, right) => self.run(right, input, &mut |right| {
                self.run(left, input, &mut |left| take(binary(*operator, &left, &right, self.budget)?))
            }),
            Node::And(parts) => self.decided(parts, false, input, take),
            Node::Or(parts) => self.decided(parts, true, input, take),
            Node::Alternative(left, right) => self.alternative(left, right, input, take),
            Node::Pipe(parts) => self.pipe(parts, input, take),
            Node::Comma(parts) => parts.iter().try_for_each(|part| self.run(part, input, take)),
            Node::Object(members) => self.object(members, input, &mut Vec::new(), take),
            Node::Interpolated(parts) => self.interpolated(parts, input, &mut Vec::new(), take),
            Node::Call(Builtin::Select, arguments) => self.run(&arguments[0], input, &mut |is| {
                if is.is_true() { take(input.clone()) } else { Ok(()) }
            }),
            Node::Call(builtin, arguments) => self.call(*builtin, arguments, input, take),
            // These are single, and were dealt with.
            _ => Ok(()),
        }
    }

    /// The one output of what is single.
    fn one(&self, expr: &'a Expr, input: &Term<'a>) -> One<'a> {
        self.budget.work(1)?;
        match &expr.node {
            Node::Identity => Ok(input.clone()),
            Node::Null => Ok(Term::Null),
            Node::Bool(is) => Ok(Term::Bool(*is)),
            Node::Number(digits) => Ok(Term::Number(super::number::TermNumber::Written(digits))),
            Node::Text(text) => Ok(Term::Text(Text::Plain(text))),
            Node::Variable(variable) => Ok(self.variable(*variable)),
            Node::Index { of, key, .. } => {
                let key = self.one(key, input)?;
                match &of.node {
                    // The input need not be copied.
                    Node::Identity => index(input, &key, self.budget),
                    _ => index(&self.one(of, input)?, &key, self.budget),
                }
            }
            Node::Negate(of) => negate(&self.one(of, input)?),
            Node::Binary(operator, left, right) => {
                let right = self.one(right, input)?;
                binary(*operator, &self.one(left, input)?, &right, self.budget)
            }
            Node::And(parts) => self.decide(parts, false, input),
            Node::Or(parts) => self.decide(parts, true, input),
            Node::Alternative(left, right) => match self.one(left, input)? {
                left if left.is_true() => Ok(left),
                _ => self.one(right, input),
            },
            Node::Pipe(parts) => {
                let mut input = input.clone();
                for part in parts {
                    input = self.one(part, &input)?;
                }
                Ok(input)
            }
            Node::Array(of) => self.array(of.as_deref(), input),
            Node::Test(pattern) => test(pattern, input, self.budget),
            Node::Call(Builtin::Any, arguments) => self.search(arguments, true, input),
            Node::Call(Builtin::All, arguments) => self.search(arguments, false, input),
            Node::Call(Builtin::Now, _) => Ok(Term::float(self.variables.now)),
            Node::Call(builtin, arguments) if arguments.is_empty() => builtins::plain(*builtin, input, self.budget),
            Node::Call(builtin, arguments) => self.called(*builtin, arguments, input),
            Node::Slice { of, from, to, .. } => {
                let end =
                    |end: &'a Option<Box<Expr>>| end.as_deref().map_or(Ok(Term::Null), |end| self.one(end, input));
                let (from, to) = (end(from)?, end(to)?);
                slice(&self.one(of, input)?, &from, &to, self.budget)
            }
            Node::Object(members) => {
                let mut made = Vec::with_capacity(members.len());
                for (name, value) in members {
                    let name = self.one(name, input)?;
                    let value = self.one(value, input)?;
                    made.push((member_name(&name)?, value));
                }
                self.made_object(&made)
            }
            Node::Interpolated(parts) => {
                let mut text = String::new();
                for part in parts {
                    match part {
                        StringPart::Text(part) => text.push_str(part),
                        StringPart::Expr(expr) => self.push_text(&self.one(expr, input)?, &mut text)?,
                    }
                }
                Term::text(text).made(self.budget)
            }
            // These are never single.
            Node::Each { .. } | Node::Try(_) | Node::Comma(_) => Ok(Term::Null),
        }
    }

    fn called(&self, builtin: Builtin, arguments: &'a [Expr], input: &Term<'a>) -> One<'a> {
        match (builtin, arguments) {
            (Builtin::Test, [regex]) => self.test_with(input, &self.one(regex, input)?),
            (Builtin::Test, [regex, flags]) => {
                let flags = self.one(flags, input)?;
                self.test(input, &self.one(regex, input)?, &flags)
            }
            (_, [argument]) => builtins::with(builtin, input, &self.one(argument, input)?, self.budget),
            _ => builtins::plain(builtin, input, self.budget),
        }
    }

    fn variable(&self, variable: Variable) -> Term<'a> {
        let variables = self.variables;
        match variable {
            Variable::Key => Term::Text(Text::Plain(variables.key)),
            Variable::Type => Term::Text(Text::Plain(variables.kind)),
            Variable::Ttl => variables.ttl.map_or(Term::Null, Term::float),
            Variable::Size => Term::count(variables.size),
            Variable::Given(nth) => variables.given.get(nth).map_or(Term::Null, |text| Term::of(text)),
        }
    }

    fn each(&self, of: &Term<'a>, take: Take<'_, 'a>) -> EvalFlow {
        each(of, |item| {
            self.budget.work(1)?;
            take(item)
        })
    }

    fn ends(&self, end: Option<&'a Expr>, input: &Term<'a>, take: Take<'_, 'a>) -> EvalFlow {
        match end {
            None => take(Term::Null),
            Some(end) => self.run(end, input, take),
        }
    }

    /// The outputs up to a failure, which ends them quietly. What fails behind it is not its own failure.
    fn guarded(&self, of: &'a Expr, input: &Term<'a>, take: Take<'_, 'a>) -> EvalFlow {
        let mut behind = Ok(());
        let ended = self.run(of, input, &mut |output| {
            behind = take(output);
            if behind.is_ok() { Ok(()) } else { Err(Stop::Enough) }
        });
        match (behind, ended) {
            (Err(stop), _) => Err(stop),
            (Ok(()), Err(Stop::Failed(_))) => Ok(()),
            (Ok(()), ended) => ended,
        }
    }

    /// A failure on the left is one, as in jq.
    fn alternative(&self, left: &'a Expr, right: &'a Expr, input: &Term<'a>, take: Take<'_, 'a>) -> EvalFlow {
        let mut found = false;
        self.run(left, input, &mut |output| {
            if !output.is_true() {
                return Ok(());
            }
            found = true;
            take(output)
        })?;
        if found { Ok(()) } else { self.run(right, input, take) }
    }

    fn pipe(&self, parts: &'a [Expr], input: &Term<'a>, take: Take<'_, 'a>) -> EvalFlow {
        match parts {
            [] => take(input.clone()),
            [last] => self.run(last, input, take),
            [first, rest @ ..] => self.run(first, input, &mut |output| self.pipe(rest, &output, take)),
        }
    }

    /// `and` (decided by what is false) and `or` (decided by what is true).
    fn decided(&self, parts: &'a [Expr], by: bool, input: &Term<'a>, take: Take<'_, 'a>) -> EvalFlow {
        let Some((first, rest)) = parts.split_first() else { return take(Term::Bool(!by)) };
        self.run(first, input, &mut |output| {
            if output.is_true() == by { take(Term::Bool(by)) } else { self.decided(rest, by, input, take) }
        })
    }

    fn decide(&self, parts: &'a [Expr], by: bool, input: &Term<'a>) -> One<'a> {
        for part in parts {
            if self.one(part, input)?.is_true() == by {
                return Ok(Term::Bool(by));
            }
        }
        Ok(Term::Bool(!by))
    }

    fn array(&self, of: Option<&'a Expr>, input: &Term<'a>) -> One<'a> {
        let mut items = Vec::new();
        if let Some(of) = of {
            self.run(of, input, &mut |item| {
                self.budget.memory(3 * size_of::<Term<'_>>())?;
                items.push(item);
                Ok(())
            })?;
        }
        Ok(Term::array(items))
    }

    /// Every combination of names and values, the first member's outermost.
    fn object(
        &self,
        members: &'a [(Expr, Expr)],
        input: &Term<'a>,
        made: &mut Vec<(Text<'a>, Term<'a>)>,
        take: Take<'_, 'a>,
    ) -> EvalFlow {
        let Some(((name, value), rest)) = members.split_first() else { return take(self.made_object(made)?) };
        self.run(name, input, &mut |name| {
            self.run(value, input, &mut |value| {
                made.push((member_name(&name)?, value));
                let flow = self.object(rest, input, made, take);
                made.pop();
                flow
            })
        })
    }

    /// Of members, the last one of a name in the place of the first.
    fn made_object(&self, made: &[(Text<'a>, Term<'a>)]) -> One<'a> {
        self.budget.memory(made.len() * 3 * size_of::<Term<'_>>())?;
        let mut object: Vec<(Text<'a>, Term<'a>)> = Vec::with_capacity(made.len());
        for (name, value) in made {
            self.budget.work(1 + object.len() / 8)?;
            match object.iter_mut().find(|(there, _)| there.equals(name)) {
                Some((_, there)) => *there = value.clone(),
                None => object.push((name.clone(), value.clone())),
            }
        }
        Ok(Term::Object(TermObject::Made(object.into())))
    }

    /// Every combination of the expressions in a string, the last one's outermost. `behind` is what follows, the nearest
    /// last.
    fn interpolated(
        &self,
        parts: &'a [StringPart],
        input: &Term<'a>,
        behind: &mut Vec<String>,
        take: Take<'_, 'a>,
    ) -> EvalFlow {
        match parts.split_last() {
            None => {
                let text: String = behind.iter().rev().map(String::as_str).collect();
                self.budget.memory(2 * text.len())?;
                take(Term::text(text))
            }
            Some((StringPart::Text(text), rest)) => {
                behind.push(text.clone());
                let flow = self.interpolated(rest, input, behind, take);
                behind.pop();
                flow
            }
            Some((StringPart::Expr(expr), rest)) => self.run(expr, input, &mut |output| {
                let mut text = String::new();
                self.push_text(&output, &mut text)?;
                behind.push(text);
                let flow = self.interpolated(rest, input, behind, take);
                behind.pop();
                flow
            }),
        }
    }

    /// Appends a string as it is, anything else as its JSON.
    fn push_text(&self, term: &Term<'a>, out: &mut String) -> EvalFlow {
        let before = out.len();
        match term {
            Term::Text(text) => out.push_str(&text.get()),
            term => term.write(out),
        }
        self.budget.memory(2 * (out.len() - before))
    }

    /// `any` (looks for what is true) and `all` (for what is false), of the items or of a generator.
    fn search(&self, arguments: &'a [Expr], wanted: bool, input: &Term<'a>) -> One<'a> {
        let mut found = false;
        let mut look = |output: Term<'a>| {
            if output.is_true() == wanted {
                found = true;
                return Err(Stop::Enough);
            }
            Ok(())
        };
        let ended = match arguments {
            [] => self.each(input, &mut look),
            [condition] => self.each(input, &mut |item| self.run(condition, &item, &mut look)),
            [generator, condition, ..] => self.run(generator, input, &mut |item| self.run(condition, &item, &mut look)),
        };
        match ended {
            Err(Stop::Enough) if found => Ok(Term::Bool(wanted)),
            Err(stop) => Err(stop),
            Ok(()) => Ok(Term::Bool(!wanted)),
        }
    }

    fn call(&self, builtin: Builtin, arguments: &'a [Expr], input: &Term<'a>, take: Take<'_, 'a>) -> EvalFlow {
        match (builtin, arguments) {
            (Builtin::Test, [regex]) => self.run(regex, input, &mut |regex| take(self.test_with(input, &regex)?)),
            (Builtin::Test, [regex, flags]) => self.run(flags, input, &mut |flags| {
                self.run(regex, input, &mut |regex| take(self.test(input, &regex, &flags)?))
            }),
            (_, [argument]) => {
                self.run(argument, input, &mut |argument| take(builtins::with(builtin, input, &argument, self.budget)?))
            }
            _ => take(builtins::plain(builtin, input, self.budget)?),
        }
    }

    /// An expression alone, or with its flags in an array.
    fn test_with(&self, input: &Term<'a>, regex: &Term<'a>) -> One<'a> {
        let Term::Array(array) = regex else { return self.test(input, regex, &Term::Null) };
        let mut items = array.items();
        let regex = items.next().unwrap_or(Term::Null);
        self.test(input, &regex, &items.next().unwrap_or(Term::Null))
    }

    fn test(&self, input: &Term<'a>, regex: &Term<'a>, flags: &Term<'a>) -> One<'a> {
        let wrong = |term: &Term<'_>| Stop::from(Failed::new(format!("{} is no string for test", shown(term))));
        let Term::Text(regex) = regex else { return Err(wrong(regex)) };
        let flags = match flags {
            Term::Null => None,
            Term::Text(flags) => Some(flags.get().into_owned()),
            other => return Err(wrong(other)),
        };
        let regex = regex.get();
        let mut last = self.pattern.borrow_mut();
        let is_same = last.as_ref().is_some_and(|last| last.regex == *regex && last.flags == flags);
        if !is_same {
            // To compile one costs more than most that a filter does.
            self.budget.work(20_000 + regex.len() * 100)?;
            let pattern = TestPattern::new(&regex, flags.as_deref()).map_err(|unfit| match unfit {
                RegexMismatch::Foreign(what) => Failed::new(format!("{what} is not part of filters; pipe into jq")),
                RegexMismatch::Wrong(what) => Failed::new(what),
            })?;
            *last = Some(Compiled { regex: regex.into_owned(), flags, pattern });
        }
        last.as_ref().map_or(Ok(Term::Null), |last| test(&last.pattern, input, self.budget))
    }
}

fn member_name<'a>(name: &Term<'a>) -> Result<Text<'a>, Stop> {
    match name {
        Term::Text(name) => Ok(name.clone()),
        other => Err(Failed::new(format!("{} is no member's name; a string is", shown(other))).into()),
    }
}

fn test<'a>(pattern: &TestPattern, input: &Term<'a>, budget: &Budget) -> One<'a> {
    let Term::Text(text) = input else {
        return Err(
            Failed::new(format!("{} cannot be tested against an expression; a string can", shown(input))).into()
        );
    };
    budget.work(text.length() / 16)?;
    Ok(Term::Bool(pattern.is_match(&text.get())))
}

fn tried<'a>(found: One<'a>, optional: bool, take: Take<'_, 'a>) -> EvalFlow {
    match found {
        Err(Stop::Failed(_)) if optional => Ok(()),
        found => take(found?),
    }
}
