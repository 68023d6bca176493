//! What the values of each kind must be.

use super::{
    super::syntax::excerpt,
    faults::{Faults, Weight, family},
    format::Format,
    kind::Kind,
    number::number,
    page::{Family, MetricLabels, Sample},
};

/// Whether a value may stand for a count: neither below 0 nor `NaN`.
pub(super) fn is_count(value: f64) -> bool {
    value >= 0.0
}

/// Judges one family by its kind, without what buckets demand.
pub(super) fn judge(family_: &Family<'_>, format: Format, faults: &mut Faults) {
    of_unit(family_, format, faults);
    let mut last_quantile: Option<(MetricLabels<'_>, f64)> = None;
    for sample in &family_.samples {
        let suffix = family_.suffix(sample);
        let line = sample.line;
        let mut fault = |code, weight, expected: &str| {
            faults.add(code, weight, family(family_.name), || {
                format!(
                    "line {line}: expected {expected}, found `{}`",
                    excerpt(sample.raw.as_bytes())
                )
            });
        };
        match (family_.kind(), suffix) {
            (Kind::Counter, "" | "_total") if !is_count(sample.value) => {
                fault("counter_not_a_count", Weight::Fail, "a counter of 0 or more");
            }
            (Kind::Info, _) if sample.value != 1.0 => fault("info_not_one", Weight::Fail, "the value 1"),
            (Kind::StateSet, _) => {
                if sample.value != 0.0 && sample.value != 1.0 {
                    fault("state_not_boolean", Weight::Fail, "the value 0 or 1");
                }
                if sample.label(family_.name).is_none() {
                    fault("state_without_name", Weight::Fail, "a label named as the family");
                }
            }
            (Kind::Summary, "_count") if !is_count(sample.value) => {
                fault("count_not_a_count", Weight::Fail, "a count of 0 or more");
            }
            (Kind::Summary, "_count") if sample.value.fract() != 0.0 => {
                fault("count_not_a_count", format.strict(), "a whole count");
            }
            // Text format: a sum of observations below 0 may fall below 0.
            (Kind::Summary, "_sum") if format == Format::OpenMetrics && !is_count(sample.value) => {
                fault("sum_not_a_count", Weight::Fail, "a sum of 0 or more");
            }
            (Kind::Summary, "") => {
                let quantile = sample.label("quantile").and_then(number);
                match quantile.filter(|quantile| (0.0..=1.0).contains(quantile)) {
                    None => fault("bad_quantile", Weight::Fail, "a label `quantile` from 0 to 1"),
                    // OpenMetrics, "Summary": in any order.
                    Some(_) if format == Format::OpenMetrics => {
                        if sample.value < 0.0 {
                            fault("negative_quantile", Weight::Fail, "a value of 0 or more");
                        }
                    }
                    Some(quantile) => {
                        let of = sample.labels_but("quantile");
                        let is_sorted =
                            !matches!(&last_quantile, Some((same, last)) if *same == of && *last > quantile);
                        if !is_sorted {
                            fault("quantiles_unsorted", Weight::Warn, "quantiles in rising order");
                        }
                        last_quantile = Some((of, quantile));
                    }
                }
            }
            _ => {}
        }
        of_exemplar(family_, sample, suffix, faults);
    }
}

/// OpenMetrics, "MetricFamily metadata": the unit ends the name; info and state sets have none.
fn of_unit(family_: &Family<'_>, format: Format, faults: &mut Faults) {
    let Some(unit) = family_
        .unit
        .filter(|unit| !unit.is_empty() && format == Format::OpenMetrics)
    else {
        return;
    };
    let is_suffix = family_
        .name
        .strip_suffix(unit)
        .is_some_and(|before| before.ends_with('_'));
    let mut fault = |code, expected: String| {
        faults.add(code, Weight::Fail, family(family_.name), || {
            format!(
                "line {}: expected {expected}, found the unit `{}`",
                family_.line,
                excerpt(unit.as_bytes())
            )
        });
    };
    if matches!(family_.kind(), Kind::Info | Kind::StateSet) {
        fault(
            "unit_not_allowed",
            format!("no unit in a {}", family_.kind().word()),
        );
    } else if !is_suffix {
        fault(
            "unit_not_in_name",
            "a name that ends with `_` and the unit".to_owned(),
        );
    }
}

/// OpenMetrics, "Exemplars": on totals and buckets alone.
fn of_exemplar(family_: &Family<'_>, sample: &Sample<'_>, suffix: &str, faults: &mut Faults) {
    let Some(exemplar) = &sample.exemplar else { return };
    let line = sample.line;
    let may_have_one = match family_.kind() {
        Kind::Counter => suffix == "_total",
        kind => kind.has_buckets() && suffix == "_bucket",
    };
    if !may_have_one {
        faults.add("exemplar_not_allowed", Weight::Fail, family(family_.name), || {
            format!("line {line}: expected exemplars on counters and buckets alone")
        });
    }
    let threshold = sample
        .label("le")
        .and_then(number)
        .filter(|_| suffix == "_bucket");
    if threshold.is_some_and(|threshold| exemplar.value > threshold) {
        faults.add(
            "exemplar_outside_bucket",
            Weight::Fail,
            family(family_.name),
            || format!("line {line}: expected an exemplar within its bucket, found one above it"),
        );
    }
}
