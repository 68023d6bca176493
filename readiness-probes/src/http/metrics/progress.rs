//! Two looks at one page: what counts must not fall.

use std::{cmp::Ordering, collections::HashMap};

use readiness_core::Finding;

use super::{
    super::syntax::excerpt,
    faults::{Faults, Weight, family},
    format::Format,
    kind::Kind,
    page::{Family, Labels, Page, Sample},
};

type Series<'p> = HashMap<(&'p str, &'p Labels<'p>), f64>;

/// What the second page says against the first.
pub(super) fn judge(first: &Page<'_>, second: &Page<'_>) -> Vec<Finding> {
    if is_another_process(first, second) {
        return vec![Finding::note(
            "restarted",
            "another process answered the second scrape, or it began anew, so counters may have fallen",
        )];
    }
    let before: Series<'_> = all(first)
        .map(|(_, sample)| (key(sample), sample.value))
        .collect();
    let created = (created(first), created(second));
    let mut faults = Faults::default();
    let mut compared = 0_usize;
    for (family_, sample) in all(second) {
        let Some(last) = before.get(&key(sample)) else {
            continue;
        };
        compared += 1;
        let has_fallen = sample.value < *last && counts(family_, sample, second.format);
        if has_fallen && !was_created_anew(family_, sample, &created) {
            faults.add("counter_fell", Weight::Fail, family(family_.name), || {
                format!(
                    "line {}: expected a counter that only rises, found a value lower than in the scrape before: `{}`",
                    sample.line,
                    excerpt(sample.raw.as_bytes())
                )
            });
        }
    }
    let mut findings = faults.into_findings();
    if findings.is_empty() {
        let message = format!("no counter fell between two scrapes, in which {compared} series stand");
        findings.push(Finding::note("counters_rise", message));
    }
    findings
}

fn key<'p>(sample: &'p Sample<'_>) -> (&'p str, &'p Labels<'p>) {
    (sample.name, &sample.labels)
}

fn all<'p, 'a>(page: &'p Page<'a>) -> impl Iterator<Item = (&'p Family<'a>, &'p Sample<'a>)> {
    page.families
        .iter()
        .flat_map(|family| family.samples.iter().map(move |sample| (family, sample)))
}

/// Whether two pages say that they are of processes which began at different times: one that began anew, or,
/// behind a balancer, another one, which may be the older.
pub(super) fn is_another_process(first: &Page<'_>, second: &Page<'_>) -> bool {
    let times = start_of(first).zip(start_of(second));
    times
        .and_then(|(before, after)| before.partial_cmp(&after))
        .is_some_and(Ordering::is_ne)
}

/// The time at which the process began.
fn start_of(page: &Page<'_>) -> Option<f64> {
    let is_start = |sample: &&Sample<'_>| sample.name == "process_start_time_seconds";
    all(page)
        .map(|(_, sample)| sample)
        .find(is_start)
        .map(|sample| sample.value)
}

/// Whether the sample may only rise.
fn counts(family_: &Family<'_>, sample: &Sample<'_>, format: Format) -> bool {
    match (family_.kind(), family_.suffix(sample)) {
        (Kind::Counter, "" | "_total")
        | (Kind::Histogram, "_bucket" | "_count")
        | (Kind::Summary, "_count") => true,
        // Text format: a sum of observations below 0 may fall.
        (Kind::Histogram | Kind::Summary, "_sum") => format == Format::OpenMetrics,
        _ => false,
    }
}

/// The times of creation that a page tells.
fn created<'p>(page: &'p Page<'_>) -> Series<'p> {
    all(page)
        .filter(|(_, sample)| sample.name.ends_with("_created"))
        .map(|(_, sample)| (key(sample), sample.value))
        .collect()
}

/// OpenMetrics, "Counter": a total that begins at 0 again has a later time of creation.
fn was_created_anew(
    family_: &Family<'_>,
    sample: &Sample<'_>,
    (before, after): &(Series<'_>, Series<'_>),
) -> bool {
    if after.is_empty() {
        return false;
    }
    let name = format!("{}_created", family_.name);
    let labels: Labels<'_> = sample
        .labels
        .iter()
        .filter(|(name, _)| !family_.kind().has_buckets() || *name != "le")
        .cloned()
        .collect();
    let key = (name.as_str(), &labels);
    let times = before.get(&key).zip(after.get(&key));
    times.is_some_and(|(before, after)| after > before)
}
