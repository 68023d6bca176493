use std::{fmt, ops::RangeInclusive};

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Status codes: a list of numbers and ranges, such as `[200, "202-204"]`. Never empty.
#[derive(Clone, Debug, Deserialize, Eq, Hash, PartialEq, Serialize)]
#[serde(try_from = "Vec<Value>", into = "Vec<Value>")]
pub struct StatusSet(Vec<RangeInclusive<u16>>);

impl StatusSet {
    /// Whether this code is one of them.
    pub fn contains(&self, status: u16) -> bool {
        self.0.iter().any(|range| range.contains(&status))
    }
}

impl Default for StatusSet {
    fn default() -> Self {
        Self(vec![200..=299])
    }
}

impl From<StatusSet> for Vec<Value> {
    fn from(set: StatusSet) -> Self {
        let written = set.0.into_iter().map(|range| {
            let (first, last) = range.into_inner();
            match first == last {
                true => Value::from(first),
                false => Value::from(format!("{first}-{last}")),
            }
        });
        written.collect()
    }
}

impl TryFrom<Vec<Value>> for StatusSet {
    type Error = String;

    fn try_from(items: Vec<Value>) -> Result<Self, Self::Error> {
        if items.is_empty() {
            return Err("a list of status codes is empty, which accepts none; write `[200]`".to_owned());
        }
        items.iter().map(range).collect::<Result<_, _>>().map(Self)
    }
}

fn range(item: &Value) -> Result<RangeInclusive<u16>, String> {
    let code = |text: &str| text.trim().parse::<u16>().ok();
    let found = match item {
        Value::Number(number) => number.as_u64().and_then(|n| u16::try_from(n).ok()).map(|n| n..=n),
        Value::String(text) => match text.split_once('-') {
            Some((first, last)) => code(first).zip(code(last)).map(|(first, last)| first..=last),
            None => code(text).map(|n| n..=n),
        },
        _ => None,
    };
    found
        .filter(|range| !range.is_empty() && *range.start() >= 100 && *range.end() <= 599)
        .ok_or_else(|| {
            let shown: String = item.to_string().chars().take(30).collect();
            format!("`{shown}` is no status code; write `200` or `\"200-299\"`, from 100 to 599")
        })
}

impl fmt::Display for StatusSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, range) in self.0.iter().enumerate() {
            if i > 0 {
                f.write_str(", ")?;
            }
            if range.start() == range.end() {
                write!(f, "{}", range.start())?;
            } else {
                write!(f, "{}-{}", range.start(), range.end())?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn numbers_and_ranges_are_read() {
        let set: StatusSet = serde_json::from_value(json!([200, "202-204", "301"])).unwrap();
        assert_eq!(set.to_string(), "200, 202-204, 301");
        assert_eq!(
            serde_json::to_value(&set).unwrap(),
            json!([200, "202-204", 301]),
            "it is written as it is read"
        );
        for (status, expected) in [
            (199, false),
            (200, true),
            (201, false),
            (202, true),
            (204, true),
            (205, false),
            (301, true),
        ] {
            assert_eq!(set.contains(status), expected, "{status}");
        }
        let usual = StatusSet::default();
        assert!(!usual.contains(199) && usual.contains(200) && usual.contains(299) && !usual.contains(300));
    }

    #[test]
    fn what_accepts_nothing_is_an_error() {
        for wrong in [
            json!([]),
            json!(["299-200"]),
            json!([99]),
            json!([600]),
            json!(["abc"]),
            json!([2.5]),
            json!([-200]),
            json!([null]),
            json!(200),
        ] {
            assert!(
                serde_json::from_value::<StatusSet>(wrong.clone()).is_err(),
                "{wrong}"
            );
        }
    }
}
