use std::{borrow::Cow, fmt};

use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest as _, Sha256};

use super::{
    Policy,
    canonical::{Canonical, write_value},
};
use crate::{
    outcome::{Measure, Outcome, Unit},
    probe::{Priority, ProbeId},
    report::{RequirementResult, TargetResult},
};

/// A SHA-256, written as 64 hexadecimal digits.
#[derive(Clone, Debug, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(try_from = "String", into = "String")]
pub struct Digest(String);

impl Digest {
    /// The digest of these bytes.
    pub fn of(bytes: &[u8]) -> Self {
        Self::of_hash(&Sha256::digest(bytes))
    }

    pub(super) fn of_hash(hash: &[u8]) -> Self {
        use fmt::Write;
        let mut text = String::with_capacity(64);
        for byte in hash {
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
        write_value(value, &mut text);
        Self::of(text.as_bytes())
    }

    /// The digest of what was seen and judged, whatever the order in which it came: without times and
    /// durations, addresses, and what waivers, attestations and baselines made of it.
    pub(crate) fn of_results(results: &[RequirementResult]) -> Self {
        let mut rows: Vec<(&RequirementResult, &TargetResult)> = results
            .iter()
            .flat_map(|result| result.targets.iter().map(move |target| (result, target)))
            .collect();
        rows.sort_by_key(|(result, target)| (result.id.as_str(), target.target.as_str()));
        let mut canonical = Canonical::default();
        canonical.text("[");
        for (i, (result, target)) in rows.into_iter().enumerate() {
            if i > 0 {
                canonical.text(",");
            }
            canonical.fields(&Seen {
                blocker: result.blocker,
                outcome: timeless(&target.outcome),
                priority: result.priority,
                probe: &result.probe,
                requirement: &result.id,
                target: &target.target,
                weight: result.weight,
            });
        }
        canonical.text("]");
        canonical.finish()
    }

    /// The digest of a suite: what it asks, by which catalogue and policy.
    pub(crate) fn of_suite<'a>(
        catalog: &str,
        policy: &Policy,
        requirements: impl Iterator<Item = Asked<'a>>,
    ) -> Self {
        let mut canonical = Canonical::default();
        canonical.text("{\"catalog\":");
        canonical.fields(&catalog);
        canonical.text(",\"policy\":");
        canonical.value(&serde_json::to_value(policy).unwrap_or_default());
        canonical.text(",\"requirements\":[");
        for (i, asked) in requirements.enumerate() {
            if i > 0 {
                canonical.text(",");
            }
            canonical.fields(&asked);
        }
        canonical.text("]}");
        canonical.finish()
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

/// What a suite asks, as its digest holds it.
#[derive(Serialize)]
pub(crate) struct Asked<'a> {
    pub(crate) attempts: u32,
    pub(crate) blocker: Option<bool>,
    pub(crate) id: &'a str,
    /// Left out where it is one, as most suites have it.
    #[serde(skip_serializing_if = "is_one")]
    pub(crate) needed: u32,
    pub(crate) priority: Priority,
    pub(crate) probe: String,
    pub(crate) targets: Vec<&'a str>,
    pub(crate) timeout: String,
    pub(crate) weight: Option<u32>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
fn is_one(number: &u32) -> bool {
    *number == 1
}

/// What was seen of one requirement at one target, as the digest of the results holds it.
#[derive(Serialize)]
struct Seen<'a> {
    blocker: bool,
    outcome: Cow<'a, Outcome>,
    priority: Priority,
    probe: &'a ProbeId,
    requirement: &'a str,
    target: &'a str,
    weight: u32,
}

fn timeless(outcome: &Outcome) -> Cow<'_, Outcome> {
    let is_time = |measure: &Measure| matches!(measure.unit, Unit::Microseconds);
    if !outcome.measures.iter().any(is_time) {
        return Cow::Borrowed(outcome);
    }
    let mut outcome = outcome.clone();
    outcome.measures.retain(|measure| !is_time(measure));
    Cow::Owned(outcome)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_are_digested_as_one_sorted_list() {
        use crate::score::fixture::{Given, NOW, report};
        let failed = Outcome::fail("no").finding(crate::Finding::fail("x", "y").subject("z"));
        let given = || vec![Given::new("b.x", failed.clone()), Given::pass("a.x").blocker()];
        let seen = |result: &RequirementResult| {
            serde_json::json!({
                "requirement": result.id,
                "probe": result.probe,
                "priority": result.priority,
                "weight": result.weight,
                "blocker": result.blocker,
                "target": result.targets[0].target,
                "outcome": result.targets[0].outcome,
            })
        };
        let report = report(given()).concluded(NOW);
        let expected = serde_json::json!([seen(&report.results[1]), seen(&report.results[0])]);
        assert_eq!(report.results_digest, Digest::of_json(&expected));
        assert_eq!(Digest::of_results(&[]), Digest::of(b"[]"));
    }

    #[test]
    fn times_are_left_out_and_other_measures_are_not() {
        use crate::score::fixture::{Given, NOW, report};
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
