//! The dates of each certificate that was sent, and when the server's is to be renewed.

use readiness_core::{Finding, Status};

use super::Rules;
use crate::tls::{
    chain::MOST_NAMED,
    expiry, renewal,
    served::{Served, chain_at},
};

/// What there is to say of the dates: of the path, each certificate its own; of the others, notes.
pub(super) fn findings(served: &Served<'_>, rules: &Rules<'_>) -> Vec<Finding> {
    let mut findings = of_path(served, rules);
    let is_told = findings.iter().any(|finding| finding.subject == chain_at(0));
    if let Some(leaf) = served.leaf().filter(|_| !is_told) {
        findings.extend(renewal::renewal_due(leaf, rules.renew_before(), rules.now));
    }
    if served.is_trusted() {
        findings.extend(of_strays(served, rules));
    }
    findings
}

fn of_path(served: &Served<'_>, rules: &Rules<'_>) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (depth, (position, certificate)) in served.path().enumerate() {
        let Some(finding) = expiry::finding(certificate, position, rules.limits(certificate), rules.now)
        else {
            continue;
        };
        let may_be_crossed = served.is_trusted() && !served.chain.is_verified() && depth > 1;
        findings.push(if rules.expiry_informs && finding.code == "expires_soon" {
            as_note(finding)
        } else if may_be_crossed && finding.status.is_fail() {
            // A trusted path exists. The server's certificate and its issuer are on every path; what is
            // further up may be a cross-signed form that the path does without.
            as_cross_signed(finding)
        } else {
            finding
        });
    }
    findings
}

/// A path to a trusted root exists, and these are not on it: nobody is turned away by their dates, save by
/// clients that know no better path.
fn of_strays(served: &Served<'_>, rules: &Rules<'_>) -> Vec<Finding> {
    let ends = served.chain.strays.iter().filter_map(|&position| {
        let certificate = served.at(position)?;
        expiry::finding(certificate, position, rules.limits(certificate), rules.now)
    });
    ends.take(MOST_NAMED)
        .map(|mut finding| {
            finding
                .message
                .push_str("; the best path does without it, so leave it out of the server's file");
            as_note(finding)
        })
        .collect()
}

fn as_note(mut finding: Finding) -> Finding {
    finding.remedy.clear();
    finding.status = Status::Pass;
    finding
}

fn as_cross_signed(mut finding: Finding) -> Finding {
    finding
        .message
        .push_str("; a path to a trusted root may do without it");
    finding.status = Status::warn();
    finding
        .remedy("stop sending it if it only cross-signs a root that clients know; else get its current form")
}
