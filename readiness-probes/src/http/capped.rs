//! The findings that are told, where there may be thousands.

use readiness_core::Finding;

/// Leaves out what is more than so many, and says so with the status of the worst that is left out.
pub(super) fn cap(findings: &mut Vec<Finding>, most: usize) {
    if findings.len() <= most {
        return;
    }
    let rest = findings.split_off(most);
    let order = |finding: &&Finding| (finding.status.rank(), finding.status.credit());
    if let Some(worst) = rest.iter().min_by_key(order) {
        let message = format!("{} more findings like these are not shown", rest.len());
        let more = Finding::new("more", worst.status.clone(), message);
        findings.push(more.remedy("mend those that are shown, and look again"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_left_out_is_as_bad_as_the_worst_of_it() {
        let (fail, warn, note) = (
            Finding::fail("a", "x"),
            Finding::warn("b", "x"),
            Finding::note("c", "x"),
        );
        for (all, wanted) in [
            (vec![], vec![]),
            (vec![&fail], vec!["a fail"]),
            (vec![&fail, &note], vec!["a fail", "c pass"]),
            (vec![&note, &note, &note], vec!["c pass", "c pass", "more pass"]),
            (
                vec![&note, &note, &note, &warn],
                vec!["c pass", "c pass", "more warn"],
            ),
            (
                vec![&note, &note, &warn, &fail, &note],
                vec!["c pass", "c pass", "more fail"],
            ),
        ] {
            let mut findings: Vec<Finding> = all.into_iter().cloned().collect();
            cap(&mut findings, 2);
            let found = findings.iter().map(|f| format!("{} {}", f.code, f.status.word()));
            assert_eq!(found.collect::<Vec<_>>(), wanted);
        }
    }
}
