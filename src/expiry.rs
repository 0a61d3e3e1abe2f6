//! Expiries: timestamps, and reading and writing durations such as "1h30m". Only [`Timestamp::now`] reads the clock.

use std::fmt;
use std::str::FromStr;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::error::{Error, Result, cut};

/// A point in time: UTC, in whole milliseconds since 1970, up to the year 9999.
///
/// It is parsed from and formatted as RFC 3339, which is also its format in the file.
///
/// ```
/// use std::time::Duration;
/// use rusty_kv::Timestamp;
///
/// let start: Timestamp = "2026-11-23T04:00:00Z".parse()?;
/// let end = start.after(Duration::from_secs(90))?;
/// assert_eq!(end.to_string(), "2026-11-23T04:01:30.000Z");
/// assert_eq!(end.since(start), Duration::from_secs(90));
/// # Ok::<(), rusty_kv::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(u64);

/// The last millisecond of the year 9999, the limit of RFC 3339.
const LAST: u64 = 253_402_300_799_999;

impl Timestamp {
    /// The current time of the system's clock, limited to the years 1970 to 9999.
    ///
    /// ```
    /// assert!(rusty_kv::Timestamp::now() > rusty_kv::Timestamp::from_millis(0));
    /// ```
    #[expect(clippy::disallowed_methods, reason = "the only place that reads the clock")]
    pub fn now() -> Self {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Self::from_millis(u64::try_from(since.as_millis()).unwrap_or(LAST))
    }

    /// Converts milliseconds since 1970, limited to the year 9999.
    ///
    /// ```
    /// assert_eq!(rusty_kv::Timestamp::from_millis(1_000).to_string(), "1970-01-01T00:00:01.000Z");
    /// ```
    pub const fn from_millis(millis: u64) -> Self {
        Self(if millis < LAST { millis } else { LAST })
    }

    /// Milliseconds since 1970.
    ///
    /// ```
    /// assert_eq!(rusty_kv::Timestamp::from_millis(7).as_millis(), 7);
    /// ```
    pub fn as_millis(self) -> u64 {
        self.0
    }

    /// The time `span` later, rounded up to a millisecond.
    ///
    /// # Errors
    /// [`Error::OutOfRange`] after the year 9999.
    ///
    /// ```
    /// use rusty_kv::Timestamp;
    /// assert!(Timestamp::now().after(std::time::Duration::MAX).is_err());
    /// ```
    pub fn after(self, span: Duration) -> Result<Self> {
        u64::try_from(span.as_nanos().div_ceil(1_000_000))
            .ok()
            .and_then(|millis| self.0.checked_add(millis))
            .filter(|&millis| millis <= LAST)
            .map(Self)
            .ok_or(Error::OutOfRange { range: "an expiry must be before the year 10000" })
    }

    /// The time since `earlier`; zero if `earlier` is later.
    ///
    /// ```
    /// use rusty_kv::Timestamp;
    /// let (a, b) = (Timestamp::from_millis(5), Timestamp::from_millis(8));
    /// assert_eq!(b.since(a).as_millis(), 3);
    /// assert_eq!(a.since(b).as_millis(), 0);
    /// ```
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_millis(self.0.saturating_sub(earlier.0))
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let time = UNIX_EPOCH + Duration::from_millis(self.0);
        humantime::format_rfc3339_millis(time).fmt(f)
    }
}

impl FromStr for Timestamp {
    type Err = Error;

    /// Parses RFC 3339 (`2026-11-23T04:00:00Z`, `2026-11-23T05:00:00.5+01:00`). Truncates finer fractions to
    /// milliseconds.
    fn from_str(text: &str) -> Result<Self> {
        let (utc, ahead) = split_offset(&text.to_ascii_uppercase());
        humantime::parse_rfc3339(&utc)
            .ok()
            .and_then(|time| time.duration_since(UNIX_EPOCH).ok())
            .and_then(|since| i64::try_from(since.as_millis()).ok())
            .and_then(|millis| u64::try_from(millis - ahead).ok())
            .filter(|&millis| millis <= LAST)
            .map(Self)
            .ok_or_else(|| not_a_time(text, "expected a time such as 2026-11-23T04:00:00Z"))
    }
}

