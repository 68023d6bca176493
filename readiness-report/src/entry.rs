//! One requirement at one target, as every renderer sees it.

use std::collections::HashMap;

use readiness_core::{
    Attestation, Cause, Outcome, Reason, Report, Status,
    report::{Accepted, RequirementResult, TargetResult},
};

/// One requirement at one target, or without one where only a person can say.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Entry<'a> {
    pub(crate) result: &'a RequirementResult,
    pub(crate) target: Option<&'a TargetResult>,
    /// What counts: what the probe said, unless that is too old or attested.
    pub(crate) status: &'a Status,
    /// The attestation that decides, where one does.
    pub(crate) attested: Option<&'a Attestation>,
}

/// All who are not judged because of one and the same thing.
#[derive(Debug)]
pub(crate) struct CauseGroup<'a> {
    pub(crate) cause: &'a Cause,
    /// Who stands for all: the highest blocker, else the highest, else the first.
    pub(crate) leader: usize,
    /// All of them, as positions in the list of entries.
    pub(crate) members: Vec<usize>,
}

/// Every requirement at every target, in the suite's order.
pub(crate) fn entries(report: &Report) -> Vec<Entry<'_>> {
    let attested: HashMap<&str, &Attestation> = report
        .attestations
        .iter()
        .filter(|record| record.used)
        .map(|record| (record.attestation.requirement.as_str(), &record.attestation))
        .collect();
    let mut entries = Vec::with_capacity(report.results.len());
    for result in &report.results {
        let attestation = attested.get(result.id.as_str()).copied();
        for target in &result.targets {
            let decides = target
                .counts_as
                .as_ref()
                .is_some_and(|status| !status.is_unknown());
            entries.push(Entry {
                result,
                target: Some(target),
                status: target.status(),
                attested: attestation.filter(|_| decides),
            });
        }
        if result.targets.is_empty() {
            entries.push(Entry {
                result,
                target: None,
                status: &result.status,
                attested: attestation,
            });
        }
    }
    entries
}

/// What could not be had, and who stands on it; in the order of the first who does.
pub(crate) fn causes<'a>(entries: &[Entry<'a>]) -> Vec<CauseGroup<'a>> {
    let mut groups: Vec<CauseGroup<'a>> = Vec::new();
    let mut known: HashMap<&'a Cause, usize> = HashMap::new();
    for (index, entry) in entries.iter().enumerate() {
        let Some(cause) = entry.cause() else { continue };
        let group = *known.entry(cause).or_insert_with(|| {
            groups.push(CauseGroup {
                cause,
                leader: index,
                members: Vec::new(),
            });
            groups.len() - 1
        });
        if let Some(group) = groups.get_mut(group) {
            let rank = |index: usize| {
                entries
                    .get(index)
                    .map(|entry| (!entry.result.blocker, entry.result.priority))
            };
            if rank(index) < rank(group.leader) {
                group.leader = index;
            }
            group.members.push(index);
        }
    }
    groups
}

impl<'a> Entry<'a> {
    /// Whether it can make the run fail. What is only for information (weight 0) never does.
    pub(crate) fn counts(&self) -> bool {
        self.result.blocker || self.result.weight > 0
    }

    /// What accepts that it does not hold, where something does.
    pub(crate) fn accepted(&self) -> Option<&'a Accepted> {
        let accepted = self.target?.accepted.as_ref();
        match self.status {
            Status::Fail | Status::Unknown { .. } | Status::Warn { .. } => accepted,
            Status::Pass | Status::NotApplicable { .. } => None,
        }
    }

    /// What it stands on and could not be had; `None` where a waiver lets it through all the same.
    pub(crate) fn cause(&self) -> Option<&'a Cause> {
        match self.status {
            Status::Unknown {
                reason,
                cause: Some(cause),
            } if *reason == Reason::DEPENDENCY_FAILED && self.accepted().is_none() => Some(cause),
            _ => None,
        }
    }

    /// What the probe said.
    pub(crate) fn outcome(&self) -> Option<&'a Outcome> {
        self.target.map(|target| &target.outcome)
    }

    /// The target's label; empty where there is none.
    pub(crate) fn label(&self) -> &'a str {
        self.target.map_or("", |target| target.target.as_str())
    }

    /// One line: what was seen, or who says so.
    pub(crate) fn summary(&self) -> String {
        if let Some(attestation) = self.attested {
            let Attestation {
                statement,
                signer,
                role,
                ..
            } = attestation;
            return format!("attested by {signer} ({role}): {statement}");
        }
        match (self.outcome(), self.status) {
            (Some(outcome), Status::Unknown { reason, .. }) if !outcome.status.is_unknown() => {
                format!("{}; it was: {}", reason.describe(), outcome.summary)
            }
            (Some(outcome), _) => outcome.summary.clone(),
            (None, Status::Unknown { reason, .. }) => reason.describe().to_owned(),
            (None, Status::NotApplicable { because }) => because.clone(),
            (None, _) => self.result.title.clone().into_owned(),
        }
    }

    /// How what accepts it is told: who, until when, why.
    pub(crate) fn acceptance(accepted: &Accepted) -> String {
        match accepted {
            Accepted::Waiver {
                owner, until, reason, ..
            } => format!("waived until {} by {owner}: {reason}", until.date()),
            Accepted::Baseline => "known before, by the baseline".to_owned(),
            _ => "accepted".to_owned(),
        }
    }
}
