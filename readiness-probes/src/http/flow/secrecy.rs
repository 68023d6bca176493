//! What of a flow is secret, as its settings say before anything is sent.

use std::collections::BTreeMap;

use super::{FlowStep, template::variables};

/// The variables that stand for parts of the target's credential.
pub(crate) const OF_CREDENTIAL: [&str; 4] = [
    "credential.password",
    "credential.token",
    "credential.user",
    "credential.value",
];

/// What each step sends and is answered.
pub(crate) struct Secrecy {
    sends: Vec<bool>,
    answers: Vec<bool>,
    values: BTreeMap<String, bool>,
}

impl Secrecy {
    /// Once anything secret was sent, answers are taken for secret unless the settings say otherwise: a session
    /// may hang on a cookie that nobody named.
    pub(crate) fn of(steps: &[FlowStep]) -> Self {
        let mut found = Self {
            sends: Vec::new(),
            answers: Vec::new(),
            values: BTreeMap::new(),
        };
        let mut begun = false;
        for step in steps {
            let sends = step.credential
                || step.texts().iter().any(|(_, text)| {
                    variables(text).any(|name| {
                        OF_CREDENTIAL.contains(&name) || found.values.get(name).copied().unwrap_or(false)
                    })
                });
            begun |= sends;
            let answer = step.secret.unwrap_or(begun);
            for (name, from) in &step.extract {
                let is_session = from.cookie.is_some() || lets_somebody_in(name);
                let secret = from.secret.unwrap_or(answer || is_session);
                found.values.insert(name.clone(), secret);
            }
            found.sends.push(sends);
            found.answers.push(answer);
        }
        found
    }

    /// Whether the n-th step sends something secret, apart from cookies.
    pub(crate) fn sends(&self, n: usize) -> bool {
        self.sends.get(n).copied().unwrap_or(true)
    }

    /// Whether what stands in the answer to the n-th step is secret.
    pub(crate) fn answer(&self, n: usize) -> bool {
        self.answers.get(n).copied().unwrap_or(true)
    }

    /// Whether a variable is secret.
    pub(crate) fn value(&self, name: &str) -> bool {
        self.values.get(name).copied().unwrap_or(true)
    }
}

/// Whether a variable is named like something that lets somebody in.
fn lets_somebody_in(name: &str) -> bool {
    const NAMES: [&str; 8] = [
        "auth", "csrf", "jwt", "key", "password", "secret", "session", "token",
    ];
    let name = name.to_ascii_lowercase();
    NAMES.iter().any(|known| name.contains(known))
}

/// Whether any step uses the target's credential.
pub(super) fn uses_credential(steps: &[FlowStep]) -> bool {
    let in_texts = |step: &FlowStep| {
        let texts = step.texts();
        texts
            .iter()
            .any(|(_, text)| variables(text).any(|name| OF_CREDENTIAL.contains(&name)))
    };
    steps.iter().any(|step| step.credential || in_texts(step))
}
