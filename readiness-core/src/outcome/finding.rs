use std::fmt;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::{Credit, Evidence, Reason, Status};

/// One thing that was seen and judged, with what it is about and how to mend it.
///
/// A finding with [`Status::Pass`] is a note: worth knowing, and no fault.
///
/// ```
/// use readiness_core::Finding;
/// let finding = Finding::fail("max_age_too_short", "`max-age` is 300 s, expected at least 15552000 s")
///     .subject("https://api.example.com/")
///     .evidence("Strict-Transport-Security", "max-age=300")
///     .remedy("send `Strict-Transport-Security: max-age=31536000`");
/// assert!(finding.status.is_fail());
/// ```
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Finding {
    /// A stable name within the probe, in snake case: `max_age_too_short`.
    pub code: String,
    /// The judgement of this one thing.
    #[serde(flatten)]
    pub status: Status,
    /// What it is about: `port 8443`, ``cookie `sid` ``, `chain[1]`; empty for the target itself.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub subject: String,
    /// What was expected and what was found: one lower-case fragment without a final stop.
    pub message: String,
    /// What was seen.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub evidence: Vec<Evidence>,
    /// What to do about it; empty for a note.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub remedy: String,
}

impl Finding {
    /// A finding with this status.
    pub fn new(code: impl Into<String>, status: Status, message: impl Into<String>) -> Self {
        Self {
            code: code.into(),
            status,
            subject: String::new(),
            message: message.into(),
            evidence: Vec::new(),
            remedy: String::new(),
        }
    }

    /// A fault.
    pub fn fail(code: impl Into<String>, message: impl Into<String>) -> Self {
        Self::new(code, Status::Fail, message)
    }

    /// A weakness that earns half.
    pub fn warn(code: impl Into<String>, message: impl Into<String>) -> Self {
        Self::new(code, Status::warn(), message)
    }

    /// Something worth knowing that is no fault.
    pub fn note(code: impl Into<String>, message: impl Into<String>) -> Self {
        Self::new(code, Status::Pass, message)
    }

    /// Something that could not be judged.
    pub fn unknown(code: impl Into<String>, reason: Reason, message: impl Into<String>) -> Self {
        Self::new(code, Status::unknown(reason), message)
    }

    /// Names what it is about.
    pub fn subject(mut self, subject: impl Into<String>) -> Self {
        self.subject = subject.into();
        self
    }

    /// Adds something that was seen.
    pub fn evidence(mut self, label: impl Into<String>, value: impl Into<String>) -> Self {
        self.evidence.push(Evidence::new(label, value));
        self
    }

    /// Says what to do about it.
    pub fn remedy(mut self, remedy: impl Into<String>) -> Self {
        self.remedy = remedy.into();
        self
    }

    /// Sets what a warning earns; no effect on other statuses.
    pub fn credit(mut self, credit: Credit) -> Self {
        if let Status::Warn { credit: old } = &mut self.status {
            *old = credit;
        }
        self
    }

    /// Whether it is no fault, only worth knowing.
    pub fn is_note(&self) -> bool {
        matches!(self.status, Status::Pass | Status::NotApplicable { .. })
    }

    /// Identifies this finding across runs: free of values and times.
    pub fn fingerprint(&self, requirement: &str, target_label: &str) -> Fingerprint {
        Fingerprint::of(requirement, target_label, &self.code, &self.subject)
    }
}

/// A short hash of (requirement, target label, code, subject).
///
/// Baselines and trends are keyed by it, so it holds no value that changes from run to run.
#[derive(Clone, Debug, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(transparent)]
pub struct Fingerprint(String);

impl Fingerprint {
    /// The fingerprint of these four.
    pub fn of(requirement: &str, target_label: &str, code: &str, subject: &str) -> Self {
        let mut hash = Sha256::new();
        for part in [requirement, target_label, code, subject] {
            // the length first, so that ("ab", "c") and ("a", "bc") differ
            hash.update((part.len() as u64).to_be_bytes());
            hash.update(part.as_bytes());
        }
        let hex = hash
            .finalize()
            .iter()
            .take(16)
            .fold(String::with_capacity(32), |mut text, byte| {
                use fmt::Write;
                let _ = write!(text, "{byte:02x}");
                text
            });
        Self(hex)
    }

    /// 32 hexadecimal digits.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_fingerprint_ignores_values_and_keeps_parts_apart() {
        let one = Finding::fail("open", "port 8443 answers in 3 ms").subject("port 8443");
        let two = Finding::warn("open", "port 8443 answers in 9 ms")
            .subject("port 8443")
            .evidence("time", "9 ms");
        assert_eq!(one.fingerprint("net.x", "api"), two.fingerprint("net.x", "api"));
        assert_ne!(one.fingerprint("net.x", "api"), one.fingerprint("net.x", "web"));
        assert_ne!(
            Fingerprint::of("ab", "c", "", ""),
            Fingerprint::of("a", "bc", "", "")
        );
        assert_eq!(one.fingerprint("net.x", "api").as_str().len(), 32);
    }
}
