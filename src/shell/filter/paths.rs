//! `.a`, `.[0]`, `.[1:3]`: parts of a value.

use super::budget::Budget;
use super::order::equal;
use super::problem::{Failed, Stop};
use super::shown::{article, excerpt, shown};
use super::term::{Term, TermArray, TermObject, TermResult, Text};

/// The value of a key; null if it is missing.
pub(super) fn index<'a>(of: &Term<'a>, key: &Term<'a>, budget: &Budget) -> TermResult<'a> {
    match (of, key) {
        (Term::Object(object), Term::Text(name)) => {
            let (found, passed) = match name {
                Text::Plain(name) => object.get(name),
                name => object.get(&name.get()),
            };
            budget.work(1 + passed / 16)?;
            Ok(found.unwrap_or(Term::Null))
        }
        (Term::Array(array), Term::Number(at)) => item(array, at.to_f64(), budget),
        (Term::Null, Term::Text(_) | Term::Number(_) | Term::Object(_)) => Ok(Term::Null),
        (Term::Array(_) | Term::Text(_), Term::Object(ends)) => {
            // Both must be there, null or not.
            let end = |name: &str| ends.get(name).0.unwrap_or(Term::Bool(false));
            slice(of, &end("start"), &end("end"), budget)
        }
        (Term::Array(array), Term::Array(wanted)) => positions(array, wanted, budget),
        _ => {
            let what = match key {
                Term::Text(name) => format!("'{}'", excerpt(&name.get())),
                Term::Number(_) => "a number".to_owned(),
                key => format!("{} {}", article(key.kind()), key.kind()),
            };
            Err(Failed::new(format!("cannot index {} with {what}", shown(of))).into())
        }
    }
}

/// An item, counted from the end if negative.
fn item<'a>(array: &TermArray<'a>, at: f64, budget: &Budget) -> TermResult<'a> {
    if at.is_nan() {
        return Ok(Term::Null);
    }
    #[expect(clippy::cast_possible_truncation, reason = "it is cut to what fits; parts are left out")]
    let at = at as i64;
    let from_end = usize::try_from(at.unsigned_abs()).unwrap_or(usize::MAX);
    let length = if at < 0 { array.count() } else { 0 };
    let at = if at < 0 { length.checked_sub(from_end) } else { Some(from_end) };
    budget.work(1 + length / 4)?;
    let Some(at) = at else { return Ok(Term::Null) };
    match array {
        TermArray::Made(items) => Ok(items.get(at).cloned().unwrap_or(Term::Null)),
        TermArray::Raw(text) => {
            let mut items = array.items();
            let found = items.nth(at);
            budget.work(text.len().min(at.saturating_mul(8)) / 8)?;
            Ok(found.unwrap_or(Term::Null))
        }
    }
}

/// Where an array is found in another.
fn positions<'a>(array: &TermArray<'a>, wanted: &TermArray<'a>, budget: &Budget) -> TermResult<'a> {
    let count = array.count();
    budget.work(count)?;
    budget.memory(2 * count * size_of::<Term<'_>>())?;
    let items: Vec<_> = array.items().collect();
    let wanted: Vec<_> = wanted.items().collect();
    let mut found = Vec::new();
    if wanted.is_empty() {
        return Ok(Term::array(found));
    }
    for (at, window) in items.windows(wanted.len()).enumerate() {
        let mut is_here = true;
        for (item, wanted) in window.iter().zip(&wanted) {
            is_here = is_here && equal(item, wanted, budget)?;
        }
        if is_here {
            found.push(Term::count(at));
        }
    }
    Ok(Term::array(found))
}

/// A part of an array, or of a string's characters; of null, null.
pub(super) fn slice<'a>(of: &Term<'a>, from: &Term<'a>, to: &Term<'a>, budget: &Budget) -> TermResult<'a> {
    let length = match of {
        Term::Null => return Ok(Term::Null),
        Term::Array(array) => array.count(),
        Term::Text(text) => text.get().chars().count(),
        _ => return Err(Failed::new(format!("cannot take a slice of {}", shown(of))).into()),
    };
    budget.work(1 + length / 4)?;
    let (Some(from), Some(to)) = (end(from, 0.0), end(to, f64::INFINITY)) else {
        return Err(Failed::new("the ends of a slice are numbers or null").into());
    };
    let (from, to) = bounds(from, to, length);
    match of {
        Term::Array(array) => {
            budget.memory((to - from) * 2 * size_of::<Term<'_>>())?;
            Ok(Term::array(array.items().skip(from).take(to - from).collect()))
        }
        Term::Text(text) => {
            let text: String = text.get().chars().skip(from).take(to - from).collect();
            Term::text(text).made(budget)
        }
        _ => Ok(Term::Null),
    }
}

