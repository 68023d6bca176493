//! What must hold of a value in a JSON document.

use readiness_core::Finding;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// What must hold of one value. All that is given must hold.
#[derive(Clone, Debug, Default, Deserialize, Eq, Hash, PartialEq, Serialize)]
#[non_exhaustive]
#[serde(default, deny_unknown_fields)]
pub struct Assertion {
    /// Which value, as a JSON Pointer such as `/checks/0/status`; empty for the whole document.
    pub pointer: String,
    /// Whether there must be such a value, or must not. Default: it must, where anything else is asserted.
    pub exists: Option<bool>,
    /// The value it must equal.
    pub equals: Option<Value>,
    /// The least it may be, an integer.
    pub at_least: Option<i64>,
    /// The most it may be, an integer.
    pub at_most: Option<i64>,
}

impl Assertion {
    /// There is a value at this JSON Pointer.
    pub fn exists(pointer: impl Into<String>) -> Self {
        Self {
            pointer: pointer.into(),
            exists: Some(true),
            ..Self::default()
        }
    }

    /// It equals this value.
    pub fn equals(mut self, value: impl Into<Value>) -> Self {
        self.equals = Some(value.into());
        self
    }

    /// It is this integer or more.
    pub fn at_least(mut self, least: i64) -> Self {
        self.at_least = Some(least);
        self
    }

    /// It is this integer or less.
    pub fn at_most(mut self, most: i64) -> Self {
        self.at_most = Some(most);
        self
    }

    /// Says what is wrong with it.
    pub(crate) fn check(&self) -> Result<(), String> {
        let pointer = &self.pointer;
        if !pointer.is_empty() && !pointer.starts_with('/') {
            return Err(format!(
                "`{pointer}` is no JSON Pointer; it begins with `/`, such as `/status`"
            ));
        }
        let asks_value = self.equals.is_some() || self.at_least.is_some() || self.at_most.is_some();
        if self.exists.is_none() && !asks_value {
            return Err(format!(
                "nothing is asserted of `{pointer}`; write `exists`, `equals`, `at_least` or `at_most`"
            ));
        }
        if self.exists == Some(false) && asks_value {
            return Err(format!(
                "`{pointer}` must not exist, and something is asserted of its value"
            ));
        }
        match (self.at_least, self.at_most) {
            (Some(least), Some(most)) if least > most => Err(format!(
                "`{pointer}` can be nothing: `at_least` is {least}, `at_most` is {most}"
            )),
            _ => Ok(()),
        }
    }

    fn subject(&self) -> String {
        match self.pointer.as_str() {
            "" => "the document".to_owned(),
            pointer => format!("value at `{pointer}`"),
        }
    }

    fn judge(&self, document: &Value) -> Finding {
        self.judge_found(document.pointer(&self.pointer))
    }

    /// Judges what stands at its pointer.
    pub(super) fn judge_found(&self, value: Option<&Value>) -> Finding {
        let remedy = "see the system that was asked; if this value is right, change the assertion";
        let fail = |code: &'static str, message: String| {
            Finding::fail(code, message)
                .remedy(remedy)
                .subject(self.subject())
        };
        let Some(value) = value else {
            return match self.exists {
                Some(false) => Finding::note("absent", "there is none, as expected").subject(self.subject()),
                _ => fail("missing", "expected a value, and there is none".to_owned()),
            };
        };
        let found = shown(value);
        let finding = if self.exists == Some(false) {
            fail("present", format!("expected none, found `{found}`"))
        } else if let Some(equal) = self.equals.as_ref().filter(|equal| *equal != value) {
            fail(
                "different",
                format!("expected `{}`, found `{found}`", shown(equal)),
            )
        } else if let Some(problem) = self.bounds(value, &found) {
            fail(problem.0, problem.1)
        } else {
            Finding::note("holds", format!("found `{found}`")).subject(self.subject())
        };
        finding.evidence("found", found)
    }

    fn bounds(&self, value: &Value, found: &str) -> Option<(&'static str, String)> {
        if self.at_least.is_none() && self.at_most.is_none() {
            return None;
        }
        let number = value
            .as_i64()
            .map(i128::from)
            .or_else(|| value.as_u64().map(i128::from));
        let Some(number) = number else {
            return Some(("not_an_integer", format!("expected an integer, found `{found}`")));
        };
        if let Some(least) = self.at_least.filter(|least| number < i128::from(*least)) {
            return Some(("too_small", format!("expected at least {least}, found {number}")));
        }
        let most = self.at_most.filter(|most| number > i128::from(*most))?;
        Some(("too_large", format!("expected at most {most}, found {number}")))
    }
}

/// A finding for each assertion.
pub(crate) fn judge_all(assertions: &[Assertion], document: &Value) -> Vec<Finding> {
    assertions
        .iter()
        .map(|assertion| assertion.judge(document))
        .collect()
}

/// A value in one short line.
fn shown(value: &Value) -> String {
    const MOST: usize = 60;
    let text = value.to_string();
    if text.chars().count() <= MOST {
        return text;
    }
    let cut: String = text.chars().take(MOST).collect();
    format!("{cut}…")
}