/// The local time of an RFC 3339 text as if it were UTC, and its offset from UTC in milliseconds.
fn split_offset(text: &str) -> (String, i64) {
    let offset = || {
        let (local, offset) = text.split_at_checked(text.len().checked_sub(6)?)?;
        let [sign @ (b'+' | b'-'), hour_tens, hour, b':', minute_tens, minute] = *offset.as_bytes() else {
            return None;
        };
        let two = |tens: u8, ones: u8| {
            (tens.is_ascii_digit() && ones.is_ascii_digit())
                .then(|| i64::from(tens - b'0') * 10 + i64::from(ones - b'0'))
        };
        let (hours, minutes) = (two(hour_tens, hour)?, two(minute_tens, minute)?);
        let millis = (hours * 60 + minutes) * 60_000;
        (hours < 24 && minutes < 60).then(|| (format!("{local}Z"), if sign == b'-' { -millis } else { millis }))
    };
    offset().unwrap_or_else(|| (text.to_owned(), 0))
}

/// Why a text is not a time or a duration.
fn not_a_time(text: &str, expected: &str) -> Error {
    let given = cut(text);
    let reason = format!("{expected}, found '{}'", given.escape_debug());
    Error::NotATime { given, reason }
}

/// Why a text with a number and a unit is not a duration.
fn not_a_unit(text: &str, reason: String) -> Error {
    Error::NotATime { given: cut(text), reason }
}

/// Parses a duration: `90` (seconds), `1.5h`, `1h30m`, `2days`. Units of one letter are lowercase: `m` is a minute, and
/// `M`, which often means a month, is refused.
///
/// # Errors
/// [`Error::NotATime`], also for zero and negative durations (an expiry is in the future), and for more than 10,000
/// years.
///
/// ```
/// use std::time::Duration;
/// assert_eq!(rusty_kv::parse_duration("1h30m")?, Duration::from_secs(5400));
/// assert_eq!(rusty_kv::parse_duration("90")?, Duration::from_secs(90));
/// assert!(rusty_kv::parse_duration("-1").is_err());
/// # Ok::<(), rusty_kv::Error>(())
/// ```
pub fn parse_duration(text: &str) -> Result<Duration> {
    const TOO_SHORT: &str = "a duration must be more than zero";
    if text.strip_prefix('-').is_some_and(|rest| parse_wait(rest).is_ok()) {
        return Err(not_a_time(text, TOO_SHORT));
    }
    match parse_wait(text)? {
        Duration::ZERO => Err(not_a_time(text, TOO_SHORT)),
        span => Ok(span),
    }
}

/// Parses how long to wait: a duration, or zero for not at all.
pub(crate) fn parse_wait(text: &str) -> Result<Duration> {
    const LONGEST: u128 = 10_000 * 31_557_600 * SECOND;
    let is_number = |c: char| c.is_ascii_digit() || c == '.';
    let mut rest = text.trim();
    let mut nanos = 0u128;
    loop {
        let end = rest.find(|c| !is_number(c)).unwrap_or(rest.len());
        let (number, after) = rest.split_at(end);
        let after = after.trim_start();
        let end = after.find(|c: char| is_number(c) || c.is_whitespace()).unwrap_or(after.len());
        let (unit, after) = after.split_at(end);
        let is_all = number.len() == text.trim().len();
        let unit = if is_all { SECOND } else { unit_of(unit, number, text)? };
        let part = times(number, unit).ok_or_else(|| not_a_time(text, EXPECTED))?;
        nanos = part
            .checked_add(nanos)
            .filter(|&nanos| nanos <= LONGEST)
            .ok_or_else(|| not_a_time(text, "a duration may be at most 10,000 years"))?;
        rest = after.trim_start();
        if rest.is_empty() {
            let seconds = u64::try_from(nanos / SECOND).expect("it is at most the longest");
            return Ok(Duration::new(seconds, u32::try_from(nanos % SECOND).expect("it is less than a second")));
        }
    }
}

const EXPECTED: &str = "expected a duration such as 90, 45s, 1h30m or 2days";

