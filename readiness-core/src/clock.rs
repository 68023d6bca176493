//! Time as a parameter: instants without a time zone, and clocks that can stand still.

use std::{
    fmt,
    str::FromStr,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use serde::{Deserialize, Serialize};

/// An instant in UTC, to the second. Written as RFC 3339: `2026-11-20T08:00:00Z`.
///
/// ```
/// use readiness_core::Timestamp;
/// let end: Timestamp = "2027-01-31".parse()?;
/// assert_eq!(end.to_string(), "2027-01-31T00:00:00Z");
/// # Ok::<(), readiness_core::TimestampError>(())
/// ```
#[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(try_from = "String", into = "String")]
pub struct Timestamp(i64);

impl Timestamp {
    /// An instant by its seconds since 1970-01-01T00:00:00Z.
    pub const fn from_unix_seconds(seconds: i64) -> Self {
        Self(seconds)
    }

    /// Seconds since 1970-01-01T00:00:00Z.
    pub const fn unix_seconds(self) -> i64 {
        self.0
    }

    /// Seconds from `earlier` to this one; negative if it comes before.
    pub const fn seconds_since(self, earlier: Self) -> i64 {
        self.0.saturating_sub(earlier.0)
    }

    /// This instant and some seconds more.
    pub const fn plus_seconds(self, seconds: i64) -> Self {
        Self(self.0.saturating_add(seconds))
    }

    /// This instant and some days of 86,400 seconds more.
    pub const fn plus_days(self, days: i64) -> Self {
        Self(self.0.saturating_add(days.saturating_mul(86_400)))
    }

    /// The day alone: `2026-11-20`.
    pub fn date(self) -> String {
        let mut text = self.to_string();
        text.truncate(text.find('T').unwrap_or(text.len()));
        text
    }
}

impl From<SystemTime> for Timestamp {
    fn from(time: SystemTime) -> Self {
        let seconds = |d: Duration| i64::try_from(d.as_secs()).unwrap_or(i64::MAX);
        Self(match time.duration_since(UNIX_EPOCH) {
            Ok(after) => seconds(after),
            Err(before) => -seconds(before.duration()),
        })
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match jiff::Timestamp::from_second(self.0) {
            Ok(instant) => write!(f, "{instant}"),
            // Past the year 9999: a certificate may say so.
            Err(_) => write!(f, "@{}", self.0),
        }
    }
}

impl FromStr for Timestamp {
    type Err = TimestampError;

    /// Reads RFC 3339 with an offset, or a date alone, which means its first second in UTC.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if let Ok(instant) = text.parse::<jiff::Timestamp>() {
            return Ok(Self(instant.as_second()));
        }
        if let Some(seconds) = text.strip_prefix('@').and_then(|s| s.parse().ok()) {
            return Ok(Self(seconds));
        }
        let is_date = text.len() == 10 && text.is_ascii();
        if let (true, Ok(date)) = (is_date, text.parse::<jiff::civil::Date>()) {
            let zoned = date.to_zoned(jiff::tz::TimeZone::UTC);
            if let Ok(zoned) = zoned {
                return Ok(Self(zoned.timestamp().as_second()));
            }
        }
        Err(TimestampError {
            text: text.chars().take(40).collect(),
        })
    }
}

impl TryFrom<String> for Timestamp {
    type Error = TimestampError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<Timestamp> for String {
    fn from(time: Timestamp) -> Self {
        time.to_string()
    }
}

/// A text that is no instant.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("`{text}` is no date or time; write `2027-01-31` or `2027-01-31T12:00:00Z`")]
pub struct TimestampError {
    text: String,
}

/// Where a run takes its "now" from: asked once, at the start.
pub trait Clock: fmt::Debug + Send + Sync {
    /// The instant it is.
    fn now(&self) -> Timestamp;
}

/// The clock of the machine.
#[derive(Clone, Copy, Debug, Default)]
#[non_exhaustive]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        SystemTime::now().into()
    }
}

/// A clock that stands still, for tests and for judging facts as of another day.
#[derive(Clone, Copy, Debug)]
pub struct FixedClock(Timestamp);

impl FixedClock {
    /// A clock that always says this instant.
    pub fn new(now: Timestamp) -> Self {
        Self(now)
    }
}

impl Clock for FixedClock {
    fn now(&self) -> Timestamp {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_and_writes() {
        let at = |s: &str| s.parse::<Timestamp>();
        assert_eq!(at("1970-01-02").unwrap().unix_seconds(), 86_400);
        assert_eq!(
            at("2026-11-20T08:00:00+01:00").unwrap(),
            at("2026-11-20T07:00:00Z").unwrap()
        );
        assert_eq!(at("2026-11-20").unwrap().date(), "2026-11-20");
        for wrong in ["", "tomorrow", "2026-02-30", "2026-11-20T08:00:00", "2026-11"] {
            assert!(at(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn any_number_of_seconds_survives() {
        for seconds in [0, -1, i64::MAX, i64::MIN, 253_402_300_800] {
            let time = Timestamp::from_unix_seconds(seconds);
            assert_eq!(time.to_string().parse::<Timestamp>().unwrap(), time);
        }
    }
}
