//! Whether the buckets, the count and the sum of a histogram agree.

use std::collections::HashMap;

use super::{
    super::syntax::excerpt,
    faults::{Faults, Weight, family},
    format::Format,
    kind::Kind,
    number::number,
    page::{Family, MetricLabels, Sample},
    values::is_count,
};

/// The samples of one histogram at one time.
#[derive(Debug, Default)]
struct Point<'f, 'a> {
    /// Each bucket with its threshold, as they stand.
    buckets: Vec<(f64, &'f Sample<'a>)>,
    count: Option<&'f Sample<'a>>,
    sum: Option<&'f Sample<'a>>,
    line: usize,
    /// Whether a bucket of it could not be read.
    is_broken: bool,
}

/// Judges the histograms of one family.
pub(super) fn judge(family_: &Family<'_>, format: Format, faults: &mut Faults) {
    if !family_.kind().has_buckets() {
        return;
    }
    let mut at: HashMap<(MetricLabels<'_>, Option<u64>), usize> = HashMap::new();
    let mut points: Vec<Point<'_, '_>> = Vec::new();
    for sample in &family_.samples {
        let suffix = family_.suffix(sample);
        if !matches!(suffix, "_bucket" | "_count" | "_gcount" | "_gsum" | "_sum") {
            continue;
        }
        // Points of one metric differ in their time; in the older format there is one.
        let time = sample
            .timestamp
            .filter(|_| format == Format::OpenMetrics)
            .map(f64::to_bits);
        let n = *at.entry((sample.labels_but("le"), time)).or_insert_with(|| {
            points.push(Point {
                line: sample.line,
                ..Point::default()
            });
            points.len() - 1
        });
        let Some(point) = points.get_mut(n) else { continue };
        match suffix {
            "_bucket" => match sample.label("le").and_then(number).filter(|le| !le.is_nan()) {
                Some(threshold) => point.buckets.push((threshold, sample)),
                None => {
                    point.is_broken = true;
                    told(faults, family_, "bucket_without_threshold", Weight::Fail, || {
                        format!("line {}: expected a label `le` that is a number", sample.line)
                    });
                }
            },
            "_count" | "_gcount" => point.count = Some(sample),
            _ => point.sum = Some(sample),
        }
    }
    for point in &points {
        of_buckets(point, family_, format, faults);
        of_totals(point, family_, format, faults);
    }
}

fn told(
    faults: &mut Faults,
    family_: &Family<'_>,
    code: &'static str,
    weight: Weight,
    message: impl FnOnce() -> String,
) {
    faults.add(code, weight, family(family_.name), message);
}

fn of_buckets(point: &Point<'_, '_>, family_: &Family<'_>, format: Format, faults: &mut Faults) {
    for (_, bucket) in &point.buckets {
        let (line, raw) = (bucket.line, excerpt(bucket.raw.as_bytes()));
        if !is_count(bucket.value) {
            told(faults, family_, "bucket_not_a_count", Weight::Fail, || {
                format!("line {line}: expected a bucket of 0 or more, found `{raw}`")
            });
        } else if bucket.value.fract() != 0.0 {
            told(faults, family_, "bucket_not_a_count", format.strict(), || {
                format!("line {line}: expected a whole count in a bucket, found `{raw}`")
            });
        }
    }
    let is_sorted = point.buckets.is_sorted_by(|(a, _), (b, _)| a <= b);
    let mut sorted = point.buckets.clone();
    if !is_sorted {
        told(faults, family_, "buckets_unsorted", format.strict(), || {
            format!("line {}: expected buckets in rising order of `le`", point.line)
        });
        sorted.sort_by(|(a, _), (b, _)| a.total_cmp(b));
    }
    for ((a, before), (b, after)) in sorted.iter().zip(sorted.iter().skip(1)) {
        let (line, found) = (after.line, excerpt(after.raw.as_bytes()));
        // The same text twice is a series that stands twice, which is told elsewhere.
        if a == b && before.label("le") != after.label("le") {
            told(faults, family_, "bucket_twice", Weight::Fail, || {
                format!("line {line}: expected each threshold once, found one written in two ways")
            });
        } else if after.value < before.value {
            let least = excerpt(before.raw.as_bytes());
            told(faults, family_, "buckets_not_cumulative", Weight::Fail, || {
                format!(
                    "line {line}: expected at least `{least}`, which a lower bucket holds, found `{found}`"
                )
            });
        }
    }
}

fn of_totals(point: &Point<'_, '_>, family_: &Family<'_>, format: Format, faults: &mut Faults) {
    let infinite = point
        .buckets
        .iter()
        .find(|(threshold, _)| *threshold == f64::INFINITY);
    let line = point.line;
    match (infinite, point.count) {
        (None, _) if !point.is_broken => {
            told(faults, family_, "bucket_infinity_missing", Weight::Fail, || {
                format!("line {line}: expected a bucket with `le=\"+Inf\"`, found none")
            })
        }
        (Some((_, bucket)), Some(count)) if bucket.value != count.value => {
            told(faults, family_, "count_differs", Weight::Fail, || {
                format!(
                    "line {}: expected `{}`, as the bucket `+Inf` has, found `{}`",
                    count.line,
                    excerpt(bucket.raw.as_bytes()),
                    excerpt(count.raw.as_bytes())
                )
            });
        }
        _ => {}
    }
    if let Some(count) = point.count.filter(|count| !is_count(count.value)) {
        told(faults, family_, "count_not_a_count", Weight::Fail, || {
            format!(
                "line {}: expected a count of 0 or more, found `{}`",
                count.line,
                excerpt(count.raw.as_bytes())
            )
        });
    }
    match format {
        // OpenMetrics, "Histogram" and "GaugeHistogram": the count if and only if there is a sum.
        Format::OpenMetrics if point.count.is_some() != point.sum.is_some() => {
            told(faults, family_, "count_without_sum", Weight::Fail, || {
                format!("line {line}: expected both a count and a sum, or none, found one of them")
            });
        }
        Format::Text if point.count.is_none() => told(faults, family_, "count_missing", Weight::Warn, || {
            format!("line {line}: expected a sample `_count`, found none")
        }),
        _ => {}
    }
    if format == Format::OpenMetrics {
        of_sum(point, family_, faults);
    }
}

/// OpenMetrics, "Histogram" and "GaugeHistogram".
fn of_sum(point: &Point<'_, '_>, family_: &Family<'_>, faults: &mut Faults) {
    let Some(sum) = point.sum else { return };
    let (line, raw) = (sum.line, excerpt(sum.raw.as_bytes()));
    let has_negative = point.buckets.iter().any(|(threshold, _)| *threshold < 0.0);
    let is_gauge = family_.kind() == Kind::GaugeHistogram;
    if has_negative && !is_gauge {
        told(faults, family_, "sum_not_allowed", Weight::Fail, || {
            format!("line {line}: expected no sum where a bucket lies below 0, found `{raw}`")
        });
    } else if sum.value.is_nan() || (sum.value < 0.0 && !has_negative) {
        told(faults, family_, "sum_not_a_count", Weight::Fail, || {
            format!("line {line}: expected a sum of 0 or more, found `{raw}`")
        });
    }
}
