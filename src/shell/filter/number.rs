//! Numbers. One that was written is kept and compared digit by digit; one that was computed is a double, as in jq.

use std::cmp::Ordering;
use std::fmt::Write as _;
use std::rc::Rc;

/// A number.
#[derive(Clone, Debug)]
pub(super) enum TermNumber<'a> {
    /// As it stands in a value or in the filter.
    Written(&'a str),
    /// As it stood in a string.
    Kept(Rc<str>),
    /// A result. It may be infinite or not a number.
    Computed(f64),
}

impl TermNumber<'_> {
    pub(super) fn to_f64(&self) -> f64 {
        self.digits().map_or_else(|float| float, |digits| digits.parse().unwrap_or(f64::NAN))
    }

    /// What was written, or else the result.
    fn digits(&self) -> Result<&str, f64> {
        match self {
            Self::Written(digits) => Ok(digits),
            Self::Kept(digits) => Ok(digits),
            Self::Computed(float) => Err(*float),
        }
    }

    /// jq's order: exact for two numbers that were written, that of doubles where one was computed. What is not a number
    /// comes before all numbers, itself included.
    pub(super) fn compare(&self, other: &Self) -> Ordering {
        if let (Ok(a), Ok(b)) = (self.digits(), other.digits()) {
            return match (small(a), small(b)) {
                (Some(a), Some(b)) => a.cmp(&b),
                _ => exact(a, b),
            };
        }
        let (a, b) = (self.to_f64(), other.to_f64());
        match a.partial_cmp(&b) {
            Some(order) => order,
            None if a.is_nan() => Ordering::Less,
            None => Ordering::Greater,
        }
    }

    /// As JSON: what was written as it is, a result as jq writes it.
    pub(super) fn write(&self, out: &mut String) {
        match self.digits() {
            Ok(digits) => out.push_str(digits),
            Err(float) => write_float(float, out),
        }
    }
}

/// An integer of at most 18 digits.
fn small(digits: &str) -> Option<i64> {
    let (negative, bytes) = match digits.as_bytes() {
        [b'-', rest @ ..] => (true, rest),
        rest => (false, rest),
    };
    if bytes.len() > 18 {
        return None;
    }
    let mut value = 0_i64;
    for byte in bytes {
        if !byte.is_ascii_digit() {
            return None;
        }
        value = value * 10 + i64::from(byte - b'0');
    }
    Some(if negative { -value } else { value })
}

/// Compares two numbers without rounding either.
fn exact(a: &str, b: &str) -> Ordering {
    let (a, b) = (Decimal::of(a), Decimal::of(b));
    match (a.sign, b.sign) {
        (0, 0) => Ordering::Equal,
        (x, y) if x != y => x.cmp(&y),
        (1, _) => a.magnitude(&b),
        _ => b.magnitude(&a),
    }
}

/// A number's digits from the first that is not 0, and the power of ten that its point stands at.
#[derive(Debug)]
struct Decimal<'d> {
    /// -1, 0 or 1.
    sign: i8,
    whole: &'d [u8],
    fraction: &'d [u8],
    power: i128,
}

impl<'d> Decimal<'d> {
    fn of(digits: &'d str) -> Self {
        let (negative, digits) = digits.strip_prefix('-').map_or((false, digits), |rest| (true, rest));
        let (mantissa, exponent) = digits.split_once(['e', 'E']).unwrap_or((digits, "0"));
        let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        // An exponent that fits into no i128 is as good as the largest one.
        let limit = if exponent.starts_with('-') { i128::MIN / 4 } else { i128::MAX / 4 };
        let exponent = exponent.parse::<i128>().unwrap_or(limit).clamp(i128::MIN / 4, i128::MAX / 4);
        let whole = whole.trim_start_matches('0').as_bytes();
        let (fraction, power) = if whole.is_empty() {
            let significant = fraction.trim_start_matches('0');
            (significant.as_bytes(), exponent - signed(fraction.len() - significant.len()))
        } else {
            (fraction.as_bytes(), exponent + signed(whole.len()))
        };
        let is_zero = whole.iter().chain(fraction).all(|&digit| digit == b'0');
        Self {
            sign: if is_zero {
                0
            } else if negative {
                -1
            } else {
                1
            },
            whole,
            fraction,
            power,
        }
    }

    fn magnitude(&self, other: &Self) -> Ordering {
        let digits = |of: &Self, at: usize| {
            let digit = of.whole.get(at).or_else(|| of.fraction.get(at - of.whole.len()));
            digit.copied().unwrap_or(b'0')
        };
        let length = |of: &Self| of.whole.len() + of.fraction.len();
        let longest = length(self).max(length(other));
        let by_digits = || (0..longest).map(|at| digits(self, at).cmp(&digits(other, at)));
        let by_digits = || by_digits().find(|order| order.is_ne()).unwrap_or(Ordering::Equal);
        self.power.cmp(&other.power).then_with(by_digits)
    }
}

