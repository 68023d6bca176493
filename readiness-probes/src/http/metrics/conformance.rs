//! Pages that must be taken and pages that must not, written from the two standards, which each row names.
//!
//! "OM" is OpenMetrics 1.0, "EF" Prometheus' "Exposition formats", "Text-based format".

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

const REJECTED: &[Rejected] = &[
    ("OM Overall Structure: the end", OpenMetrics, "eof_missing", ""),
    (
        "OM Overall Structure: the end after samples",
        OpenMetrics,
        "eof_missing",
        "a 1\n",
    ),
    (
        "OM ABNF exposition: nothing after the end",
        OpenMetrics,
        "after_eof",
        "# EOF\na 1\n",
    ),
    (
        "OM ABNF exposition: one line feed after the end",
        OpenMetrics,
        "after_eof",
        "# EOF\n\n",
    ),
    ("OM ABNF eof: in upper case", OpenMetrics, "comment", "# eof\n"),
    ("OM ABNF eof: one space", OpenMetrics, "malformed_line", "#EOF\n"),
    (
        "OM MetricFamily: no separators",
        OpenMetrics,
        "blank_line",
        "a 1\n\nb 1\n# EOF\n",
    ),
    (
        "OM MetricFamily metadata: no other comments",
        OpenMetrics,
        "comment",
        "# hello\n# EOF\n",
    ),
    (
        "OM Overall Structure: no carriage returns",
        OpenMetrics,
        "carriage_return",
        "a 1\r\n# EOF\n",
    ),
    (
        "OM Overall Structure: no byte order mark",
        OpenMetrics,
        "malformed_line",
        "\u{feff}a 1\n# EOF\n",
    ),
    (
        "OM ABNF metric-descriptor: a space after the name",
        OpenMetrics,
        "malformed_line",
        "# HELP a\n# EOF\n",
    ),
    (
        "OM ABNF metric-descriptor: one space",
        OpenMetrics,
        "malformed_line",
        "# TYPE  a gauge\n# EOF\n",
    ),
    (
        "OM ABNF metric-type: untyped is of the older format",
        OpenMetrics,
        "unknown_type",
        "# TYPE a untyped\n# EOF\n",
    ),
    (
        "OM ABNF metric-type: in lower case",
        OpenMetrics,
        "unknown_type",
        "# TYPE a Gauge\n# EOF\n",
    ),
    (
        "OM ABNF metric-type: nothing after it",
        OpenMetrics,
        "malformed_line",
        "# TYPE a gauge \n# EOF\n",
    ),
    (
        "OM MetricFamily metadata: one type",
        OpenMetrics,
        "repeated_metadata",
        "# TYPE a gauge\n# TYPE a gauge\n# EOF\n",
    ),
    (
        "OM MetricFamily metadata: one help",
        OpenMetrics,
        "repeated_metadata",
        "# HELP a x\n# HELP a y\n# EOF\n",
    ),
    (
        "OM ABNF metricfamily: metadata before samples",
        OpenMetrics,
        "metadata_after_samples",
        "# TYPE a gauge\na 1\n# HELP a x\n# EOF\n",
    ),
    (
        "OM ABNF metricfamily: type before samples",
        OpenMetrics,
        "type_after_samples",
        "a 1\n# TYPE a gauge\n# EOF\n",
    ),
    (
        "OM ABNF metricfamily: type before samples with suffixes",
        OpenMetrics,
        "type_after_samples",
        "a_total 1\n# TYPE a counter\n# EOF\n",
    ),
    (
        "OM MetricFamily metadata: the unit ends the name",
        OpenMetrics,
        "unit_not_in_name",
        "# TYPE a counter\n# UNIT a seconds\n# EOF\n",
    ),
    (
        "OM MetricFamily metadata: after an underscore",
        OpenMetrics,
        "unit_not_in_name",
        "# TYPE aseconds gauge\n# UNIT aseconds seconds\n# EOF\n",
    ),
    (
        "OM Info: no unit",
        OpenMetrics,
        "unit_not_allowed",
        "# TYPE a_b info\n# UNIT a_b b\n# EOF\n",
    ),
    (
        "OM StateSet: no unit",
        OpenMetrics,
        "unit_not_allowed",
        "# TYPE a_b stateset\n# UNIT a_b b\n# EOF\n",
    ),
    (
        "OM MetricFamily: not interleaved",
        OpenMetrics,
        "interleaved_families",
        "# TYPE a gauge\na{b=\"1\"} 1\nc 1\na{b=\"2\"} 1\n# EOF\n",
    ),
    (
        "OM Metric: not interleaved",
        OpenMetrics,
        "interleaved_metrics",
        "# TYPE a summary\na_count{b=\"1\"} 1\na_count{b=\"2\"} 1\na_sum{b=\"1\"} 1\n# EOF\n",
    ),
    (
        "OM MetricPoint: not interleaved",
        OpenMetrics,
        "interleaved_points",
        "# TYPE a summary\na_count 1 123\na_count 1 456\na_sum 1 123\n# EOF\n",
    ),
    (
        "OM MetricPoint: each series once at a time",
        OpenMetrics,
        "duplicate_series",
        "# TYPE a gauge\na 1 123\na 1 123\n# EOF\n",
    ),
    (
        "OM ABNF sample: one space before the value",
        OpenMetrics,
        "bad_value",
        "a  1\n# EOF\n",
    ),
    (
        "OM ABNF sample: no blank before the name",
        OpenMetrics,
        "malformed_line",
        " a 1\n# EOF\n",
    ),
    (
        "OM ABNF sample: no blank after the value",
        OpenMetrics,
        "bad_timestamp",
        "a 1 \n# EOF\n",
    ),
    (
        "OM ABNF sample: a value",
        OpenMetrics,
        "malformed_line",
        "a\n# EOF\n",
    ),
    (
        "OM ABNF sample: no blank before the labels",
        OpenMetrics,
        "bad_value",
        "a {b=\"c\"} 1\n# EOF\n",
    ),
    (
        "OM ABNF number: no base but ten",
        OpenMetrics,
        "bad_value",
        "a 0x1\n# EOF\n",
    ),
    (
        "OM ABNF number: no underscores",
        OpenMetrics,
        "bad_value",
        "a 1_000\n# EOF\n",
    ),
    (
        "OM ABNF number: NaN without a sign",
        OpenMetrics,
        "bad_value",
        "a -NaN\n# EOF\n",
    ),
    (
        "OM Numbers: within the range of a float",
        OpenMetrics,
        "bad_value",
        "a 1e999\n# EOF\n",
    ),
    (
        "OM ABNF timestamp: not infinite",
        OpenMetrics,
        "bad_timestamp",
        "a 1 +Inf\n# EOF\n",
    ),
    (
        "OM ABNF metricname: no digit first",
        OpenMetrics,
        "malformed_line",
        "1a 1\n# EOF\n",
    ),
    (
        "OM ABNF label-name: no colon",
        OpenMetrics,
        "malformed_line",
        "a{b:c=\"1\"} 1\n# EOF\n",
    ),
    (
        "OM ABNF labels: no comma at the end",
        OpenMetrics,
        "malformed_line",
        "a{b=\"c\",} 1\n# EOF\n",
    ),
    (
        "OM ABNF labels: no blanks",
        OpenMetrics,
        "malformed_line",
        "a{b=\"c\", d=\"e\"} 1\n# EOF\n",
    ),
    (
        "OM ABNF label: quotes",
        OpenMetrics,
        "malformed_line",
        "a{b=c} 1\n# EOF\n",
    ),
    (
        "OM ABNF label: quotes that end",
        OpenMetrics,
        "malformed_line",
        "a{b=\"c} 1\n# EOF\n",
    ),
    (
        "OM LabelSet: names are unique",
        OpenMetrics,
        "label_twice",
        "a{b=\"1\",b=\"2\"} 1\n# EOF\n",
    ),
    (
        "OM Counter: the suffix of the total",
        OpenMetrics,
        "wrong_suffix",
        "# TYPE a counter\na 1\n# EOF\n",
    ),
    (
        "OM Counter: not NaN",
        OpenMetrics,
        "counter_not_a_count",
        "# TYPE a counter\na_total NaN\n# EOF\n",
    ),
    (
        "OM Counter: from 0",
        OpenMetrics,
        "counter_not_a_count",
        "# TYPE a counter\na_total -1\n# EOF\n",
    ),
    (
        "OM Exemplars: not on gauges",
        OpenMetrics,
        "exemplar_not_allowed",
        "# TYPE a gauge\na 1 # {} 1\n# EOF\n",
    ),
    (
        "OM Exemplars: 128 characters",
        OpenMetrics,
        "exemplar_too_long",
        "# TYPE a counter\na_total 1 # {b=\"00000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000\"} 1\n# EOF\n",
    ),
    (
        "OM ABNF exemplar: with labels",
        OpenMetrics,
        "malformed_line",
        "# TYPE a counter\na_total 1 # 1\n# EOF\n",
    ),
    (
        "OM ABNF exemplar: with a value",
        OpenMetrics,
        "malformed_line",
        "# TYPE a counter\na_total 1 # {}\n# EOF\n",
    ),
    (
        "OM Histogram: an exemplar within its bucket",
        OpenMetrics,
        "exemplar_outside_bucket",
        "# TYPE a histogram\na_bucket{le=\"1.0\"} 1 # {} 2\na_bucket{le=\"+Inf\"} 1\n# EOF\n",
    ),
    (
        "OM StateSet: 0 or 1",
        OpenMetrics,
        "state_not_boolean",
        "# TYPE a stateset\na{a=\"b\"} 2\n# EOF\n",
    ),
    (
        "OM StateSet: the name of the state",
        OpenMetrics,
        "state_without_name",
        "# TYPE a stateset\na 1\n# EOF\n",
    ),
    (
        "OM Info: the suffix",
        OpenMetrics,
        "wrong_suffix",
        "# TYPE a info\na{b=\"c\"} 1\n# EOF\n",
    ),
    (
        "OM Info: the value 1",
        OpenMetrics,
        "info_not_one",
        "# TYPE a info\na_info 0\n# EOF\n",
    ),
    (
        "OM Summary: quantiles up to 1",
        OpenMetrics,
        "bad_quantile",
        "# TYPE a summary\na{quantile=\"1.1\"} 1\n# EOF\n",
    ),
    (
        "OM Summary: quantiles are numbers",
        OpenMetrics,
        "bad_quantile",
        "# TYPE a summary\na{quantile=\"x\"} 1\n# EOF\n",
    ),
    (
        "OM Summary: no value without a quantile",
        OpenMetrics,
        "bad_quantile",
        "# TYPE a summary\na 1\n# EOF\n",
    ),
    (
        "OM Summary: values of 0 or more",
        OpenMetrics,
        "negative_quantile",
        "# TYPE a summary\na{quantile=\"0.5\"} -1\n# EOF\n",
    ),
    (
        "OM Summary: a whole count",
        OpenMetrics,
        "count_not_a_count",
        "# TYPE a summary\na_count 1.5\n# EOF\n",
    ),
    (
        "OM Summary: a sum that is a number",
        OpenMetrics,
        "sum_not_a_count",
        "# TYPE a summary\na_sum NaN\n# EOF\n",
    ),
    (
        "OM Histogram: an infinite bucket",
        OpenMetrics,
        "bucket_infinity_missing",
        "# TYPE a histogram\na_bucket{le=\"1.0\"} 1\n# EOF\n",
    ),
    (
        "OM Histogram: cumulative",
        OpenMetrics,
        "buckets_not_cumulative",
        "# TYPE a histogram\na_bucket{le=\"1.0\"} 2\na_bucket{le=\"+Inf\"} 1\n# EOF\n",
    ),
    (
        "OM Histogram: sorted",
        OpenMetrics,
        "buckets_unsorted",
        "# TYPE a histogram\na_bucket{le=\"2.0\"} 1\na_bucket{le=\"1.0\"} 1\na_bucket{le=\"+Inf\"} 1\n# EOF\n",
    ),
    (
        "OM Histogram: unique thresholds",
        OpenMetrics,
        "bucket_twice",
        "# TYPE a histogram\na_bucket{le=\"1\"} 1\na_bucket{le=\"1.0\"} 1\na_bucket{le=\"+Inf\"} 1\n# EOF\n",
    ),
    (
        "OM Histogram: no threshold NaN",
        OpenMetrics,
        "bucket_without_threshold",
        "# TYPE a histogram\na_bucket{le=\"NaN\"} 1\na_bucket{le=\"+Inf\"} 1\n# EOF\n",
    ),
    (
        "OM Histogram: whole counts",
        OpenMetrics,
        "bucket_not_a_count",
        "# TYPE a histogram\na_bucket{le=\"+Inf\"} 1.5\n# EOF\n",
    ),
    (
        "OM Histogram: the count is that of the infinite bucket",
        OpenMetrics,
        "count_differs",
        "# TYPE a histogram\na_bucket{le=\"+Inf\"} 2\na_count 3\na_sum 1\n# EOF\n",
    ),
    (
        "OM Histogram: a sum if and only if there is a count",
        OpenMetrics,
        "count_without_sum",
        "# TYPE a histogram\na_bucket{le=\"+Inf\"} 2\na_sum 3\n# EOF\n",
    ),
    (
        "OM Histogram: no sum with negative thresholds",
        OpenMetrics,
        "sum_not_allowed",
        "# TYPE a histogram\na_bucket{le=\"-1.0\"} 2\na_bucket{le=\"+Inf\"} 2\na_count 2\na_sum 3\n# EOF\n",
    ),
    (
        "OM GaugeHistogram: the suffix of its count",
        OpenMetrics,
        "wrong_suffix",
        "# TYPE a gaugehistogram\na_bucket{le=\"+Inf\"} 2\na_gcount 2\na_gsum 1\na 3\n# EOF\n",
    ),
    (
        "EF Comments: a known type",
        Text,
        "unknown_type",
        "# TYPE a info\na 1\n",
    ),
    (
        "EF Comments: nothing after the type",
        Text,
        "malformed_line",
        "# TYPE a gauge b\na 1\n",
    ),
    (
        "EF Comments: a name after TYPE",
        Text,
        "malformed_line",
        "# TYPE\na 1\n",
    ),
    ("EF Comments: a value", Text, "bad_value", "a{b=\"c\"}\n"),
    (
        "EF Comments: a value that is a number",
        Text,
        "bad_value",
        "a one\n",
    ),
    (
        "EF Comments: an integer as timestamp",
        Text,
        "bad_timestamp",
        "a 1 1.5\n",
    ),
    ("EF Comments: no exemplars", Text, "bad_timestamp", "a 1 # {} 1\n"),
    (
        "EF Comments: three escapes in labels",
        Text,
        "malformed_line",
        "a{b=\"\\x\"} 1\n",
    ),
    (
        "EF Comments: names of labels",
        Text,
        "malformed_line",
        "a{1b=\"c\"} 1\n",
    ),
    (
        "EF Comments: one comma between labels",
        Text,
        "malformed_line",
        "a{b=\"c\",,} 1\n",
    ),
    ("EF Line format: line feeds", Text, "carriage_return", "a 1\r\n"),
    (
        "EF Grouping and sorting: each line once",
        Text,
        "duplicate_series",
        "a{b=\"c\",d=\"e\"} 1\na{d=\"e\",b=\"c\"} 2\n",
    ),
    (
        "EF Grouping and sorting: also with a timestamp",
        Text,
        "duplicate_series",
        "a 1 1\na 1 2\n",
    ),
    (
        "EF Histograms and summaries: an infinite bucket",
        Text,
        "bucket_infinity_missing",
        "# TYPE a histogram\na_bucket{le=\"1\"} 1\na_sum 1\na_count 1\n",
    ),
    (
        "EF Histograms and summaries: equal to the count",
        Text,
        "count_differs",
        "# TYPE a histogram\na_bucket{le=\"+Inf\"} 1\na_sum 1\na_count 2\n",
    ),
];

