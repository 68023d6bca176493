//! What the settings of the probe mean.

use readiness_core::fact::PortSet;
use serde::Deserialize;

use super::PortExposure;
use crate::net::{inside_view::Mode, services::danger};

/// Which ports are tried, beside those that are named otherwise.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq)]
#[non_exhaustive]
#[serde(try_from = "Text")]
pub enum Scope {
    /// Every port, 1 to 65535.
    All,
    /// Databases, queues, administration: what should not face strangers.
    #[default]
    Danger,
    /// These.
    Ports(PortSet),
}

/// A scope as it is written.
#[derive(Deserialize)]
#[serde(
    untagged,
    expecting = "`scope` is `danger`, `all` or ports from 1 to 65535 such as `22, 8000-8100`"
)]
enum Text {
    Word(String),
    Ports(PortSet),
}

impl TryFrom<Text> for Scope {
    type Error = String;

    fn try_from(text: Text) -> Result<Self, Self::Error> {
        match text {
            Text::Word(word) if word == "all" => Ok(Self::All),
            Text::Word(word) if word == "danger" => Ok(Self::Danger),
            Text::Word(word) => word.parse().map(Self::Ports).map_err(|_| {
                let word: String = word.chars().take(40).collect();
                format!("`scope` is `{word}`; expected `danger`, `all` or ports such as `22, 8000-8100`")
            }),
            Text::Ports(ports) => Ok(Self::Ports(ports)),
        }
    }
}

impl PortExposure {
    /// Whether the settings make sense together.
    ///
    /// # Errors
    /// Where no port is allowed, where a port is both allowed and forbidden, and where one is required
    /// and not allowed. The ports are named.
    pub fn check(&self) -> Result<(), String> {
        if self.allowed.is_empty() {
            return Err(
                "`allowed` is missing or empty; write the ports that may be open, such as `allowed = [443]`"
                    .to_owned(),
            );
        }
        let both = self.allowed.intersection(&self.forbidden);
        if !both.is_empty() {
            return Err(format!(
                "port {both} stands in `allowed` and in `forbidden`; remove it from one of them"
            ));
        }
        let missing: PortSet = self
            .required
            .iter()
            .filter(|port| !self.allowed.contains(*port))
            .collect();
        if !missing.is_empty() {
            return Err(format!(
                "port {missing} stands in `required` and not in `allowed`; add it to `allowed`"
            ));
        }
        self.check_bounds()
    }

    fn check_bounds(&self) -> Result<(), String> {
        if !(1..=65_535).contains(&self.max_in_flight) {
            return Err(format!(
                "`max_in_flight` is {}, expected 1 to 65535",
                self.max_in_flight
            ));
        }
        if !(1..=3_600).contains(&self.deadline_seconds) {
            return Err(format!(
                "`deadline_seconds` is {}, expected 1 to 3600",
                self.deadline_seconds
            ));
        }
        let Some(most) = self.max_per_second else {
            return Ok(());
        };
        if most == 0 {
            return Err("`max_per_second` is 0, expected 1 or more; leave it out for no bound".to_owned());
        }
        let ports = self.allowed.union(&self.rest()).len() as u64;
        let takes = ports.div_ceil(u64::from(most));
        if takes > u64::from(self.deadline_seconds) && self.mode != Mode::Inside {
            return Err(format!(
                "{ports} ports at `max_per_second` = {most} take {takes} s, and `deadline_seconds` is {}; \
                 raise one of them, and the requirement's `timeout_seconds` with it, or narrow `scope`",
                self.deadline_seconds
            ));
        }
        Ok(())
    }

    /// The ports that are tried and were not named as allowed.
    pub(super) fn rest(&self) -> PortSet {
        let scope = match &self.scope {
            Scope::All => PortSet::all(),
            Scope::Danger => danger(),
            Scope::Ports(ports) => ports.clone(),
        };
        let all = scope.union(&self.forbidden);
        all.iter().filter(|port| !self.allowed.contains(*port)).collect()
    }
}