fn signed(length: usize) -> i128 {
    i128::try_from(length).unwrap_or(i128::MAX / 4)
}

/// The shortest digits that read back as this double, laid out as jq does it. What JSON lacks becomes what jq makes of it.
fn write_float(float: f64, out: &mut String) {
    if float.is_nan() {
        out.push_str("null");
        return;
    }
    let shortest = format!("{:e}", float.clamp(f64::MIN, f64::MAX));
    let (mantissa, exponent) = shortest.split_once('e').unwrap_or((&shortest, "0"));
    let (sign, mantissa) = mantissa.strip_prefix('-').map_or(("", mantissa), |rest| ("-", rest));
    let digits: String = mantissa.chars().filter(char::is_ascii_digit).collect();
    let exponent: i32 = exponent.parse().unwrap_or(0);
    out.push_str(sign);
    let count = i32::try_from(digits.len()).unwrap_or(i32::MAX);
    // Where the point stands among the digits.
    let point = exponent + 1;
    if point <= -4 || point > count + 15 {
        out.push_str(&digits[..1]);
        if digits.len() > 1 {
            out.push('.');
            out.push_str(&digits[1..]);
        }
        let sign = if exponent < 0 { '-' } else { '+' };
        // Writing into a string does not fail.
        let _ = write!(out, "e{sign}{:02}", exponent.unsigned_abs());
    } else if point <= 0 {
        out.push_str("0.");
        (point..0).for_each(|_| out.push('0'));
        out.push_str(&digits);
    } else {
        for at in 0..point.max(count) {
            if at == point {
                out.push('.');
            }
            out.push(usize::try_from(at).ok().and_then(|at| digits.as_bytes().get(at)).map_or('0', |&b| char::from(b)));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn written_numbers_are_compared_without_rounding() {
        for (a, order, b) in [
            ("18446744073709551616", Ordering::Greater, "18446744073709551615"),
            ("1.10", Ordering::Equal, "1.1"),
            ("1e400", Ordering::Greater, "1e399"),
            ("-1e400", Ordering::Less, "1"),
            ("1e400", Ordering::Equal, "10e399"),
            ("0.1", Ordering::Equal, "1E-1"),
            ("-0", Ordering::Equal, "0.00"),
            ("0e99999999999999999999999999999999999999999999", Ordering::Equal, "0"),
            ("1e99999999999999999999999999999999999999999999", Ordering::Greater, "1e400"),
            ("0.30000000000000000001", Ordering::Greater, "0.3"),
            ("-2", Ordering::Less, "-1.5"),
            ("123e-2", Ordering::Equal, "1.23"),
            ("1000000000000000000000", Ordering::Equal, "1e21"),
            ("0.001", Ordering::Less, "0.01"),
        ] {
            assert_eq!(TermNumber::Written(a).compare(&TermNumber::Written(b)), order, "{a} {b}");
            assert_eq!(TermNumber::Written(b).compare(&TermNumber::Written(a)), order.reverse(), "{b} {a}");
        }
    }

    #[test]
    fn results_are_laid_out_as_in_jq() {
        for (float, wanted) in [
            (1e15, "1000000000000000"),
            (1e16, "1e+16"),
            (123_456_789_012_345_680.0, "123456789012345680"),
            (1.5e-5, "1.5e-05"),
            (0.0001, "0.0001"),
            (-1e-7, "-1e-07"),
            (2.54, "2.54"),
            (-0.0, "-0"),
            (f64::INFINITY, "1.7976931348623157e+308"),
            (f64::NAN, "null"),
            (1_234.5, "1234.5"),
        ] {
            let mut out = String::new();
            write_float(float, &mut out);
            assert_eq!(out, wanted);
        }
    }

    proptest! {
        #[test]
        fn a_result_reads_back_as_the_same_double(float in any::<f64>()) {
            let mut out = String::new();
            write_float(float, &mut out);
            if float.is_finite() {
                prop_assert_eq!(out.parse::<f64>().unwrap().to_bits(), float.to_bits());
            }
        }

        #[test]
        fn small_and_exact_comparisons_agree(a in any::<i32>(), b in any::<i32>()) {
            prop_assert_eq!(exact(&a.to_string(), &b.to_string()), a.cmp(&b));
            prop_assert_eq!(small(&a.to_string()), Some(i64::from(a)));
        }
    }
}
