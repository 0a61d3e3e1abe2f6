//! `+ - * / %` on all that jq adds, subtracts, multiplies and divides.

use std::collections::HashMap;

use super::ast::Binary;
use super::budget::Budget;
use super::order::{compare, equal};
use super::problem::{Failed, Stop};
use super::shown::shown;
use super::term::{Term, TermObject, TermResult, Text};

pub(super) fn binary<'a>(operator: Binary, a: &Term<'a>, b: &Term<'a>, budget: &Budget) -> TermResult<'a> {
    let is = |wanted: &dyn Fn(std::cmp::Ordering) -> bool| compare(a, b, budget).map(|order| Term::Bool(wanted(order)));
    match operator {
        Binary::Equal => equal(a, b, budget).map(Term::Bool),
        Binary::NotEqual => equal(a, b, budget).map(|is| Term::Bool(!is)),
        Binary::Less => is(&std::cmp::Ordering::is_lt),
        Binary::LessEqual => is(&std::cmp::Ordering::is_le),
        Binary::Greater => is(&std::cmp::Ordering::is_gt),
        Binary::GreaterEqual => is(&std::cmp::Ordering::is_ge),
        Binary::Add => add(a, b, budget),
        Binary::Subtract => subtract(a, b, budget),
        Binary::Multiply => multiply(a, b, budget),
        Binary::Divide => divide(a, b, budget),
        Binary::Remainder => remainder(a, b),
    }
}

pub(super) fn negate<'a>(term: &Term<'a>) -> TermResult<'a> {
    match term {
        Term::Number(number) => Ok(Term::float(-number.to_f64())),
        _ => Err(Failed::new(format!("cannot negate {}", shown(term))).into()),
    }
}

pub(super) fn add<'a>(a: &Term<'a>, b: &Term<'a>, budget: &Budget) -> TermResult<'a> {
    match (a, b) {
        (Term::Null, other) | (other, Term::Null) => Ok(other.clone()),
        (Term::Number(a), Term::Number(b)) => Ok(Term::float(a.to_f64() + b.to_f64())),
        (Term::Text(a), Term::Text(b)) => {
            let (a, b) = (a.get(), b.get());
            budget.memory(2 * (a.len() + b.len()))?;
            Ok(Term::text([a, b].concat()))
        }
        (Term::Array(a), Term::Array(b)) => {
            reserve(a.count() + b.count(), budget)?;
            Ok(Term::array(a.items().chain(b.items()).collect()))
        }
        (Term::Object(a), Term::Object(b)) => merge(a, b, false, budget),
        _ => Err(refused("add", a, b)),
    }
}

fn subtract<'a>(a: &Term<'a>, b: &Term<'a>, budget: &Budget) -> TermResult<'a> {
    match (a, b) {
        (Term::Number(a), Term::Number(b)) => Ok(Term::float(a.to_f64() - b.to_f64())),
        (Term::Array(a), Term::Array(b)) => {
            reserve(a.count(), budget)?;
            let mut kept = Vec::new();
            for item in a.items() {
                let mut is_there = false;
                for other in b.items() {
                    if equal(&item, &other, budget)? {
                        is_there = true;
                        break;
                    }
                }
                if !is_there {
                    kept.push(item);
                }
            }
            Ok(Term::array(kept))
        }
        _ => Err(refused("subtract", a, b)),
    }
}

fn multiply<'a>(a: &Term<'a>, b: &Term<'a>, budget: &Budget) -> TermResult<'a> {
    match (a, b) {
        (Term::Number(a), Term::Number(b)) => Ok(Term::float(a.to_f64() * b.to_f64())),
        (Term::Text(text), Term::Number(times)) | (Term::Number(times), Term::Text(text)) => {
            let times = times.to_f64();
            if times.is_nan() || times <= 0.0 {
                return Ok(Term::Null);
            }
            let text = text.get();
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "it is cut to what fits")]
            let times = (times as usize).max(1);
            budget.memory(text.len().saturating_mul(times).saturating_mul(2))?;
            Ok(Term::text(text.repeat(if text.is_empty() { 0 } else { times })))
        }
        (Term::Object(a), Term::Object(b)) => merge(a, b, true, budget),
        _ => Err(refused("multiply", a, b)),
    }
}

