use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use crate::{
    outcome::{Outcome, Unit},
    report::RequirementResult,
};

/// A SHA-256, written as 64 hexadecimal digits.
#[derive(Clone, Debug, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(try_from = "String", into = "String")]
pub struct Digest(String);

impl Digest {
    /// The digest of these bytes.
    pub fn of(bytes: &[u8]) -> Self {
        use fmt::Write;
        let mut text = String::with_capacity(64);
        for byte in Sha256::digest(bytes) {
            let _ = write!(text, "{byte:02x}");
        }
        Self(text)
    }

    /// The digest of a value as canonical JSON: keys sorted, no spaces.
    ///
    /// ```
    /// use readiness_core::score::Digest;
    /// let one = serde_json::json!({ "a": 1, "b": [true, null] });
    /// assert_eq!(Digest::of_json(&one), Digest::of(br#"{"a":1,"b":[true,null]}"#));
    /// ```
    pub fn of_json(value: &Value) -> Self {
        let mut text = String::new();
        canonical(value, &mut text);
        Self::of(text.as_bytes())
    }

    /// The digest of what was seen and judged, whatever the order in which it came: without times and
    /// durations, addresses, and what waivers, attestations and baselines made of it.
    pub(crate) fn of_results(results: &[RequirementResult]) -> Self {
        let mut seen: Vec<(&str, &str, Value)> = Vec::new();
        for result in results {
            for target in &result.targets {
                let value = json!({
                    "requirement": result.id,
                    "probe": result.probe,
                    "priority": result.priority,
                    "weight": result.weight,
                    "blocker": result.blocker,
                    "target": target.target,
                    "outcome": timeless(&target.outcome),
                });
                seen.push((&result.id, &target.target, value));
            }
        }
        seen.sort_by(|a, b| (a.0, a.1).cmp(&(b.0, b.1)));
        Self::of_json(&Value::Array(
            seen.into_iter().map(|(_, _, value)| value).collect(),
        ))
    }

    /// The digits.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl TryFrom<String> for Digest {
    type Error = String;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        if text.len() == 64 && text.bytes().all(|b| b.is_ascii_hexdigit()) {
            Ok(Self(text.to_ascii_lowercase()))
        } else {
            Err("a SHA-256 is 64 hexadecimal digits".to_owned())
        }
    }
}

impl From<Digest> for String {
    fn from(digest: Digest) -> Self {
        digest.0
    }
}

fn timeless(outcome: &Outcome) -> Value {
    let mut outcome = outcome.clone();
    outcome
        .measures
        .retain(|measure| !matches!(measure.unit, Unit::Microseconds));
    serde_json::to_value(outcome).unwrap_or_default()
}

// serde_json keeps keys sorted or as they came, depending on a feature any crate of the build may turn on.
fn canonical(value: &Value, text: &mut String) {
    match value {
        Value::Array(items) => {
            text.push('[');
            for (i, item) in items.iter().enumerate() {
                if i > 0 {
                    text.push(',');
                }
                canonical(item, text);
            }
            text.push(']');
        }
        Value::Object(map) => {
            let mut entries: Vec<(&String, &Value)> = map.iter().collect();
            entries.sort_by_key(|(key, _)| *key);
            text.push('{');
            for (i, (key, value)) in entries.into_iter().enumerate() {
                if i > 0 {
                    text.push(',');
                }
                text.push_str(&Value::String(key.clone()).to_string());
                text.push(':');
                canonical(value, text);
            }
            text.push('}');
        }
        scalar => text.push_str(&scalar.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn canonical_json_sorts_keys_at_every_depth() {
        let value: Value = serde_json::from_str(r#"{"b":[{"z":1,"y":"\""}],"a":null}"#).unwrap();
        let mut text = String::new();
        canonical(&value, &mut text);
        assert_eq!(text, r#"{"a":null,"b":[{"y":"\"","z":1}]}"#);
    }

    #[test]
    fn times_are_left_out_and_other_measures_are_not() {
        use crate::{
            Measure,
            score::fixture::{Given, NOW, report},
        };
        let digest = |value: i64, unit: Unit| {
            let outcome = Outcome::pass("fine").measure(Measure::new("m", value, unit));
            report(vec![Given::new("a.x", outcome)])
                .concluded(NOW)
                .results_digest
        };
        assert_eq!(digest(1, Unit::Microseconds), digest(2, Unit::Microseconds));
        assert_ne!(digest(1, Unit::Bytes), digest(2, Unit::Bytes));
    }

    #[test]
    fn only_64_hexadecimal_digits_are_a_digest() {
        let digest = Digest::of(b"");
        assert_eq!(Digest::try_from(digest.as_str().to_uppercase()), Ok(digest));
        assert!(Digest::try_from("e3b0".to_owned()).is_err());
        assert!(Digest::try_from("g".repeat(64)).is_err());
    }
}
