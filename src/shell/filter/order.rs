//! jq's order of values: null, false, true, numbers, strings, arrays, objects.

use std::cmp::Ordering;

use super::budget::Budget;
use super::problem::Stop;
use super::term::{Term, TermArray, TermObject};

pub(super) fn compare(a: &Term<'_>, b: &Term<'_>, budget: &Budget) -> Result<Ordering, Stop> {
    budget.work(1)?;
    match (a, b) {
        (Term::Number(a), Term::Number(b)) => Ok(a.compare(b)),
        (Term::Text(a), Term::Text(b)) => {
            let (a, b) = (a.get(), b.get());
            budget.work(a.len().min(b.len()) / 64)?;
            Ok(a.as_bytes().cmp(b.as_bytes()))
        }
        (Term::Array(a), Term::Array(b)) => arrays(a, b, budget),
        (Term::Object(a), Term::Object(b)) => objects(a, b, budget),
        _ => Ok(rank(a).cmp(&rank(b))),
    }
}

/// The same as the other one being equal, found out sooner.
pub(super) fn equal(a: &Term<'_>, b: &Term<'_>, budget: &Budget) -> Result<bool, Stop> {
    match (a, b) {
        (Term::Text(a), Term::Text(b)) => {
            budget.work(1 + a.length().min(b.length()) / 64)?;
            Ok(a.equals(b))
        }
        (Term::Array(TermArray::Raw(a)), Term::Array(TermArray::Raw(b)))
        | (Term::Object(TermObject::Raw(a)), Term::Object(TermObject::Raw(b)))
            if a == b =>
        {
            budget.work(a.len() / 64)?;
            Ok(true)
        }
        _ => compare(a, b, budget).map(Ordering::is_eq),
    }
}

fn rank(term: &Term<'_>) -> u8 {
    match term {
        Term::Null => 0,
        Term::Bool(false) => 1,
        Term::Bool(true) => 2,
        Term::Number(_) => 3,
        Term::Text(_) => 4,
        Term::Array(_) => 5,
        Term::Object(_) => 6,
    }
}

/// Item by item; what ends first comes first.
fn arrays(a: &TermArray<'_>, b: &TermArray<'_>, budget: &Budget) -> Result<Ordering, Stop> {
    let (mut a, mut b) = (a.items(), b.items());
    loop {
        match (a.next(), b.next()) {
            (Some(a), Some(b)) => {
                let order = compare(&a, &b, budget)?;
                if order.is_ne() {
                    return Ok(order);
                }
            }
            (a, b) => return Ok(a.is_some().cmp(&b.is_some())),
        }
    }
}

/// First by their sets of names, then value by value in the order of the names.
fn objects(a: &TermObject<'_>, b: &TermObject<'_>, budget: &Budget) -> Result<Ordering, Stop> {
    let (a, b) = (a.sorted(budget)?, b.sorted(budget)?);
    for ((x, _), (y, _)) in a.iter().zip(&b) {
        let order = x.compare(y);
        if order.is_ne() {
            return Ok(order);
        }
    }
    if a.len() != b.len() {
        return Ok(a.len().cmp(&b.len()));
    }
    for ((_, x), (_, y)) in a.iter().zip(&b) {
        let order = compare(x, y, budget)?;
        if order.is_ne() {
            return Ok(order);
        }
    }
    Ok(Ordering::Equal)
}
