use std::{fmt, net::SocketAddr};

use readiness_core::{Evidence, Finding, Outcome, Reason, Unit};

/// One outcome for all addresses: the worst. Where all addresses have the same faults, each is said once,
/// and what differs otherwise is given with its address; else each finding names its address.
pub fn worst_of(outcomes: Vec<(SocketAddr, Outcome)>) -> Outcome {
    let mut outcomes = outcomes;
    // Among equals the first one speaks, whatever order they were looked at in.
    outcomes.sort_by_key(|(address, _)| *address);
    let placed = outcomes.into_iter().map(|(address, outcome)| {
        let ip = address.ip();
        (Place::new("on", ip.to_string()), outcome)
    });
    worst(placed.collect(), "address was looked at")
}

/// One outcome for all pages, each with its path: the worst, as [`worst_of`] does it for addresses. What
/// does not apply to a page decides nothing while it applies to another.
#[cfg(feature = "http")]
pub(crate) fn worst_page(outcomes: Vec<(&str, Outcome)>) -> Outcome {
    let placed = outcomes
        .into_iter()
        .map(|(path, outcome)| (Place::new("at", format!("`{path}`")), outcome));
    worst(placed.collect(), "page was looked at")
}

/// Where an outcome holds, as a message says it: `on` `192.0.2.1`, ``at`` `` `/login` ``.
struct Place {
    word: &'static str,
    name: String,
}

impl Place {
    fn new(word: &'static str, name: String) -> Self {
        Self { word, name }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.word, self.name)
    }
}

fn worst(outcomes: Vec<(Place, Outcome)>, nothing: &str) -> Outcome {
    let count = outcomes.len();
    let mut outcomes = outcomes;
    outcomes.sort_by_key(|(_, outcome)| (outcome.status.rank(), outcome.status.credit()));
    let mut rest = outcomes.into_iter();
    let Some((place, mut worst)) = rest.next() else {
        return Outcome::unknown(Reason::ERROR, format!("no {nothing}"));
    };
    if count == 1 {
        return worst;
    }
    let rest: Vec<(Place, Outcome)> = rest.collect();
    if rest.iter().all(|(_, other)| are_alike(&worst, other)) {
        let first = worst.clone();
        for (place, other) in &rest {
            add_differences(&mut worst, &first, other, place);
        }
        let (what, its) = match place.word {
            "at" => ("pages", "page"),
            _ => ("addresses", "address"),
        };
        let said = if worst == first {
            format!("the same on all {count}")
        } else {
            format!("alike on all {count}; what differs stands with its {its}")
        };
        return worst.evidence(what, said);
    }
    worst.summary = format!("{place}: {}", worst.summary);
    let mark = |finding: Finding, place: &Place| {
        let subject = if finding.subject.is_empty() {
            place.name.clone()
        } else {
            format!("{} {place}", finding.subject)
        };
        finding.subject(subject)
    };
    worst.findings = worst.findings.into_iter().map(|f| mark(f, &place)).collect();
    let first = worst.evidence.clone();
    for (place, outcome) in rest {
        worst
            .findings
            .extend(outcome.findings.into_iter().map(|f| mark(f, &place)));
        worst.evidence.extend(unlike(&first, &outcome.evidence, &place));
        worst.measures.extend(outcome.measures);
    }
    worst
}

/// Whether two places have the same faults. Messages may differ: they can hold times.
fn are_alike(a: &Outcome, b: &Outcome) -> bool {
    a.status == b.status
        && a.findings.len() == b.findings.len()
        && a.findings
            .iter()
            .zip(&b.findings)
            .all(|(a, b)| (&a.code, &a.subject, &a.status) == (&b.code, &b.subject, &b.status))
}

/// Adds what another place said differently. The findings keep their subjects, and so their
/// fingerprints: two times are never the same.
fn add_differences(to: &mut Outcome, first: &Outcome, other: &Outcome, place: &Place) {
    for ((to, first), other) in to.findings.iter_mut().zip(&first.findings).zip(&other.findings) {
        if first.message != other.message {
            to.evidence
                .push(Evidence::new(format!("{place}"), &*other.message));
        }
        to.evidence
            .extend(unlike(&first.evidence, &other.evidence, place));
    }
    to.evidence
        .extend(unlike(&first.evidence, &other.evidence, place));
    for measure in &other.measures {
        if measure.unit != Unit::Microseconds && !first.measures.contains(measure) {
            let mut measure = measure.clone();
            measure.name = format!("{} {place}", measure.name);
            to.measures.push(measure);
        }
    }
}

