//! What holds of all series: each once, in its place, of now, and not too many.

use std::collections::{HashMap, HashSet};

use readiness_core::Timestamp;

use super::{
    super::syntax::excerpt,
    faults::{Faults, PAGE, Weight, family},
    format::Format,
    kind::Kind,
    page::{Family, Labels, MetricLabels, Page},
};

/// How many there may be.
#[derive(Clone, Copy, Debug)]
pub(super) struct Limits {
    pub(super) series: u32,
    pub(super) label_values: u32,
}

/// Prometheus forgets a series after this many seconds without a sample.
const MOST_AGE_SECONDS: i64 = 300;

/// Judges a family's series.
pub(super) fn judge(family_: &Family<'_>, format: Format, faults: &mut Faults) {
    // The label sets are sorted, so that their order in the page does not count.
    let mut seen: HashSet<(&str, &Labels<'_>, Option<u64>)> = HashSet::new();
    for sample in &family_.samples {
        // OpenMetrics, "MetricPoint": points of one series differ in their time.
        let time = sample
            .timestamp
            .filter(|_| format == Format::OpenMetrics)
            .map(f64::to_bits);
        if !seen.insert((sample.name, &sample.labels, time)) {
            faults.add("duplicate_series", Weight::Fail, family(family_.name), || {
                format!(
                    "line {}: expected each series once, found `{}` with the labels of an earlier line",
                    sample.line,
                    excerpt(sample.name.as_bytes())
                )
            });
        }
    }
    if format == Format::OpenMetrics {
        interleaved(family_, faults);
    }
}

/// OpenMetrics, "Metric" and "MetricPoint": neither may be interleaved.
fn interleaved(family_: &Family<'_>, faults: &mut Faults) {
    // Which labels of an info are its metric's, and which its value's, nothing tells.
    if matches!(family_.kind(), Kind::Info | Kind::Unknown) {
        return;
    }
    let own = family_.own_label();
    let mut ended: HashSet<MetricLabels<'_>> = HashSet::new();
    let mut current: Option<(MetricLabels<'_>, Option<f64>)> = None;
    for sample in &family_.samples {
        let metric = sample.labels_but(own);
        let last = match current.take() {
            Some((same, last)) if same == metric => last,
            before => {
                if let Some((other, _)) = before {
                    ended.insert(other);
                }
                if ended.contains(&metric) {
                    faults.add("interleaved_metrics", Weight::Fail, family(family_.name), || {
                        format!(
                            "line {}: expected the samples of one label set in one group, found one after another",
                            sample.line
                        )
                    });
                }
                None
            }
        };
        if let (Some(last), Some(now)) = (last, sample.timestamp)
            && now < last
        {
            faults.add("interleaved_points", Weight::Fail, family(family_.name), || {
                format!(
                    "line {}: expected timestamps that rise within a metric, found an older one",
                    sample.line
                )
            });
        }
        current = Some((metric, sample.timestamp));
    }
}

/// Judges what concerns the whole page: how many series there are, and how old they are.
pub(super) fn judge_all(page: &Page<'_>, limits: Limits, now: Timestamp, faults: &mut Faults) {
    let series = page.samples + page.left_out;
    if series > limits.series as usize {
        let most = limits.series;
        faults.add("too_many_series", Weight::Warn, PAGE.to_owned(), || {
            format!("expected at most {most} series, found {series}")
        });
    }
    #[expect(clippy::cast_precision_loss, reason = "seconds of dates are exact in a float")]
    let oldest = (now.unix_seconds() - MOST_AGE_SECONDS) as f64;
    for family_ in &page.families {
        let mut values: HashMap<&str, HashSet<&str>> = HashMap::new();
        for sample in &family_.samples {
            for (name, value) in &sample.labels {
                values.entry(name).or_default().insert(value);
            }
            if sample.timestamp.is_some_and(|time| time < oldest) {
                faults.add("old_timestamp", Weight::Warn, family(family_.name), || {
                    format!(
                        "line {}: expected a time within the last 5 minutes, found an older one",
                        sample.line
                    )
                });
            }
        }
        let mut many: Vec<(&str, usize)> = values
            .into_iter()
            .map(|(name, values)| (name, values.len()))
            .filter(|(_, count)| *count > limits.label_values as usize)
            .collect();
        many.sort_unstable();
        for (name, count) in many {
            let most = limits.label_values;
            faults.add(
                "too_many_label_values",
                Weight::Warn,
                family(family_.name),
                || {
                    let name = excerpt(name.as_bytes());
                    format!("expected at most {most} values of the label `{name}`, found {count}")
                },
            );
        }
    }
}
