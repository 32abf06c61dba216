//! Formats times for people.

use std::fmt;
use std::time::Duration;

use countersign::Timestamp;
use time::OffsetDateTime;
use time::format_description::BorrowedFormatItem;
use time::macros::format_description;

/// A time on a page: as text, and as the attribute `datetime`.
pub(crate) struct FormattedTime {
    pub(crate) text: String,
    pub(crate) datetime: String,
}

impl From<Timestamp> for FormattedTime {
    fn from(time: Timestamp) -> Self {
        Self {
            text: format(time, TEXT),
            datetime: format(time, DATETIME),
        }
    }
}

/// A date for the backup-code file.
pub(crate) fn date(time: Timestamp) -> String {
    format(time, DATE)
}

/// A duration in the largest unit that is exact enough: 45 seconds, 3 minutes, 2 hours, 5 days.
pub(crate) fn span(duration: Duration) -> String {
    let seconds = duration.as_secs();
    let (units, unit) = match seconds {
        0..120 => (seconds, "second"),
        120..7_200 => (seconds.div_ceil(60), "minute"),
        7_200..172_800 => (seconds.div_ceil(3_600), "hour"),
        _ => (seconds.div_ceil(86_400), "day"),
    };
    count(units, unit)
}

/// `1 code`, `2 codes`.
pub(crate) fn count(number: impl fmt::Display + PartialEq<u64>, thing: &str) -> String {
    let plural = if number == 1 { "" } else { "s" };
    format!("{number} {thing}{plural}")
}

fn format(time: Timestamp, form: &[BorrowedFormatItem<'_>]) -> String {
    i64::try_from(time.as_unix())
        .ok()
        .and_then(|seconds| OffsetDateTime::from_unix_timestamp(seconds).ok())
        .and_then(|time| time.format(form).ok())
        .unwrap_or_else(|| "at an unknown time".into())
}

const TEXT: &[BorrowedFormatItem<'_>] = format_description!(
    version = 2,
    "[day padding:none] [month repr:short] [year], [hour]:[minute] UTC"
);
const DATE: &[BorrowedFormatItem<'_>] =
    format_description!(version = 2, "[day padding:none] [month repr:long] [year]");
const DATETIME: &[BorrowedFormatItem<'_>] = format_description!(
    version = 2,
    "[year]-[month]-[day]T[hour]:[minute]:[second]Z"
);