/// What Prometheus takes, and the standard does not.
const WARNED: &[Rejected] = &[
    (
        "EF Line format: the last line ends with a line feed",
        Text,
        "line_end_missing",
        "a 1",
    ),
    (
        "EF Comments: one type",
        Text,
        "repeated_metadata",
        "# TYPE a gauge\n# TYPE a gauge\na 1\n",
    ),
    (
        "EF Comments: type before the first sample",
        Text,
        "type_after_samples",
        "a 1\n# TYPE a gauge\n",
    ),
    (
        "EF Comments: type before the first sample with a suffix",
        Text,
        "type_after_samples",
        "a_count 1\n# TYPE a summary\n",
    ),
    (
        "EF Grouping and sorting: one group",
        Text,
        "interleaved_families",
        "a{b=\"1\"} 1\nc 1\na{b=\"2\"} 1\n",
    ),
    (
        "EF Histograms and summaries: buckets in rising order",
        Text,
        "buckets_unsorted",
        "# TYPE a histogram\na_bucket{le=\"+Inf\"} 1\na_bucket{le=\"1\"} 1\na_sum 1\na_count 1\n",
    ),
    (
        "EF Histograms and summaries: quantiles in rising order",
        Text,
        "quantiles_unsorted",
        "# TYPE a summary\na{quantile=\"0.9\"} 1\na{quantile=\"0.5\"} 1\n",
    ),
    (
        "EF Histograms and summaries: a count",
        Text,
        "count_missing",
        "# TYPE a histogram\na_bucket{le=\"+Inf\"} 1\na_sum 1\n",
    ),
    (
        "EF Histograms and summaries: no sample without a suffix",
        Text,
        "wrong_suffix",
        "# TYPE a histogram\na_bucket{le=\"+Inf\"} 1\na_sum 1\na_count 1\na 1\n",
    ),
    (
        "OM Escaping: escapes that mean nothing",
        OpenMetrics,
        "undefined_escape",
        "a{b=\"\\x\"} 1\n# EOF\n",
    ),
    (
        "OM Escaping: quotes in help",
        OpenMetrics,
        "undefined_escape",
        "# HELP a an \"a\"\n# EOF\n",
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
