//! Deadlines: points in time, and "1h30m" both ways. Only [`Timestamp::now`] asks for the time.

use std::fmt;
use std::str::FromStr;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::error::{Error, Result, cut};

/// A point in time: UTC, in whole milliseconds since 1970, up to the year 9999.
///
/// It is read and shown as RFC 3339, which is also its form in the file.
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

/// The last millisecond of the year 9999, the last that RFC 3339 can write.
const LAST: u64 = 253_402_300_799_999;

impl Timestamp {
    /// The system's clock. A clock before 1970 counts as 1970, one after 9999 as its end.
    ///
    /// ```
    /// assert!(rusty_kv::Timestamp::now() > rusty_kv::Timestamp::from_millis(0));
    /// ```
    #[expect(clippy::disallowed_methods, reason = "the one home of the clock")]
    pub fn now() -> Self {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Self::from_millis(u64::try_from(since.as_millis()).unwrap_or(LAST))
    }

    /// From milliseconds since 1970, cut off at the end of the year 9999.
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

    /// The point `span` later, rounded up to a millisecond.
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
            .ok_or(Error::OutOfRange { range: "a deadline may be as late as the year 9999" })
    }

    /// How long after `earlier` this is; zero if it is not after it.
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

    /// Reads RFC 3339 (`2026-11-23T04:00:00Z`, `2026-11-23T05:00:00.5+01:00`). Finer fractions are cut to milliseconds.
    fn from_str(text: &str) -> Result<Self> {
        let (utc, behind) = split_offset(&text.to_ascii_uppercase());
        humantime::parse_rfc3339(&utc)
            .ok()
            .and_then(|time| time.duration_since(UNIX_EPOCH).ok())
            .and_then(|since| i64::try_from(since.as_millis()).ok())
            .and_then(|millis| u64::try_from(millis - behind).ok())
            .filter(|&millis| millis <= LAST)
            .map(Self)
            .ok_or_else(|| Error::NotATime { given: cut(text), wanted: "time like 2026-11-23T04:00:00Z" })
    }
}

/// The local time of an RFC 3339 text as if it were UTC, and how many milliseconds it is ahead of UTC.
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

/// Reads a duration: `90` (seconds), `1.5h`, `1h30m`, `2days`. Units are case-sensitive: `m` is a minute, `M` a month.
///
/// # Errors
/// [`Error::NotATime`], also for zero and for anything negative: a deadline lies ahead.
///
/// ```
/// use std::time::Duration;
/// assert_eq!(rusty_kv::parse_duration("1h30m")?, Duration::from_secs(5400));
/// assert_eq!(rusty_kv::parse_duration("90")?, Duration::from_secs(90));
/// assert!(rusty_kv::parse_duration("-1").is_err());
/// # Ok::<(), rusty_kv::Error>(())
/// ```
pub fn parse_duration(text: &str) -> Result<Duration> {
    let number = text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
    let parsed = if number && !text.is_empty() {
        humantime::parse_duration(&format!("{text}s"))
    } else {
        humantime::parse_duration(text)
    };
    parsed
        .ok()
        .filter(|span| !span.is_zero())
        .ok_or_else(|| Error::NotATime { given: cut(text), wanted: "duration like 90, 45s, 1h30m or 2days" })
}

/// Shows a duration for a person, in whole seconds rounded up so that what is left never reads as nothing.
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
        for text in ["", "0", "0s", "-5", "1e30", "NaN", "inf", "1x", "99999999999999999999", " ", "."] {
            assert!(parse_duration(text).is_err(), "{text:?}");
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
    fn an_offset_is_taken_off() {
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
