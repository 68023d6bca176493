//! How metrics and labels are named: what promlint says, in our words. What is only style is a note.

use super::{
    super::syntax::excerpt,
    faults::{Faults, PAGE, Weight, family},
    format::Format,
    kind::Kind,
    page::Family,
};

/// Units with a prefix or of another system, each with the base unit. Prometheus, "Metric and label naming".
const UNITS: [(&str, &str); 20] = [
    ("milliseconds", "seconds"),
    ("microseconds", "seconds"),
    ("nanoseconds", "seconds"),
    ("minutes", "seconds"),
    ("hours", "seconds"),
    ("days", "seconds"),
    ("weeks", "seconds"),
    ("kilobytes", "bytes"),
    ("megabytes", "bytes"),
    ("gigabytes", "bytes"),
    ("kibibytes", "bytes"),
    ("mebibytes", "bytes"),
    ("gibibytes", "bytes"),
    ("bits", "bytes"),
    ("millimeters", "meters"),
    ("kilometers", "meters"),
    ("milligrams", "grams"),
    ("kilograms", "grams"),
    ("fahrenheit", "celsius"),
    ("percent", "ratio"),
];

const ABBREVIATIONS: [&str; 19] = [
    "s", "ms", "us", "ns", "sec", "min", "h", "b", "kb", "mb", "gb", "tb", "pb", "m", "km", "cm", "mm", "kg",
    "g",
];

/// Judges the names of one family.
pub(super) fn judge(family_: &Family<'_>, format: Format, faults: &mut Faults) {
    if family_.samples.is_empty() {
        return;
    }
    of_style(family_, faults);
    of_type(family_, format, faults);
    of_labels(family_, faults);
}

/// A note for all families of one code, as a page that is careless once is careless often.
fn note(faults: &mut Faults, code: &'static str, message: impl FnOnce() -> String) {
    faults.add(code, Weight::Note, PAGE.to_owned(), message);
}

fn of_style(family_: &Family<'_>, faults: &mut Faults) {
    let name = family_.name;
    let shown = || excerpt(name.as_bytes());
    if family_.help.is_none_or(str::is_empty) {
        note(faults, "no_help", || format!("`{}` has no help text", shown()));
    }
    let words = || name.split('_');
    if let Some((unit, base)) = UNITS.iter().find(|(unit, _)| words().any(|word| word == *unit)) {
        note(faults, "not_base_unit", || {
            format!("`{}` counts {unit}, expected {base}", shown())
        });
    }
    let abbreviation = ABBREVIATIONS
        .iter()
        .find(|unit| words().skip(1).any(|word| word.eq_ignore_ascii_case(unit)));
    if let Some(unit) = abbreviation {
        note(faults, "abbreviated_unit", || {
            format!(
                "`{}` holds the abbreviated unit `{unit}`, expected it in full",
                shown()
            )
        });
    }
    if is_camel_case(name) {
        note(faults, "camel_case_name", || {
            format!("`{}` is camel case, expected snake case", shown())
        });
    }
    if let Some(word) = family_.kind.map(Kind::word)
        && words().any(|part| part == word)
        && family_.kind() != Kind::Info
    {
        note(faults, "type_in_name", || {
            format!("`{}` holds its type, `{word}`", shown())
        });
    }
}

fn is_camel_case(name: &str) -> bool {
    let bytes = name.as_bytes();
    bytes
        .iter()
        .zip(bytes.iter().skip(1))
        .any(|(a, b)| a.is_ascii_lowercase() && b.is_ascii_uppercase())
}

/// Names that say another type than the `TYPE` line.
fn of_type(family_: &Family<'_>, format: Format, faults: &mut Faults) {
    let name = family_.name;
    let mut warn = |code, message: String| {
        faults.add(code, Weight::Warn, family(name), || message);
    };
    if name.contains(':') {
        warn(
            "colon_in_name",
            "expected no `:`, which is for the names of recording rules".to_owned(),
        );
    }
    let Some(kind) = family_.kind.filter(|kind| *kind != Kind::Unknown) else {
        return;
    };
    match (kind, format) {
        (Kind::Counter, Format::Text) if !name.ends_with("_total") => {
            warn(
                "counter_without_total",
                "expected a counter to end with `_total`".to_owned(),
            );
        }
        (Kind::Counter, _) => {}
        _ if name.ends_with("_total") => {
            let message = format!(
                "expected a counter, as the name ends with `_total`, found a {}",
                kind.word()
            );
            warn("total_without_counter", message);
        }
        _ => {}
    }
    let reserved: &[&str] = match kind {
        Kind::Histogram | Kind::GaugeHistogram => &[],
        Kind::Summary => &["_bucket"],
        _ => &["_bucket", "_count", "_sum"],
    };
    if let Some(suffix) = reserved.iter().find(|suffix| name.ends_with(*suffix)) {
        let message = format!(
            "expected `{suffix}` in histograms and summaries alone, found a {}",
            kind.word()
        );
        warn("reserved_suffix", message);
    }
}

fn of_labels(family_: &Family<'_>, faults: &mut Faults) {
    let kind = family_.kind();
    for sample in &family_.samples {
        for (label, _) in &sample.labels {
            let is_misplaced = match *label {
                "le" => !kind.has_buckets() && kind != Kind::Unknown,
                "quantile" => !matches!(kind, Kind::Summary | Kind::Unknown),
                _ => false,
            };
            if is_misplaced {
                faults.add("reserved_label", Weight::Warn, family(family_.name), || {
                    format!(
                        "line {}: expected no label `{label}` in a {}",
                        sample.line,
                        kind.word()
                    )
                });
            }
            if is_camel_case(label) && *label != family_.name {
                let message = || {
                    format!(
                        "label `{}` is camel case, expected snake case",
                        excerpt(label.as_bytes())
                    )
                };
                note(faults, "camel_case_label", message);
            }
        }
    }
}
