//! jq's functions that are part of filters, on an input and at most one argument.

use super::arithmetic::split;
use super::ast::Builtin;
use super::budget::Budget;
use super::number::TermNumber;
use super::paths::{contains, each, has, keys};
use super::problem::{Failed, Stop};
use super::shown::shown;
use super::term::{Term, TermResult, Text};
use super::time;

/// Those without an argument.
pub(super) fn plain<'a>(builtin: Builtin, input: &Term<'a>, budget: &Budget) -> TermResult<'a> {
    match builtin {
        Builtin::Length => length(input, budget),
        Builtin::Type => Ok(Term::Text(Text::Plain(input.kind()))),
        Builtin::Not => Ok(Term::Bool(!input.is_true())),
        Builtin::Keys => keys(input, budget),
        Builtin::Tostring => tostring(input, budget),
        Builtin::Tonumber => tonumber(input),
        Builtin::AsciiDowncase => cased(input, budget, str::to_ascii_lowercase),
        Builtin::AsciiUpcase => cased(input, budget, str::to_ascii_uppercase),
        Builtin::Todate => todate(input),
        Builtin::Fromdate => fromdate(input),
        _ => Err(Failed::new("the function is called without its arguments").into()),
    }
}

/// Those with one.
pub(super) fn with<'a>(builtin: Builtin, input: &Term<'a>, argument: &Term<'a>, budget: &Budget) -> TermResult<'a> {
    match builtin {
        Builtin::Has => has(input, argument, budget),
        Builtin::Contains => containment(input, argument, budget),
        Builtin::Inside => containment(argument, input, budget),
        Builtin::Startswith => affix("startswith", input, argument, |text, affix| text.starts_with(affix)),
        Builtin::Endswith => affix("endswith", input, argument, |text, affix| text.ends_with(affix)),
        Builtin::Ltrimstr => trimmed(input, argument, budget, |text, affix| text.strip_prefix(affix)),
        Builtin::Rtrimstr => trimmed(input, argument, budget, |text, affix| text.strip_suffix(affix)),
        Builtin::Split => match (input, argument) {
            (Term::Text(text), Term::Text(separator)) => split(text, separator, budget),
            _ => Err(Failed::new(format!("cannot split {} at {}", shown(input), shown(argument))).into()),
        },
        Builtin::Join => join(input, argument, budget),
        _ => Err(Failed::new("the function is called with too many arguments").into()),
    }
}

fn length<'a>(input: &Term<'a>, budget: &Budget) -> TermResult<'a> {
    let count = match input {
        Term::Null => 0,
        Term::Bool(_) => return Err(Failed::new(format!("{} has no length", shown(input))).into()),
        // A number's is its absolute value.
        Term::Number(TermNumber::Written(digits)) => {
            return Ok(Term::Number(TermNumber::Written(digits.strip_prefix('-').unwrap_or(digits))));
        }
        Term::Number(number) => return Ok(Term::float(number.to_f64().abs())),
        Term::Text(text) => {
            budget.work(text.length() / 16)?;
            text.get().chars().count()
        }
        Term::Array(array) => array.count(),
        Term::Object(object) => object.count(),
    };
    budget.work(1 + count / 4)?;
    Ok(Term::count(count))
}

/// A string as it is, anything else as its JSON.
pub(super) fn tostring<'a>(input: &Term<'a>, budget: &Budget) -> TermResult<'a> {
    if matches!(input, Term::Text(_)) {
        return Ok(input.clone());
    }
    let mut text = String::new();
    input.write(&mut text);
    budget.memory(2 * text.len())?;
    Term::text(text).made(budget)
}

/// A number, or what a string says that reads as one; blanks around it are passed over.
fn tonumber<'a>(input: &Term<'a>) -> TermResult<'a> {
    let text = match input {
        Term::Number(_) => return Ok(input.clone()),
        Term::Text(text) => text,
        _ => return Err(Failed::new(format!("{} is no number", shown(input))).into()),
    };
    let text = text.get();
    let wrong = || Stop::from(Failed::new(format!("{} is no number", shown(input))));
    let trimmed = text.trim_matches([' ', '\t', '\n', '\r']);
    if matches!(trimmed, "nan" | "-nan") {
        return Ok(Term::float(f64::NAN));
    }
    let unsigned = trimmed.strip_prefix(['-', '+']).unwrap_or(trimmed);
    if !unsigned.starts_with(|c: char| c.is_ascii_digit() || c == '.') || trimmed.parse::<f64>().is_err() {
        return Err(wrong());
    }
    let digits = super::parser::as_json(unsigned);
    let sign = if trimmed.starts_with('-') { "-" } else { "" };
    Ok(Term::Number(TermNumber::Kept(format!("{sign}{digits}").into())))
}