/// What of the other evidence is not in the first, with the place.
fn unlike(first: &[Evidence], other: &[Evidence], place: &Place) -> Vec<Evidence> {
    let missing = other.iter().filter(|evidence| !first.contains(evidence));
    missing
        .map(|evidence| Evidence::new(format!("{} {place}", evidence.label), &*evidence.value))
        .collect()
}

#[cfg(test)]
mod tests {
    use readiness_core::Measure;

    use super::*;

    #[test]
    fn the_worst_address_decides_and_is_named() {
        let at = |n: u8| SocketAddr::from(([192, 0, 2, n], 443));
        let fail = Outcome::judged("old", vec![Finding::fail("expired", "x").subject("chain[0]")]);
        let both = worst_of(vec![(at(1), Outcome::pass("fine")), (at(2), fail.clone())]);
        assert!(both.status.is_fail());
        assert_eq!(both.findings[0].subject, "chain[0] on 192.0.2.2");
        let same = worst_of(vec![(at(1), fail.clone()), (at(2), fail.clone())]);
        assert_eq!(same.findings, fail.findings);
        assert!(
            same.evidence
                .iter()
                .any(|evidence| evidence.value == "the same on all 2")
        );
        assert_eq!(worst_of(vec![(at(1), fail.clone())]), fail);
        assert!(worst_of(vec![]).status.is_unknown());
    }

    #[test]
    fn what_differs_between_addresses_is_not_called_the_same() {
        let at = |n: u8| SocketAddr::from(([192, 0, 2, n], 443));
        let outcome = |message: &str, server: &str, days: i64| {
            let finding = Finding::fail("expired", message)
                .subject("chain[0]")
                .evidence("serial", server);
            Outcome::judged("old", vec![finding])
                .evidence("server", server)
                .evidence("port", "443")
                .measure(Measure::new("days", days, Unit::Count))
                .measure(Measure::new("connect", days, Unit::Microseconds))
        };
        let said = |both: &Outcome| both.evidence.last().unwrap().value.clone();
        let both = worst_of(vec![
            (at(1), outcome("ended on Monday", "a", 1)),
            (at(2), outcome("ended on Friday", "b", 2)),
        ]);
        assert!(said(&both).starts_with("alike on all 2"), "{both:?}");
        assert_eq!(both.findings.len(), 1);
        assert_eq!(both.findings[0].subject, "chain[0]");
        let shown: Vec<(&str, &str)> = both.findings[0]
            .evidence
            .iter()
            .chain(&both.evidence)
            .map(|evidence| (&*evidence.label, &*evidence.value))
            .collect();
        assert_eq!(
            shown[..5],
            [
                ("serial", "a"),
                ("on 192.0.2.2", "ended on Friday"),
                ("serial on 192.0.2.2", "b"),
                ("server", "a"),
                ("port", "443"),
            ]
        );
        assert_eq!(shown[5], ("server on 192.0.2.2", "b"));
        let names: Vec<&str> = both.measures.iter().map(|measure| &*measure.name).collect();
        assert_eq!(names, ["days", "connect", "days on 192.0.2.2"]);
        // Times alone are no difference.
        let mut slower = outcome("x", "a", 1);
        slower.measures[1].value = 9;
        let both = worst_of(vec![(at(1), outcome("x", "a", 1)), (at(2), slower)]);
        assert_eq!(said(&both), "the same on all 2");
        // Where the faults differ, the evidence of each address stays.
        let both = worst_of(vec![
            (at(1), Outcome::pass("fine").evidence("server", "a")),
            (at(2), outcome("x", "b", 1)),
        ]);
        assert!(both.evidence.contains(&Evidence::new("server on 192.0.2.1", "a")));
    }
}
