//! Objectives as they are written in settings.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

use super::binomial::WHOLE;

/// A share between nothing and everything, written as `"1%"` or `"0.1%"`, or as a number of basis points
/// (hundredths of a percent).
///
/// ```
/// use readiness_probes::http::Share;
/// let share: Share = "0.1%".parse()?;
/// assert_eq!(share.ppm(), 1_000);
/// assert_eq!(share.to_string(), "0.1 %");
/// # Ok::<(), String>(())
/// ```
#[derive(Clone, Copy, Debug, Deserialize, Eq, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(try_from = "ShareText", into = "String")]
pub struct Share(u32);

impl Share {
    /// So many millionths; `None` unless it is more than none and less than all of them.
    pub const fn from_ppm(ppm: u32) -> Option<Self> {
        if ppm > 0 && ppm < WHOLE {
            Some(Self(ppm))
        } else {
            None
        }
    }

    pub(super) const ONE_PERCENT: Self = Self(10_000);

    /// In millionths.
    pub fn ppm(self) -> u32 {
        self.0
    }
}

impl fmt::Display for Share {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&percent(self.0))
    }
}

impl FromStr for Share {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let number = text.trim().strip_suffix('%').map(str::trim_end);
        number
            .and_then(|number| fixed(number, 4))
            .and_then(|ppm| Self::from_ppm(u32::try_from(ppm).ok()?))
            .ok_or_else(|| {
                let shown: String = text.chars().take(30).collect();
                format!(
                    "`{shown}` is no share; write a percentage over 0 and under 100 with at most four decimals, \
                     such as `0.1%`"
                )
            })
    }
}

/// A share as it is written.
#[derive(Deserialize)]
#[serde(
    untagged,
    expecting = "a share is a percentage such as `\"0.1%\"`, or a whole number of basis points"
)]
enum ShareText {
    BasisPoints(u32),
    Text(String),
}

impl TryFrom<ShareText> for Share {
    type Error = String;

    fn try_from(text: ShareText) -> Result<Self, String> {
        match text {
            ShareText::Text(text) => text.parse(),
            ShareText::BasisPoints(points) => points
                .checked_mul(100)
                .and_then(Self::from_ppm)
                .ok_or_else(|| format!("a share is {points} basis points, expected 1 to 9999")),
        }
    }
}

impl From<Share> for String {
    fn from(share: Share) -> Self {
        share.to_string().replace(' ', "")
    }
}

/// A quantile of latency and what it may be, written as `"p99 <= 300 ms"`. Units are `us`, `ms` and `s`.
///
/// ```
/// use readiness_probes::http::LatencyObjective;
/// let objective: LatencyObjective = "p99.9 <= 1.5 s".parse()?;
/// assert_eq!(objective.limit_us(), 1_500_000);
/// assert_eq!(objective.to_string(), "p99.9 <= 1.5 s");
/// # Ok::<(), String>(())
/// ```
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(try_from = "String", into = "String")]
pub struct LatencyObjective {
    within: Share,
    limit_us: u64,
}

/// No latency objective is over an hour.
const MOST_LIMIT_US: u64 = 3_600_000_000;

impl LatencyObjective {
    /// This share of requests is answered within so many microseconds, from 1 to an hour.
    pub fn new(within: Share, limit_us: u64) -> Self {
        Self {
            within,
            limit_us: limit_us.clamp(1, MOST_LIMIT_US),
        }
    }

    /// The share that must be within the limit.
    pub fn within(self) -> Share {
        self.within
    }

    /// The share that may be over the limit, in millionths.
    pub(super) fn over_ppm(self) -> u32 {
        WHOLE - self.within.0
    }

    /// The limit in microseconds.
    pub fn limit_us(self) -> u64 {
        self.limit_us
    }

    /// `p99`.
    pub(super) fn name(self) -> String {
        format!("p{}", decimal(u64::from(self.within.0), 4))
    }
}

impl fmt::Display for LatencyObjective {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} <= {}", self.name(), time(self.limit_us))
    }
}

impl FromStr for LatencyObjective {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        read_latency(text).ok_or_else(|| {
            let shown: String = text.chars().take(40).collect();
            format!("`{shown}` is no latency objective; write `p99 <= 300 ms`, with `us`, `ms` or `s`, up to an hour")
        })
    }
}