fn divide<'a>(a: &Term<'a>, b: &Term<'a>, budget: &Budget) -> TermResult<'a> {
    match (a, b) {
        (Term::Number(_), Term::Number(divisor)) if divisor.to_f64() == 0.0 => Err(refused("divide by zero:", a, b)),
        (Term::Number(a), Term::Number(b)) => Ok(Term::float(a.to_f64() / b.to_f64())),
        (Term::Text(text), Term::Text(separator)) => split(text, separator, budget),
        _ => Err(refused("divide", a, b)),
    }
}

/// Of integers; what they have behind the point is left out.
fn remainder<'a>(a: &Term<'a>, b: &Term<'a>) -> TermResult<'a> {
    let (Term::Number(x), Term::Number(y)) = (a, b) else { return Err(refused("take the remainder of", a, b)) };
    let (x, y) = (x.to_f64(), y.to_f64());
    if x.is_nan() || y.is_nan() {
        return Ok(Term::float(f64::NAN));
    }
    #[expect(clippy::cast_possible_truncation, reason = "it is cut to what fits")]
    let (x, y) = (x as i64, y as i64);
    if y == 0 {
        return Err(refused("divide by zero:", a, b));
    }
    #[expect(clippy::cast_precision_loss, reason = "jq rounds too")]
    Ok(Term::float(x.wrapping_rem(y) as f64))
}

/// The pieces of a text between the separators; all its characters if that is empty.
pub(super) fn split<'a>(text: &Text<'a>, separator: &Text<'a>, budget: &Budget) -> TermResult<'a> {
    let (text, separator) = (text.get(), separator.get());
    let pieces: Box<dyn Iterator<Item = &str>> = match (&*text, &*separator) {
        ("", _) => Box::new(std::iter::empty()),
        (text, "") => Box::new(text.char_indices().map(|(at, c)| &text[at..at + c.len_utf8()])),
        (text, separator) => Box::new(text.split(separator)),
    };
    let mut made = Vec::new();
    for piece in pieces {
        budget.work(1)?;
        made.push(Term::text(piece).made(budget)?);
        budget.memory(2 * size_of::<Term<'_>>())?;
    }
    Ok(Term::array(made))
}

/// The members of both; the second one wins, or if `deep` is merged into the first where both are objects.
fn merge<'a>(a: &TermObject<'a>, b: &TermObject<'a>, deep: bool, budget: &Budget) -> TermResult<'a> {
    reserve(4 * (a.count() + b.count()), budget)?;
    let mut members: Vec<(Text<'a>, Term<'a>)> = a.members().collect();
    let mut places: HashMap<String, usize> = HashMap::new();
    for (at, (name, _)) in members.iter().enumerate() {
        let name = name.get().into_owned();
        budget.memory(name.len())?;
        places.insert(name, at);
    }
    for (name, value) in b.members() {
        match places.get(&*name.get()) {
            Some(&at) => {
                let value = match (&members[at].1, &value) {
                    (Term::Object(a), Term::Object(b)) if deep => merge(a, b, true, budget)?,
                    _ => value,
                };
                members[at].1 = value;
            }
            None => members.push((name, value)),
        }
    }
    Ok(Term::Object(TermObject::Made(members.into())))
}

/// Room for items, and the time that it takes to fill it.
fn reserve(items: usize, budget: &Budget) -> Result<(), Stop> {
    budget.work(items)?;
    budget.memory(items * 2 * size_of::<Term<'_>>())
}

fn refused(what: &str, a: &Term<'_>, b: &Term<'_>) -> Stop {
    Failed::new(format!("cannot {what} {} and {}", shown(a), shown(b))).into()
}