fn end(term: &Term<'_>, missing: f64) -> Option<f64> {
    match term {
        Term::Null => Some(missing),
        Term::Number(number) => Some(number.to_f64()),
        _ => None,
    }
}

/// The first item of a slice and the one after its last: rounded outwards, and never beyond the ends.
#[expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "they are cut to the length"
)]
fn bounds(from: f64, to: f64, length: usize) -> (usize, usize) {
    let most = length as f64;
    let inside = |end: f64| {
        let end = if end < 0.0 { end + most } else { end };
        if end > 0.0 { end.min(most) } else { 0.0 }
    };
    let from = inside(from);
    let to = inside(to).max(from);
    (from as usize, (to.ceil() as usize).min(length))
}

/// The members' names in the order of their bytes, or the numbers of the items.
pub(super) fn keys<'a>(of: &Term<'a>, budget: &Budget) -> TermResult<'a> {
    match of {
        Term::Object(object) => {
            let members = object.sorted(budget)?;
            Ok(Term::array(members.into_iter().map(|(name, _)| Term::Text(name)).collect()))
        }
        Term::Array(array) => {
            let count = array.count();
            budget.memory(count * 2 * size_of::<Term<'_>>())?;
            Ok(Term::array((0..count).map(Term::count).collect()))
        }
        _ => Err(Failed::new(format!("{} has no keys", shown(of))).into()),
    }
}

/// Whether a member or an item exists.
pub(super) fn has<'a>(of: &Term<'a>, key: &Term<'a>, budget: &Budget) -> TermResult<'a> {
    match (of, key) {
        (Term::Object(object), Term::Text(name)) => {
            let (found, passed) = object.get(&name.get());
            budget.work(passed / 16)?;
            Ok(Term::Bool(found.is_some()))
        }
        (Term::Array(array), Term::Number(at)) => {
            let count = array.count();
            budget.work(count / 4)?;
            #[expect(clippy::cast_precision_loss, reason = "no array is that long")]
            Ok(Term::Bool(at.to_f64() > -1.0 && at.to_f64() < count as f64))
        }
        (Term::Null, _) => Ok(Term::Bool(false)),
        _ => Err(Failed::new(format!("cannot ask whether {} has {}", shown(of), shown(key))).into()),
    }
}

/// Every item or value, one after the other.
pub(super) fn each<'a>(of: &Term<'a>, mut take: impl FnMut(Term<'a>) -> Result<(), Stop>) -> Result<(), Stop> {
    match of {
        Term::Array(array) => array.items().try_for_each(take),
        Term::Object(object) => object.members().try_for_each(|(_, value)| take(value)),
        _ => Err(Failed::new(format!("cannot take the items of {}", shown(of))).into()),
    }
}

/// jq's containment: objects by members, arrays by items, strings by parts.
pub(super) fn contains(a: &Term<'_>, b: &Term<'_>, budget: &Budget) -> Result<bool, Stop> {
    budget.work(1)?;
    match (a, b) {
        (Term::Object(a), Term::Object(b)) => {
            for (name, wanted) in b.members() {
                let (found, passed) = TermObject::get(a, &name.get());
                budget.work(passed / 16)?;
                let Some(found) = found else { return Ok(false) };
                if !contains(&found, &wanted, budget)? {
                    return Ok(false);
                }
            }
            Ok(true)
        }
        (Term::Array(a), Term::Array(b)) => {
            for wanted in b.items() {
                let mut is_there = false;
                for item in a.items() {
                    if contains(&item, &wanted, budget)? {
                        is_there = true;
                        break;
                    }
                }
                if !is_there {
                    return Ok(false);
                }
            }
            Ok(true)
        }
        (Term::Text(a), Term::Text(b)) => {
            let (a, b) = (a.get(), b.get());
            budget.work(a.len() / 64)?;
            Ok(a.contains(&*b))
        }
        _ => equal(a, b, budget),
    }
}
