//! `todate` and `fromdate`: RFC 3339 in UTC to the second, read as leniently as jq reads it.

/// The text of a time. Parts of seconds are left out, towards zero.
pub(super) fn format(seconds: f64) -> Option<String> {
    // The C library's years have 32 bits.
    const MOST: f64 = 6.7e16;
    if !(-MOST..=MOST).contains(&seconds) {
        return None;
    }
    #[expect(clippy::cast_possible_truncation, reason = "it was checked; parts are left out")]
    let seconds = seconds as i64;
    let (year, month, day) = civil(seconds.div_euclid(86_400));
    let of_day = seconds.rem_euclid(86_400);
    let (hour, minute, second) = (of_day / 3600, of_day / 60 % 60, of_day % 60);
    i32::try_from(year).ok()?;
    Some(fields(year, [month, day, hour, minute, second]))
}

/// The text of a time that is taken apart.
pub(super) fn fields(year: i64, [month, day, hour, minute, second]: [i64; 5]) -> String {
    format!("{year}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z")
}

/// The seconds that a text says.
pub(super) fn parse(text: &str) -> Option<i64> {
    let mut rest = text.as_bytes();
    let year = number(&mut rest, 4, 0, 9999)?;
    let mut part = |sign: u8, least, most| {
        rest = rest.strip_prefix(&[sign])?;
        number(&mut rest, 2, least, most)
    };
    let (month, day) = (part(b'-', 1, 12)?, part(b'-', 1, 31)?);
    let (hour, minute, second) = (part(b'T', 0, 23)?, part(b':', 0, 59)?, part(b':', 0, 61)?);
    rest = rest.strip_prefix(b"Z")?;
    if rest.first().is_some_and(|byte| !matches!(byte, b' ' | b'\t'..=b'\r')) {
        return None;
    }
    // The 30th of February is the second of March.
    let days = days(year, month) + day - 1;
    let seconds = days * 86_400 + hour * 3600 + minute * 60 + second;
    // That is how the C library says that it failed.
    (seconds != -1).then_some(seconds)
}

/// Digits after blanks.
fn number(rest: &mut &[u8], most_digits: usize, least: i64, most: i64) -> Option<i64> {
    while let Some(behind) = rest.strip_prefix(b" ") {
        *rest = behind;
    }
    let (mut value, mut count) = (0, 0);
    while let Some((digit @ b'0'..=b'9', behind)) = rest.split_first() {
        if count == most_digits || (count > 0 && value * 10 > most) {
            break;
        }
        value = value * 10 + i64::from(digit - b'0');
        count += 1;
        *rest = behind;
    }
    (count > 0 && (least..=most).contains(&value)).then_some(value)
}

/// Days from 1970 to the first of a month, in the Gregorian calendar of all times.
fn days(year: i64, month: i64) -> i64 {
    // Years that begin in March end with the leap day.
    let year = if month > 2 { year } else { year - 1 };
    let of_year = (153 * ((month + 9) % 12) + 2) / 5;
    let era = year.div_euclid(400);
    let of_era = year.rem_euclid(400);
    era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468
}

/// Year, month and day of a day since 1970.
fn civil(day: i64) -> (i64, i64, i64) {
    let day = day + 719_468;
    let era = day.div_euclid(146_097);
    let of_era = day.rem_euclid(146_097);
    let year = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let march_month = (5 * of_year + 2) / 153;
    let month = if march_month < 10 { march_month + 3 } else { march_month - 9 };
    (year + era * 400 + i64::from(month <= 2), month, of_year - (153 * march_month + 2) / 5 + 1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn texts_are_read_as_the_c_library_reads_them() {
        for (text, wanted) in [
            ("2015-03-05T23:51:47Z", Some(1_425_599_507)),
            ("2015-3-5T3:1:7Z", Some(1_425_524_467)),
            (" 2015-02-30T00:00:60Z x", Some(1_425_254_460)),
            ("1969-12-31T23:59:59Z", None),
            ("2015-13-05T23:51:47Z", None),
            ("2015-03-05", None),
            ("2015-03-05T23:51:47.5Z", None),
            ("2015-03-05T23:51:47Zx", None),
        ] {
            assert_eq!(parse(text), wanted, "{text}");
        }
    }

    #[test]
    fn times_are_written_like_that_too() {
        assert_eq!(format(1_425_599_621.678).as_deref(), Some("2015-03-05T23:53:41Z"));
        assert_eq!(format(-1.5).as_deref(), Some("1969-12-31T23:59:59Z"));
        assert_eq!(format(253_402_300_800.0).as_deref(), Some("10000-01-01T00:00:00Z"));
        assert_eq!(format(-62_135_596_801.0).as_deref(), Some("0-12-31T23:59:59Z"));
        assert_eq!((format(1e18), format(f64::NAN)), (None, None));
    }

    proptest! {
        #[test]
        fn a_time_reads_back(seconds in 0_i64..253_402_300_800) {
            #[expect(clippy::cast_precision_loss, reason = "it fits")]
            let text = format(seconds as f64).unwrap();
            prop_assert_eq!(parse(&text), Some(seconds));
        }
    }
}
