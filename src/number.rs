//! Exact decimal numbers for `incr`, without binary rounding. Pure.

use std::fmt;
use std::str::FromStr;

use crate::error::{Error, Result, cut};

/// An integer, or a decimal that keeps its digits after the point: `1.10` plus `1` is `2.10`.
///
/// Integers must fit in `i64`, decimals in 38 digits.
///
/// ```
/// use rusty_kv::Number;
/// let sum = "0.1".parse::<Number>()?.checked_add("0.2".parse()?)?;
/// assert_eq!(sum.to_string(), "0.3");
/// # Ok::<(), rusty_kv::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Number {
    unscaled: i128,
    /// The number of digits after the point.
    scale: u32,
}

const OUT: Error = Error::OutOfRange { range: "integers have 64 bits, decimals 38 digits" };

impl Number {
    /// The number 1.
    ///
    /// ```
    /// assert_eq!(rusty_kv::Number::ONE.to_string(), "1");
    /// ```
    pub const ONE: Self = Self { unscaled: 1, scale: 0 };

    /// The exact sum.
    ///
    /// # Errors
    /// [`Error::OutOfRange`].
    ///
    /// ```
    /// use rusty_kv::Number;
    /// let most: Number = "9223372036854775807".parse()?;
    /// assert!(most.checked_add("1".parse()?).is_err());
    /// # Ok::<(), rusty_kv::Error>(())
    /// ```
    pub fn checked_add(self, other: Self) -> Result<Self> {
        let scale = self.scale.max(other.scale);
        let sum = self.at_scale(scale).zip(other.at_scale(scale)).and_then(|(a, b)| a.checked_add(b));
        Self { unscaled: sum.ok_or(OUT)?, scale }.checked()
    }

    /// The number with the opposite sign.
    ///
    /// ```
    /// let five: rusty_kv::Number = "5".parse()?;
    /// assert_eq!(five.negated()?.to_string(), "-5");
    /// # Ok::<(), rusty_kv::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::OutOfRange`] for the smallest integer.
    pub fn negated(self) -> Result<Self> {
        Self { unscaled: self.unscaled.checked_neg().ok_or(OUT)?, scale: self.scale }.checked()
    }

    fn at_scale(self, scale: u32) -> Option<i128> {
        self.unscaled.checked_mul(10_i128.checked_pow(scale - self.scale)?)
    }

    fn checked(self) -> Result<Self> {
        if self.scale == 0 && i64::try_from(self.unscaled).is_err() { Err(OUT) } else { Ok(self) }
    }
}

impl FromStr for Number {
    type Err = Error;

    /// Parses `-12`, `+3`, `1.50`; no exponents, no spaces.
    fn from_str(text: &str) -> Result<Self> {
        let wrong = || Error::WrongType {
            wanted: "a number such as 12 or -1.50",
            found: format!("'{}'", cut(text).escape_debug()),
        };
        let (negative, digits) = match text.as_bytes().first() {
            Some(b'-') => (true, &text[1..]),
            Some(b'+') => (false, &text[1..]),
            _ => (false, text),
        };
        let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
        let all_digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
        if whole.is_empty() || !all_digits(whole) || !all_digits(fraction) || digits.ends_with('.') {
            return Err(wrong());
        }
        let scale = u32::try_from(fraction.len()).map_err(|_| OUT)?;
        let mut unscaled: i128 = 0;
        for digit in whole.bytes().chain(fraction.bytes()) {
            unscaled =
                unscaled.checked_mul(10).and_then(|tens| tens.checked_add(i128::from(digit - b'0'))).ok_or(OUT)?;
        }
        Self { unscaled: if negative { -unscaled } else { unscaled }, scale }.checked()
    }
}

impl fmt::Display for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scale = self.scale as usize;
        let digits = format!("{:0width$}", self.unscaled.unsigned_abs(), width = scale + 1);
        let (whole, fraction) = digits.split_at(digits.len() - scale);
        let sign = if self.unscaled < 0 { "-" } else { "" };
        let point = if scale == 0 { "" } else { "." };
        write!(f, "{sign}{whole}{point}{fraction}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn anything_but_a_plain_number_is_refused() {
        for text in ["", "-", "1.", ".5", "1e3", " 1", "1 ", "0x1", "NaN", "٣", "1.2.3", "--1"] {
            assert!(text.parse::<Number>().is_err(), "{text:?}");
        }
    }

    #[test]
    fn decimals_keep_their_digits() {
        for (a, b, sum) in
            [("1.10", "1", "2.10"), ("0.1", "0.2", "0.3"), ("-0.05", "0.05", "0.00"), ("9.99", "-10", "-0.01")]
        {
            let total = a.parse::<Number>().unwrap().checked_add(b.parse().unwrap()).unwrap();
            assert_eq!(total.to_string(), sum);
        }
    }

    #[test]
    fn overflow_is_an_error_at_any_scale() {
        let tiny: Number = format!("0.{}1", "0".repeat(36)).parse().unwrap();
        assert!(tiny.checked_add("9000000000000000000".parse().unwrap()).is_err());
        assert!("-9223372036854775808".parse::<Number>().unwrap().negated().is_err());
        assert!("9223372036854775808".parse::<Number>().is_err());
    }

    proptest! {
        #[test]
        fn integers_add_as_i64_does(a in any::<i64>(), b in any::<i64>()) {
            let sum = a.to_string().parse::<Number>().unwrap().checked_add(b.to_string().parse().unwrap());
            match a.checked_add(b) {
                Some(wanted) => prop_assert_eq!(sum.unwrap().to_string(), wanted.to_string()),
                None => prop_assert!(sum.is_err()),
            }
        }
    }
}