fn cased<'a>(input: &Term<'a>, budget: &Budget, case: impl Fn(&str) -> String) -> TermResult<'a> {
    let Term::Text(text) = input else {
        return Err(Failed::new(format!("{} has no case; a string has", shown(input))).into());
    };
    budget.memory(2 * text.length())?;
    Ok(Term::text(case(&text.get())))
}

fn containment<'a>(outer: &Term<'a>, inner: &Term<'a>, budget: &Budget) -> TermResult<'a> {
    let is_comparable = match (outer, inner) {
        (Term::Bool(a), Term::Bool(b)) => a == b,
        _ => outer.kind() == inner.kind(),
    };
    if !is_comparable {
        let message = format!("cannot ask whether {} contains {}", shown(outer), shown(inner));
        return Err(Failed::new(message).into());
    }
    contains(outer, inner, budget).map(Term::Bool)
}

fn affix<'a>(name: &str, input: &Term<'a>, argument: &Term<'a>, is: impl Fn(&str, &str) -> bool) -> TermResult<'a> {
    match (input, argument) {
        (Term::Text(text), Term::Text(affix)) => Ok(Term::Bool(is(&text.get(), &affix.get()))),
        _ => Err(Failed::new(format!("{name} is for strings, not {} and {}", shown(input), shown(argument))).into()),
    }
}

/// What is no string, or does not have it, stays as it is.
fn trimmed<'a>(
    input: &Term<'a>,
    argument: &Term<'a>,
    budget: &Budget,
    strip: impl for<'t> Fn(&'t str, &str) -> Option<&'t str>,
) -> TermResult<'a> {
    if let (Term::Text(text), Term::Text(affix)) = (input, argument)
        && let Some(rest) = strip(&text.get(), &affix.get())
    {
        return Term::text(rest).made(budget);
    }
    Ok(input.clone())
}

/// The items as one string: null is nothing, numbers and booleans are their JSON.
fn join<'a>(input: &Term<'a>, separator: &Term<'a>, budget: &Budget) -> TermResult<'a> {
    let mut joined: Option<String> = None;
    each(input, |item| {
        let out = match &mut joined {
            None => joined.insert(String::new()),
            Some(out) => {
                match separator {
                    Term::Text(separator) => out.push_str(&separator.get()),
                    Term::Null => {}
                    _ => return Err(unjoined(separator)),
                }
                out
            }
        };
        let before = out.len();
        match &item {
            Term::Null => {}
            Term::Text(text) => out.push_str(&text.get()),
            Term::Bool(_) | Term::Number(_) => item.write(out),
            Term::Array(_) | Term::Object(_) => return Err(unjoined(&item)),
        }
        budget.work(1)?;
        budget.memory(2 * (out.len() - before))
    })?;
    Ok(Term::text(joined.unwrap_or_default()))
}

fn unjoined(term: &Term<'_>) -> Stop {
    Failed::new(format!("cannot join {} with strings", shown(term))).into()
}

fn todate<'a>(input: &Term<'a>) -> TermResult<'a> {
    let wrong = || Stop::from(Failed::new(format!("{} is no time in seconds", shown(input))));
    match input {
        Term::Number(number) => time::format(number.to_f64()).map(Term::text).ok_or_else(wrong),
        // A time that is taken apart: year, month from 0, day, hours, minutes, seconds, and the days of week and year.
        Term::Array(array) => {
            let mut fields = [0_i64; 6];
            let mut count = 0;
            for (at, item) in array.items().enumerate().take(8) {
                let Term::Number(number) = item else { return Err(wrong()) };
                #[expect(clippy::cast_possible_truncation, reason = "it is cut to what fits")]
                let value = i64::from(number.to_f64() as i32);
                if let Some(field) = fields.get_mut(at) {
                    *field = value;
                }
                count += 1;
            }
            let [year, month, day, hour, minute, second] = fields;
            if count < 8 {
                Err(wrong())
            } else {
                Ok(Term::text(time::fields(year, [month + 1, day, hour, minute, second])))
            }
        }
        _ => Err(wrong()),
    }
}

fn fromdate<'a>(input: &Term<'a>) -> TermResult<'a> {
    let wrong = || Stop::from(Failed::new(format!("{} is no time such as 2026-11-23T04:00:00Z", shown(input))));
    let Term::Text(text) = input else { return Err(wrong()) };
    let seconds = time::parse(&text.get()).ok_or_else(wrong)?;
    #[expect(clippy::cast_precision_loss, reason = "years have four digits")]
    Ok(Term::float(seconds as f64))
}
