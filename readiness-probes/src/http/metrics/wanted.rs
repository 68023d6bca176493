//! What a user demands of a page: families, and samples within bounds.

use std::collections::BTreeMap;

use readiness_core::{Finding, Reason};
use serde::Deserialize;

use super::{
    super::syntax::excerpt,
    number::MetricBound,
    page::{Page, Sample},
};

/// What must hold of every sample of one name whose labels fit.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq)]
#[non_exhaustive]
#[serde(default, deny_unknown_fields)]
pub struct MetricAssertion {
    /// The name of the sample as the page has it, with its suffix, such as `http_requests_total`.
    pub metric: String,
    /// Labels that the sample must have, with these values; it may have more. Default: any.
    pub labels: BTreeMap<String, String>,
    /// Whether there must be such a sample, or must not. Default: it must.
    pub exists: Option<bool>,
    /// The least each of them may be: an integer, or a decimal as text such as `"0.95"`.
    pub at_least: Option<MetricBound>,
    /// The most each of them may be: an integer, or a decimal as text.
    pub at_most: Option<MetricBound>,
}

impl MetricAssertion {
    /// There is such a sample.
    pub fn exists(metric: impl Into<String>) -> Self {
        Self {
            metric: metric.into(),
            exists: Some(true),
            ..Self::default()
        }
    }

    /// Only samples with this label.
    pub fn label(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.labels.insert(name.into(), value.into());
        self
    }

    /// Each is this or more.
    pub fn at_least(mut self, least: impl Into<MetricBound>) -> Self {
        self.at_least = Some(least.into());
        self
    }

    /// Each is this or less.
    pub fn at_most(mut self, most: impl Into<MetricBound>) -> Self {
        self.at_most = Some(most.into());
        self
    }

    pub(super) fn check(&self) -> Result<(), String> {
        let metric = &self.metric;
        check_name("assert", metric)?;
        let asks_value = self.at_least.is_some() || self.at_most.is_some();
        if self.exists.is_none() && !asks_value {
            return Err(format!(
                "nothing is asserted of `{metric}`; write `exists`, `at_least` or `at_most`"
            ));
        }
        if self.exists == Some(false) && asks_value {
            return Err(format!(
                "`{metric}` must not exist, and something is asserted of its value"
            ));
        }
        match (&self.at_least, &self.at_most) {
            (Some(least), Some(most)) if least.value() > most.value() => Err(format!(
                "`{metric}` can be nothing: `at_least` is {}, `at_most` is {}",
                least.as_str(),
                most.as_str()
            )),
            _ => Ok(()),
        }
    }

    fn fits(&self, sample: &Sample<'_>) -> bool {
        let mut labels = self.labels.iter();
        sample.name == self.metric
            && labels.all(|(name, value)| sample.label(name).unwrap_or_default() == value.as_str())
    }

    /// `sample `queue_depth` with `queue="mail"``, without the values of labels a peer sent.
    fn subject(&self) -> String {
        let labels: Vec<String> = self
            .labels
            .iter()
            .map(|(name, value)| format!("{name}={}", excerpt(value.as_bytes())))
            .collect();
        match labels.is_empty() {
            true => format!("sample `{}`", self.metric),
            false => format!("sample `{}` with `{}`", self.metric, labels.join(", ")),
        }
    }

    fn judge(&self, page: &Page<'_>, is_whole: bool) -> Finding {
        let fail = |code: &str, message: String| {
            Finding::fail(code, message)
                .remedy("see what the service counts; if this value is right, change the assertion")
        };
        let samples = page.families.iter().flat_map(|family| &family.samples);
        let found: Vec<&Sample<'_>> = samples.filter(|sample| self.fits(sample)).collect();
        let finding = if self.exists == Some(false) {
            match found.first() {
                Some(sample) => fail(
                    "present",
                    format!("expected none, found one in line {}", sample.line),
                ),
                None if is_whole => Finding::note("absent", "there is none, as expected"),
                None => unread("no such sample is in what was read"),
            }
        } else if found.is_empty() {
            match is_whole {
                true => fail("missing", "expected such a sample, and there is none".to_owned()),
                false => unread("the sample is not in what was read"),
            }
        } else {
            self.judge_values(&found, fail)
        };
        finding.subject(self.subject())
    }

    fn judge_values(&self, found: &[&Sample<'_>], fail: impl Fn(&str, String) -> Finding) -> Finding {
        let told = |sample: &Sample<'_>| {
            format!(
                "found `{}` in line {}",
                excerpt(sample.raw.as_bytes()),
                sample.line
            )
        };
        // What is no number lies within no bound.
        let outside = |from: f64, to: f64| {
            let mut found = found.iter();
            found.find(|sample| sample.value.is_nan() || sample.value < from || sample.value > to)
        };
        let below = |least: &MetricBound| outside(least.value(), f64::INFINITY);
        let above = |most: &MetricBound| outside(f64::NEG_INFINITY, most.value());
        if let Some((least, sample)) = self
            .at_least
            .as_ref()
            .and_then(|least| Some((least, below(least)?)))
        {
            return fail(
                "too_small",
                format!("expected at least {}, {}", least.as_str(), told(sample)),
            );
        }
        if let Some((most, sample)) = self.at_most.as_ref().and_then(|most| Some((most, above(most)?))) {
            return fail(
                "too_large",
                format!("expected at most {}, {}", most.as_str(), told(sample)),
            );
        }
        let first = found.first().map(|sample| told(sample)).unwrap_or_default();
        Finding::note("holds", first)
    }
}

/// Refuses what can be no name of a metric.
pub(in crate::http) fn check_name(field: &str, name: &str) -> Result<(), String> {
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b':');
    if name.is_empty() || name.starts_with(|c: char| c.is_ascii_digit()) || !name.bytes().all(fits) {
        return Err(format!(
            "`{field}` holds `{name}`, which is no name of a metric; it has letters, digits, `_` and `:`"
        ));
    }
    Ok(())
}

fn unread(message: &str) -> Finding {
    Finding::unknown("not_read_to_its_end", Reason::HTTP_TOO_LARGE, message)
        .remedy("show less on one page, or demand what stands in the first MiB")
}

/// Judges what is demanded.
pub(super) fn judge(
    required: &[String],
    assertions: &[MetricAssertion],
    page: &Page<'_>,
    is_whole: bool,
) -> Vec<Finding> {
    let has = |wanted: &str| {
        page.families
            .iter()
            .filter(|family| !family.samples.is_empty())
            .any(|family| family.name == wanted || family.samples.iter().any(|sample| sample.name == wanted))
    };
    let required = required.iter().filter(|wanted| !has(wanted)).map(|wanted| {
        let finding = match is_whole {
            true => Finding::fail(
                "family_missing",
                "expected samples of this family, and there are none",
            )
            .remedy("see whether the service still counts this, under which name; or change `required`"),
            false => unread("the family is not in what was read"),
        };
        finding.subject(super::faults::family(wanted))
    });
    required
        .chain(assertions.iter().map(|assertion| assertion.judge(page, is_whole)))
        .collect()
}
