//! Whether two documents are the same value: members in any order, numbers by what they are worth, strings by their
//! characters.

use std::borrow::Cow;
use std::collections::HashMap;

use super::Scanner;
use super::walk::{items, members};

/// Compares two checked texts. Nesting ends at its limit, so recursion does too.
pub(crate) fn is_equal(a: &str, b: &str) -> bool {
    if a == b {
        return true;
    }
    match (a.as_bytes().first(), b.as_bytes().first()) {
        (Some(b'{'), Some(b'{')) => {
            let (a, b) = (members(a), members(b));
            let by_name: HashMap<&str, &str> = b.iter().map(|member| (&*member.name, member.value)).collect();
            let has_same = |name: &str, value| by_name.get(name).is_some_and(|other| is_equal(value, other));
            a.len() == b.len() && a.iter().all(|member| has_same(&member.name, member.value))
        }
        (Some(b'['), Some(b'[')) => {
            let (a, b) = (items(a).unwrap_or_default(), items(b).unwrap_or_default());
            a.len() == b.len() && a.iter().zip(&b).all(|(a, b)| is_equal(a, b))
        }
        (Some(b'"'), Some(b'"')) => string(a) == string(b),
        (Some(b'-' | b'0'..=b'9'), Some(b'-' | b'0'..=b'9')) => {
            let (a, b) = (DecimalParts::of(a), DecimalParts::of(b));
            a.is_some() && a == b
        }
        _ => false,
    }
}

fn string(text: &str) -> Cow<'_, str> {
    Scanner::new(text.as_bytes()).string().expect("the text was checked")
}

/// A number whose digits neither begin nor end in 0: the sign, the digits, and the power of ten of the last one.
#[derive(Debug, PartialEq, Eq)]
struct DecimalParts {
    is_negative: bool,
    digits: String,
    exponent: i128,
}

impl DecimalParts {
    /// Of a number as JSON writes it; `None` if its exponent is out of all measure.
    fn of(text: &str) -> Option<Self> {
        let (is_negative, rest) = text.strip_prefix('-').map_or((false, text), |rest| (true, rest));
        let (mantissa, exponent) = rest.split_once(['e', 'E']).unwrap_or((rest, "0"));
        let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        let digits = format!("{whole}{fraction}");
        let kept = digits.trim_end_matches('0');
        if kept.is_empty() {
            return Some(Self { is_negative: false, digits: String::new(), exponent: 0 });
        }
        let zeros = i128::try_from(digits.len() - kept.len()).ok()?;
        let after_point = i128::try_from(fraction.len()).ok()?;
        let exponent = exponent.parse::<i128>().ok()?.checked_add(zeros)?.checked_sub(after_point)?;
        Some(Self { is_negative, digits: kept.trim_start_matches('0').to_owned(), exponent })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_compared_by_what_they_mean() {
        for (a, b) in [
            ("1", "1.0"),
            ("100", "1e2"),
            ("1E+400", "10e399"),
            ("-0", "0.00e7"),
            ("0.5", "5e-1"),
            (r#"{"a":1,"b":[2]}"#, r#"{"b":[2.0],"\u0061":1}"#),
            (r#""\u00e9\/""#, r#""é/""#),
        ] {
            assert!(is_equal(a, b) && is_equal(b, a), "{a} {b}");
        }
        for (a, b) in [
            ("1", r#""1""#),
            ("1", "-1"),
            ("18446744073709551616", "18446744073709551617"),
            ("[1,2]", "[2,1]"),
            ("[1]", "[1,2]"),
            (r#"{"a":1}"#, r#"{"a":1,"b":2}"#),
            (r#"{"a":null}"#, r#"{"b":null}"#),
            ("null", "false"),
        ] {
            assert!(!is_equal(a, b) && !is_equal(b, a), "{a} {b}");
        }
    }
}
