use super::format::Format;

/// What a family of metrics is.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Kind {
    Counter,
    Gauge,
    GaugeHistogram,
    Histogram,
    Info,
    StateSet,
    Summary,
    Unknown,
}

/// Every suffix that some kind has.
pub(super) const SUFFIXES: [&str; 8] = [
    "_bucket", "_count", "_created", "_gcount", "_gsum", "_info", "_sum", "_total",
];

impl Kind {
    /// The kind of a `TYPE` line. Each format has its own words.
    pub(super) fn named(word: &str, format: Format) -> Option<Self> {
        let kind = match (word, format) {
            ("counter", _) => Self::Counter,
            ("gauge", _) => Self::Gauge,
            ("histogram", _) => Self::Histogram,
            ("summary", _) => Self::Summary,
            ("untyped", Format::Text) | ("unknown", Format::OpenMetrics) => Self::Unknown,
            ("gaugehistogram", Format::OpenMetrics) => Self::GaugeHistogram,
            ("info", Format::OpenMetrics) => Self::Info,
            ("stateset", Format::OpenMetrics) => Self::StateSet,
            _ => return None,
        };
        Some(kind)
    }

    /// The kind as its format writes it.
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Counter => "counter",
            Self::Gauge => "gauge",
            Self::GaugeHistogram => "gaugehistogram",
            Self::Histogram => "histogram",
            Self::Info => "info",
            Self::StateSet => "stateset",
            Self::Summary => "summary",
            Self::Unknown => "unknown",
        }
    }

    /// What stands after the name of the family in the names of its samples.
    pub(super) fn suffixes(self, format: Format) -> &'static [&'static str] {
        match (self, format) {
            (Self::Counter, Format::OpenMetrics) => &["_total", "_created"],
            (Self::Histogram, Format::OpenMetrics) => &["_bucket", "_count", "_sum", "_created"],
            (Self::Histogram, Format::Text) => &["_bucket", "_count", "_sum"],
            (Self::Summary, Format::OpenMetrics) => &["", "_count", "_sum", "_created"],
            (Self::Summary, Format::Text) => &["", "_count", "_sum"],
            (Self::GaugeHistogram, _) => &["_bucket", "_gcount", "_gsum"],
            (Self::Info, _) => &["_info"],
            (Self::Counter, Format::Text) | (Self::Gauge | Self::StateSet | Self::Unknown, _) => &[""],
        }
    }

    /// Whether its samples make a histogram.
    pub(super) fn has_buckets(self) -> bool {
        matches!(self, Self::GaugeHistogram | Self::Histogram)
    }
}
