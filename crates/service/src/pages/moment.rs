//! Times in pages.

use std::time::{Duration, UNIX_EPOCH};

use maud::{Markup, html};

/// Time in seconds since 1970, to the minute in UTC.
pub fn moment(seconds: i64) -> Markup {
    let Some(text) = rfc3339(seconds) else { return html! { "unknown" } };
    // 2026-11-30T12:13:02Z
    let (day, minute) = (&text[..10], &text[11..16]);
    html! { time datetime=(text) { (day) " " (minute) " UTC" } }
}

/// Day of a number of days since 1970, such as 2026-11-30.
pub fn day(days: i64) -> String {
    let text = days.checked_mul(86_400).and_then(rfc3339);
    text.map_or_else(|| "unknown".to_owned(), |text| text[..10].to_owned())
}

/// Text of a time up to the year 9999.
fn rfc3339(seconds: i64) -> Option<String> {
    const YEAR_10_000: u64 = 253_402_300_800;
    let seconds = u64::try_from(seconds).ok().filter(|seconds| *seconds < YEAR_10_000)?;
    Some(humantime::format_rfc3339_seconds(UNIX_EPOCH + Duration::from_secs(seconds)).to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_told_to_the_minute() {
        assert_eq!(
            moment(1_795_910_400 + 61).into_string(),
            "<time datetime=\"2026-11-29T00:01:01Z\">2026-11-29 00:01 UTC</time>"
        );
        assert_eq!((day(0).as_str(), day(20_786).as_str()), ("1970-01-01", "2026-11-29"));
        for odd in [-1, i64::MIN, i64::MAX] {
            assert_eq!(moment(odd).into_string(), "unknown");
            assert_eq!(day(odd), "unknown");
        }
    }
}
