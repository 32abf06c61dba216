//! Dates in the calendar, in UTC. A script turns the times of a page into the browser's time zone.

use countersign::Timestamp;
use std::time::Duration;

/// Returns the attribute `datetime` of the element `time`, as in RFC 3339.
///
/// On your own pages, give the element the attribute `data-cs-time` too. Then the
/// [script](crate::script) shows the time in the browser's time zone, or only the date if the
/// attribute is `date`.
#[must_use]
pub fn datetime(at: Timestamp) -> String {
    Utc::from(at).attribute()
}

/// A time in UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Utc {
    pub(crate) year: u64,
    /// From 1 to 12.
    pub(crate) month: u8,
    pub(crate) day: u8,
    pub(crate) hour: u8,
    pub(crate) minute: u8,
    pub(crate) second: u8,
}

impl Utc {
    /// The attribute `datetime` of the element `time`.
    fn attribute(self) -> String {
        let Self {
            year, month, day, ..
        } = self;
        let (hour, minute, second) = (self.hour, self.minute, self.second);
        format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z")
    }
}

impl From<Timestamp> for Utc {
    #[expect(
        clippy::arithmetic_side_effects,
        clippy::cast_possible_truncation,
        reason = "the time is at most the end of the year 9999"
    )]
    fn from(at: Timestamp) -> Self {
        let seconds = at.as_unix().min(END);
        let (days, rest) = (seconds / 86_400, seconds % 86_400);
        // Years begin in March here, so that a leap day is the last day of its year.
        let days = days + 719_468;
        let (era, day_of_era) = (days / 146_097, days % 146_097);
        let year_of_era =
            (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
        let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        let months_since_march = (5 * day_of_year + 2) / 153;
        let day = day_of_year - (153 * months_since_march + 2) / 5 + 1;
        let month = (months_since_march + 2) % 12 + 1;
        Self {
            year: year_of_era + era * 400 + u64::from(month <= 2),
            month: month as u8,
            day: day as u8,
            hour: (rest / 3_600) as u8,
            minute: (rest / 60 % 60) as u8,
            second: (rest % 60) as u8,
        }
    }
}

/// The last second of the year 9999.
const END: u64 = 253_402_300_799;

/// A span of time in the largest unit that is exact enough, rounded up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Span {
    Seconds(u64),
    Minutes(u64),
    Hours(u64),
    Days(u64),
}

impl From<Duration> for Span {
    fn from(duration: Duration) -> Self {
        let seconds = duration.as_secs();
        match seconds {
            0..120 => Self::Seconds(seconds),
            120..7_200 => Self::Minutes(seconds.div_ceil(60)),
            7_200..172_800 => Self::Hours(seconds.div_ceil(3_600)),
            _ => Self::Days(seconds.div_ceil(86_400)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_follow_the_calendar() {
        let cases = [
            (0, "1970-01-01T00:00:00Z"),
            (951_782_399, "2000-02-28T23:59:59Z"),
            (951_782_400, "2000-02-29T00:00:00Z"),
            (951_868_800, "2000-03-01T00:00:00Z"),
            (1_709_251_199, "2024-02-29T23:59:59Z"),
            (1_735_689_599, "2024-12-31T23:59:59Z"),
            (1_800_000_000, "2027-01-15T08:00:00Z"),
            (4_107_542_400, "2100-03-01T00:00:00Z"),
            (END, "9999-12-31T23:59:59Z"),
            (u64::MAX, "9999-12-31T23:59:59Z"),
        ];
        for (seconds, text) in cases {
            let utc = Utc::from(Timestamp::from_unix(seconds));
            assert_eq!(utc.attribute(), text);
        }
    }

    #[test]
    fn spans_round_up() {
        let cases = [
            (0, Span::Seconds(0)),
            (1, Span::Seconds(1)),
            (119, Span::Seconds(119)),
            (120, Span::Minutes(2)),
            (121, Span::Minutes(3)),
            (7_199, Span::Minutes(120)),
            (7_200, Span::Hours(2)),
            (172_799, Span::Hours(48)),
            (172_800, Span::Days(2)),
            (172_801, Span::Days(3)),
        ];
        for (seconds, span) in cases {
            assert_eq!(Span::from(Duration::from_secs(seconds)), span);
        }
    }
}