/// In nanoseconds.
const SECOND: u128 = 1_000_000_000;

/// The names of the units and their lengths in nanoseconds. A month is a twelfth of a year, a year is 365.25 days.
const UNITS: [(&[&str], u128); 10] = [
    (&["ns", "nsec", "nanos"], 1),
    (&["us", "µs", "usec"], 1_000),
    (&["ms", "msec", "millis"], 1_000_000),
    (&["s", "sec", "secs", "second", "seconds"], SECOND),
    (&["m", "min", "mins", "minute", "minutes"], 60 * SECOND),
    (&["h", "hr", "hrs", "hour", "hours"], 3_600 * SECOND),
    (&["d", "day", "days"], 86_400 * SECOND),
    (&["w", "wk", "wks", "week", "weeks"], 7 * 86_400 * SECOND),
    (&["month", "months"], 2_630_016 * SECOND),
    (&["y", "yr", "yrs", "year", "years"], 31_557_600 * SECOND),
];

/// The length in nanoseconds of a unit, which follows a number in a text.
fn unit_of(unit: &str, number: &str, text: &str) -> Result<u128> {
    let find = |unit: &str| UNITS.iter().find(|(names, _)| names.contains(&unit)).map(|&(_, nanos)| nanos);
    if let Some(nanos) = find(unit) {
        return Ok(nanos);
    }
    let number = cut(number);
    let lower = unit.to_lowercase();
    Err(match unit {
        "M" => not_a_unit(
            text,
            format!("'{number}M' is ambiguous: write {number}m for minutes or {number}months for months"),
        ),
        _ if unit.len() == 1 && find(&lower).is_some() => not_a_unit(
            text,
            format!("expected {number}{lower}, found '{number}{unit}': single-letter units are lowercase"),
        ),
        _ => not_a_time(text, EXPECTED),
    })
}

/// A decimal number times a unit, truncated to nanoseconds.
fn times(number: &str, unit: u128) -> Option<u128> {
    // More digits make no sense, and this many fit.
    const DIGITS: usize = 18;
    let (whole, fraction) = number.split_once('.').unwrap_or((number, "0"));
    let value = |digits: &str| {
        let is_number = digits.bytes().all(|byte| byte.is_ascii_digit());
        (is_number && !digits.is_empty()).then(|| digits.parse::<u128>().unwrap_or(u128::MAX))
    };
    let fraction = value(fraction).map(|_| &fraction[..fraction.len().min(DIGITS)])?;
    let scale = 10u128.pow(u32::try_from(fraction.len()).expect("it is short"));
    let part = value(fraction)?.saturating_mul(unit) / scale;
    Some(value(whole)?.saturating_mul(unit).saturating_add(part))
}

/// Formats a duration for people, in whole seconds, rounded up so that a remaining time is never shown as nothing.
///
/// ```
/// use std::time::Duration;
/// assert_eq!(rusty_kv::format_duration(Duration::from_millis(5_399_200)), "1h 30m");
/// ```
pub fn format_duration(span: Duration) -> String {
    humantime::format_duration(Duration::from_secs(whole_seconds(span))).to_string()
}

