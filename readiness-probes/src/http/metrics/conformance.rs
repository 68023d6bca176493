//! Pages that must be taken and pages that must not, written from the two standards, which each row names.
//!
//! "OM" is OpenMetrics 1.0, "EF" Prometheus' "Exposition formats", "Text-based format".

mod rejected;

use self::rejected::{REJECTED, WARNED};
use super::{
    faults::Weight,
    format::Format::{self, OpenMetrics, Text},
    judge::faults_of,
};

/// What the standard says where, the format, and the page.
type Accepted = (&'static str, Format, &'static str);
/// As [`Accepted`], with the code of what is wrong.
type Rejected = (&'static str, Format, &'static str, &'static str);

const ACCEPTED: &[Accepted] = &[
    ("OM ABNF exposition: nothing but the end", OpenMetrics, "# EOF\n"),
    (
        "OM ABNF exposition: the last line feed is optional",
        OpenMetrics,
        "# EOF",
    ),
    (
        "OM MetricFamily metadata: without samples",
        OpenMetrics,
        "# TYPE a gauge\n# EOF\n",
    ),
    (
        "OM MetricFamily metadata: all three",
        OpenMetrics,
        "# TYPE a_seconds gauge\n# UNIT a_seconds seconds\n# HELP a_seconds How long.\na_seconds 1\n# EOF\n",
    ),
    (
        "OM MetricFamily metadata: any order",
        OpenMetrics,
        "# HELP a_bytes Size.\n# UNIT a_bytes bytes\n# TYPE a_bytes gauge\na_bytes 1\n# EOF\n",
    ),
    (
        "OM MetricFamily metadata: empty help and unit",
        OpenMetrics,
        "# TYPE a gauge\n# UNIT a \n# HELP a \na 1\n# EOF\n",
    ),
    (
        "OM MetricFamily metadata: no type is unknown",
        OpenMetrics,
        "a 1\n# EOF\n",
    ),
    (
        "OM Escaping: in help",
        OpenMetrics,
        "# TYPE a gauge\n# HELP a A \\n b \\\" c \\\\ d\na 1\n# EOF\n",
    ),
    (
        "OM Escaping: in labels",
        OpenMetrics,
        "a{b=\"\\\\ \\\" \\n\"} 1\n# EOF\n",
    ),
    (
        "OM Escaping: other escapes should not, and may",
        OpenMetrics,
        "a{b=\"\\x\"} 1\n# EOF\n",
    ),
    (
        "OM Overall Structure: any UTF-8",
        OpenMetrics,
        "a{b=\"\u{e9}\u{1f600}\0\"} 1\n# EOF\n",
    ),
    ("OM ABNF labels: none", OpenMetrics, "a{} 1\n# EOF\n"),
    (
        "OM ABNF label: any character in quotes",
        OpenMetrics,
        "a{b=\"{},= #\"} 1\n# EOF\n",
    ),
    (
        "OM ABNF metricname: colons and digits",
        OpenMetrics,
        "a:b_1{_c=\"1\"} 1\n# EOF\n",
    ),
    (
        "OM Numbers: integers with zeros before them",
        OpenMetrics,
        "a 0042\n# EOF\n",
    ),
    (
        "OM ABNF number: signs and exponents",
        OpenMetrics,
        "a -1.5e+07\nb +.5\nc 7.\n# EOF\n",
    ),
    (
        "OM ABNF number: infinity and NaN in any case",
        OpenMetrics,
        "a +Inf\nb -infinity\nc nAn\nd INF\n# EOF\n",
    ),
    (
        "OM Timestamps: fractions of seconds",
        OpenMetrics,
        "a 1 1604676851.123456789\nb 1 -5\n# EOF\n",
    ),
    (
        "OM MetricPoint: several points in order",
        OpenMetrics,
        "# TYPE a gauge\na 1 123\na 2 456\n# EOF\n",
    ),
    (
        "OM MetricPoint: metrics and points in groups",
        OpenMetrics,
        "# TYPE a summary\na_count{b=\"c\"} 0 1\na_sum{b=\"c\"} 0 1\na_count{b=\"c\"} 0 2\na_sum{b=\"c\"} 0 2\na_count{b=\"d\"} 0 1\na_sum{b=\"d\"} 0 1\n# EOF\n",
    ),
    (
        "OM Counter: total and created",
        OpenMetrics,
        "# TYPE a counter\na_total 1\na_created 1520430000.123\n# EOF\n",
    ),
    (
        "OM Counter: an exemplar",
        OpenMetrics,
        "# TYPE a counter\na_total 1 # {trace_id=\"b\"} 0.5 1520879607.789\n# EOF\n",
    ),
    (
        "OM Exemplars: without labels, after a timestamp",
        OpenMetrics,
        "# TYPE a counter\na_total 1 5 # {} 1\n# EOF\n",
    ),
    (
        "OM StateSet: one sample for each state",
        OpenMetrics,
        "# TYPE a stateset\na{a=\"on\"} 1\na{a=\"off\"} 0\n# EOF\n",
    ),
    (
        "OM Info: the value 1",
        OpenMetrics,
        "# TYPE a info\na_info{version=\"1\"} 1.0\n# EOF\n",
    ),
    (
        "OM Summary: all that may be",
        OpenMetrics,
        "# TYPE a summary\na{quantile=\"0.9\"} 2\na{quantile=\"0.5\"} NaN\na_count 3\na_sum 4\na_created 5\n# EOF\n",
    ),
    (
        "OM Summary: nothing but a count",
        OpenMetrics,
        "# TYPE a summary\na_count 3\n# EOF\n",
    ),
    (
        "OM Histogram: all that may be",
        OpenMetrics,
        "# TYPE a histogram\na_bucket{le=\"1e-05\"} 0\na_bucket{le=\"1.0\"} 2\na_bucket{le=\"+Inf\"} 3\na_count 3\na_sum 9.5\na_created 1\n# EOF\n",
    ),
    (
        "OM Histogram: one bucket, no sum",
        OpenMetrics,
        "# TYPE a histogram\na_bucket{le=\"+Inf\"} 3\n# EOF\n",
    ),
    (
        "OM Histogram: negative thresholds without a sum",
        OpenMetrics,
        "# TYPE a histogram\na_bucket{le=\"-1.0\"} 1\na_bucket{le=\"+Inf\"} 3\n# EOF\n",
    ),
    (
        "OM Canonical Numbers: others are not refused",
        OpenMetrics,
        "# TYPE a histogram\na_bucket{le=\"1.1e-4\"} 1\na_bucket{le=\"+Inf\"} 3\n# EOF\n",
    ),
    (
        "OM Histogram exemplars: within the bucket",
        OpenMetrics,
        "# TYPE a histogram\na_bucket{le=\"1.0\"} 1 # {} 1\na_bucket{le=\"+Inf\"} 3\n# EOF\n",
    ),
    (
        "OM GaugeHistogram: a negative sum with a negative threshold",
        OpenMetrics,
        "# TYPE a gaugehistogram\na_bucket{le=\"-1.0\"} 1\na_bucket{le=\"+Inf\"} 3\na_gcount 3\na_gsum -2\n# EOF\n",
    ),
    ("OM Gauge: below 0", OpenMetrics, "# TYPE a gauge\na -1\n# EOF\n"),
    (
        "OM Unknown: a name with a suffix of its own",
        OpenMetrics,
        "# TYPE a_total unknown\na_total 1\n# EOF\n",
    ),
    (
        "EF Line format: empty lines are ignored",
        Text,
        "\na 1\n \t \nb 2\n",
    ),
    (
        "EF Line format: blanks and tabs",
        Text,
        " a \t{ b = \"c\" , d=\"e\" , } \t1 \t 123 \n",
    ),
    (
        "EF Comments: what is neither HELP nor TYPE",
        Text,
        "# a comment\n#\n# UNIT a b\n# EOF\na 1\n",
    ),
    (
        "EF Comments: help and type in any order",
        Text,
        "# HELP a A \\\\ b \\n c \"d\".\n# TYPE a gauge\na 1\n",
    ),
    ("EF Comments: no type is untyped", Text, "a -1\n"),
    (
        "EF Comments: a comma after the last label",
        Text,
        "a{b=\"c\",} 1\n",
    ),
    ("EF Comments: NaN and infinities", Text, "a NaN\nb +Inf\nc -Inf\n"),
    (
        "EF Comments: milliseconds, also before 1970",
        Text,
        "a 1 1395066363000\nb 12.47e3 -3982045\n",
    ),
    (
        "EF Comments: escapes in labels",
        Text,
        "a{b=\"C:\\\\D \\\"e\\\" \\n\"} 1\n",
    ),
    (
        "EF Histograms and summaries: a histogram",
        Text,
        "# TYPE a histogram\na_bucket{le=\"0.05\"} 2\na_bucket{le=\"+Inf\"} 3\na_sum 5\na_count 3\n",
    ),
    (
        "EF Histograms and summaries: a summary",
        Text,
        "# TYPE a summary\na{quantile=\"0.01\"} 3\na{quantile=\"0.5\"} 4\na_sum 1\na_count 2\n",
    ),
    (
        "EF Histograms and summaries: a sum below 0",
        Text,
        "# TYPE a histogram\na_bucket{le=\"-1\"} 2\na_bucket{le=\"+Inf\"} 2\na_sum -5\na_count 2\n",
    ),
];

#[test]
fn right_pages_are_taken() {
    for (said, format, page) in ACCEPTED {
        let faults = faults_of(page.as_bytes(), *format);
        assert!(faults.failing().is_empty(), "{said}: {faults:?}");
    }
}

#[test]
fn wrong_pages_are_refused_for_what_is_wrong() {
    for (said, format, code, page) in REJECTED {
        let faults = faults_of(page.as_bytes(), *format);
        assert!(faults.failing().contains(code), "{said}: {faults:?}");
    }
}

#[test]
fn what_is_forgiven_warns() {
    for (said, format, code, page) in WARNED {
        let faults = faults_of(page.as_bytes(), *format);
        assert!(faults.failing().is_empty(), "{said}: {faults:?}");
        assert!(faults.weighing(Weight::Warn).contains(code), "{said}: {faults:?}");
    }
}

#[test]
fn what_is_no_text_is_refused() {
    for format in [OpenMetrics, Text] {
        assert!(
            faults_of(b"a{b=\"\xff\"} 1\n# EOF\n", format)
                .failing()
                .contains(&"not_utf8")
        );
    }
}