fn read_latency(text: &str) -> Option<LatencyObjective> {
    let (quantile, limit) = text.split_once("<=")?;
    let quantile = quantile.trim().strip_prefix('p')?;
    let within = Share::from_ppm(u32::try_from(fixed(quantile, 4)?).ok()?)?;
    let limit = limit.trim();
    let (number, decimals) = [("us", 0), ("ms", 3), ("s", 6)]
        .into_iter()
        .find_map(|(unit, decimals)| Some((limit.strip_suffix(unit)?.trim_end(), decimals)))?;
    let limit_us = fixed(number, decimals)?;
    (1..=MOST_LIMIT_US)
        .contains(&limit_us)
        .then_some(LatencyObjective { within, limit_us })
}

impl TryFrom<String> for LatencyObjective {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl From<LatencyObjective> for String {
    fn from(objective: LatencyObjective) -> Self {
        objective.to_string()
    }
}

/// A decimal number as a whole one of its last place: `1.5` with three decimals is 1500.
fn fixed(text: &str, decimals: usize) -> Option<u64> {
    let (whole, part) = text.split_once('.').unwrap_or((text, "0"));
    let is_number = |digits: &str| !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit());
    if !is_number(whole) || !is_number(part) || whole.len() > 10 {
        return None;
    }
    let part = part.trim_end_matches('0');
    if part.len() > decimals {
        return None;
    }
    format!("{whole}{part:0<decimals$}").parse().ok()
}

/// A whole number of the last place as a decimal one, without zeros at the end.
fn decimal(number: u64, decimals: u32) -> String {
    let unit = 10_u64.pow(decimals);
    let (whole, part) = (number / unit, number % unit);
    if part == 0 {
        return whole.to_string();
    }
    let part = format!("{part:0width$}", width = decimals as usize);
    format!("{whole}.{}", part.trim_end_matches('0'))
}

/// Millionths as people read them: `0.1 %`.
pub(super) fn percent(ppm: u32) -> String {
    format!("{} %", decimal(u64::from(ppm), 4))
}

/// A latency as people read it: `300 ms`.
pub(super) fn time(us: u64) -> String {
    match us {
        0..1_000 => format!("{us} us"),
        1_000..1_000_000 => format!("{} ms", decimal(us, 3)),
        _ => format!("{} s", decimal(us, 6)),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn shares_are_read_and_written() {
        for (value, ppm) in [
            (json!("1%"), 10_000),
            (json!("0.1 %"), 1_000),
            (json!("99.99%"), 999_900),
            (json!("0.0001%"), 1),
            (json!(1), 100),
            (json!(9_999), 999_900),
        ] {
            let share: Share = serde_json::from_value(value.clone()).unwrap();
            assert_eq!(share.ppm(), ppm, "{value}");
            let written = serde_json::to_value(share).unwrap();
            assert_eq!(serde_json::from_value::<Share>(written).unwrap(), share);
        }
        for wrong in [
            json!("0%"),
            json!("100%"),
            json!("1"),
            json!("-1%"),
            json!("1e2%"),
            json!("0.00001%"),
            json!(".1%"),
            json!("1.%"),
            json!("99999999999999999999%"),
            json!(0),
            json!(10_000),
            json!(u32::MAX),
            json!(0.01),
        ] {
            let error = serde_json::from_value::<Share>(wrong.clone()).unwrap_err();
            assert!(error.to_string().contains("share"), "{wrong}: {error}");
        }
    }

    #[test]
    fn latencies_are_read_and_written() {
        for (text, ppm, us, written) in [
            ("p99 <= 300 ms", 990_000, 300_000, "p99 <= 300 ms"),
            ("p50<=1s", 500_000, 1_000_000, "p50 <= 1 s"),
            (" p99.99 <= 1.25ms ", 999_900, 1_250, "p99.99 <= 1.25 ms"),
            ("p95 <= 999 us", 950_000, 999, "p95 <= 999 us"),
            ("p95 <= 3600 s", 950_000, 3_600_000_000, "p95 <= 3600 s"),
        ] {
            let read: LatencyObjective = text.parse().unwrap();
            assert_eq!((read.within().ppm(), read.limit_us()), (ppm, us), "{text}");
            assert_eq!(read.to_string(), written);
        }
        for wrong in [
            "",
            "p99",
            "99 <= 1 s",
            "p0 <= 1 s",
            "p100 <= 1 s",
            "p99 < 1 s",
            "p99 <= 1",
            "p99 <= 0 ms",
            "p99 <= 3601 s",
            "p99 <= 1.5 us",
            "p99 <= -1 s",
            "p99 <= 1 h",
            "p99 <= ä s",
        ] {
            let error = wrong.parse::<LatencyObjective>().unwrap_err();
            assert!(error.contains("p99 <= 300 ms"), "{wrong}");
        }
    }
}