/// The duration in whole seconds, rounded up.
pub(crate) fn whole_seconds(span: Duration) -> u64 {
    span.as_secs().saturating_add(u64::from(span.subsec_nanos() > 0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_that_are_not_ahead_or_not_finite_are_refused() {
        for text in [
            "",
            "0",
            "0s",
            "-5",
            "1e30",
            "NaN",
            "inf",
            "1x",
            "99999999999999999999",
            " ",
            ".",
            "1.",
            ".5",
            "1..5",
            "1h30",
            "30 5s",
            "18446744073709551615s 1000000000ns",
            "18446744073709551615s",
            "10001y",
            "1h-5m",
            "1,5h",
            "5µ",
            "\u{661}s",
        ] {
            assert!(parse_duration(text).is_err(), "{text:?}");
        }
        for text in ["0", "0s", "0ms", "0h0m", "-5", "-1h"] {
            let error = parse_duration(text).unwrap_err().to_string();
            assert_eq!(error, format!("a duration must be more than zero, found '{text}'"));
        }
    }

    #[test]
    fn single_letter_units_are_lowercase_and_an_ambiguous_one_names_both_meanings() {
        for text in ["30M", "1h30M", "1.5 M"] {
            let error = parse_duration(text).unwrap_err().to_string();
            assert!(error.contains("m for minutes") && error.contains("months for months"), "{error}");
            assert_eq!(error.matches('M').count(), 1, "{error}");
        }
        for text in ["30S", "1H", "2D", "1W", "1Y"] {
            let error = parse_duration(text).unwrap_err().to_string();
            assert!(
                error.starts_with(&format!("expected {}, found '{text}': single-letter", text.to_lowercase())),
                "{error}"
            );
        }
    }

    proptest::proptest! {
        #![proptest_config(proptest::prelude::ProptestConfig::with_cases(3_000))]
        #[test]
        fn no_text_makes_a_duration_or_a_time_panic(
            text in "(-?[0-9]{0,22}(\\.[0-9]{0,30})? ?(ns|us|µs|ms|s|m|h|d|w|M|months|y|years|[a-zA-Z]{0,3})? ?){0,4}|\\PC{0,12}",
            time in "[0-9]{0,5}-?[0-9]{2}-[0-9]{2}[Tt ][0-9]{2}:[0-9]{2}:[0-9]{2}(\\.[0-9]{0,12})?([Zz]|[+-][0-9]{2}:[0-9]{2})?|\\PC{0,30}",
        ) {
            let _ = parse_wait(&text);
            if let Ok(span) = parse_duration(&text) {
                assert!(!span.is_zero());
                let _ = Timestamp::from_millis(LAST).after(span);
                let _ = format_duration(span);
            }
            if let Ok(time) = time.parse::<Timestamp>() {
                assert_eq!(time.to_string().parse::<Timestamp>().unwrap(), time);
            }
        }

        #[test]
        fn a_duration_reads_back_as_it_is_shown(seconds in 1u64..315_000_000_000) {
            let span = Duration::from_secs(seconds);
            assert_eq!(parse_duration(&format_duration(span)).unwrap(), span);
        }
    }

    #[test]
    fn durations_are_read_as_people_write_them() {
        for (text, seconds) in
            [("90", 90.0), ("1.5", 1.5), ("1h30m", 5400.0), ("1h 30m", 5400.0), ("2days", 172_800.0), ("500ms", 0.5)]
        {
            assert_eq!(parse_duration(text).unwrap(), Duration::from_secs_f64(seconds), "{text:?}");
        }
    }

    #[test]
    fn a_time_reads_back_as_it_was_shown_over_the_whole_range() {
        for millis in [0, 1, 999, 1_795_406_400_000, LAST] {
            let time = Timestamp::from_millis(millis);
            assert_eq!(time.to_string().parse::<Timestamp>().unwrap(), time);
        }
        assert_eq!(Timestamp::from_millis(u64::MAX).to_string(), "9999-12-31T23:59:59.999Z");
    }

    #[test]
    fn an_offset_is_subtracted() {
        for (text, utc) in [
            ("2026-11-23T05:00:00+01:00", "2026-11-23T04:00:00.000Z"),
            ("2026-11-22T22:30:00.25-05:30", "2026-11-23T04:00:00.250Z"),
            ("2026-11-23T04:00:00-00:00", "2026-11-23T04:00:00.000Z"),
            ("2026-11-23t04:00:00z", "2026-11-23T04:00:00.000Z"),
        ] {
            assert_eq!(text.parse::<Timestamp>().unwrap().to_string(), utc, "{text}");
        }
    }

    #[test]
    fn times_before_1970_and_words_are_refused() {
        for text in [
            "1969-12-31T23:59:59Z",
            "1970-01-01T00:00:00+00:01",
            "2026-11-23T04:00:00+24:00",
            "2026-11-23T04:00:00+1:00",
            "tomorrow",
            "",
            "2026-13-01T00:00:00Z",
            "2026-11-23",
        ] {
            assert!(text.parse::<Timestamp>().is_err(), "{text:?}");
        }
    }
}
