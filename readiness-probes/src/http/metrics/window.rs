//! What a service counted between two scrapes.

use std::collections::{BTreeMap, BTreeSet};

use readiness_core::{ObserveError, Reason, fact::Exchange};

use super::{
    super::{applicability::is_challenge, syntax::excerpt},
    format::of_content_type,
    kind::Kind,
    matchers::{LabelMatchers, Ready},
    number::number,
    page::{self, Family, MetricLabels, Page, Sample},
    progress::is_another_process,
};

/// Why two scrapes tell nothing.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(in crate::http) struct Trouble {
    pub(in crate::http) reason: Reason,
    pub(in crate::http) message: String,
    pub(in crate::http) remedy: &'static str,
}

fn trouble(reason: Reason, message: impl Into<String>, remedy: &'static str) -> Trouble {
    Trouble {
        reason,
        message: message.into(),
        remedy,
    }
}

/// Two looks at one page.
pub(in crate::http) struct Window<'e> {
    before: Page<'e>,
    after: Page<'e>,
}

/// How many observations of a histogram were over a limit, by the edges of its buckets next to it.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(in crate::http) struct Over {
    /// Over the edge at the limit or above it: surely slow.
    pub(in crate::http) fewest: u64,
    /// Over the edge at the limit or below it: maybe slow.
    pub(in crate::http) most: u64,
    pub(in crate::http) of: u64,
    /// The highest edge at the limit or below it, of all series; `None` where one has none.
    pub(in crate::http) below: Option<f64>,
    /// The lowest edge at the limit or above it; infinite where there is no other.
    pub(in crate::http) above: f64,
}

/// The greatest whole number that a sample is exact up to.
const MOST_EXACT: f64 = 9_007_199_254_740_992.0;

/// The most labels that are told where one lacks.
const MOST_NAMED: usize = 8;

const FEWER: &str = "show fewer series on one page, or spread them over several";
const SAME_PAGE: &str = "see why the page could be had once and not twice";
const RIGHT_NAME: &str = "name a counter, or the `_count` of a histogram or summary, that the page shows";
const RIGHT_LABEL: &str = "name in the selector the label that tells errors apart, as the page writes it";
const LATER: &str = "look again: nothing can be said over a restart";
const SAME_PROCESS: &str =
    "look again: nothing can be said over a restart; behind a balancer, make each instance a target";
const BY_LIBRARY: &str = "let a client library write the page; see what `http.metrics` says of it";

impl<'e> Window<'e> {
    /// Reads both pages.
    ///
    /// # Errors
    /// Why they tell nothing.
    pub(in crate::http) fn between(
        first: &'e Exchange,
        second: Result<&'e Exchange, &ObserveError>,
    ) -> Result<Self, Trouble> {
        let before = page_of(first)?;
        let second = second.map_err(|e| {
            let message = format!("the page could not be had again: {e}");
            trouble(e.reason.clone(), message, SAME_PAGE)
        })?;
        let after = page_of(second)?;
        match is_another_process(&before, &after) {
            true => Err(trouble(
                Reason::UNEXPECTED_RESPONSE,
                "another process answered the second scrape, or it began anew",
                SAME_PROCESS,
            )),
            false => Ok(Self { before, after }),
        }
    }

    /// How much the samples of this name rose, those that fit all matchers together.
    ///
    /// # Errors
    /// Where there is none, or one fell.
    pub(in crate::http) fn rise(&self, name: &str, all: &[&LabelMatchers]) -> Result<u64, Trouble> {
        let ready: Vec<Ready<'_>> = all.iter().map(|matchers| matchers.ready()).collect();
        let before = chosen(&self.before, name, &ready)?;
        let after = chosen(&self.after, name, &ready)?;
        let rises = rises(name, &before, &after)?;
        rises.values().try_fold(0_u64, |sum, rise| {
            whole(name, *rise).map(|rise| sum.saturating_add(rise))
        })
    }

    /// Whether every label that a selector counts by stands on any sample of this name that fits the others. One
    /// that is written wrong selects nothing, which looks as if nothing had gone wrong.
    ///
    /// # Errors
    /// Where one does not.
    pub(in crate::http) fn has_labels(
        &self,
        name: &str,
        others: &LabelMatchers,
        selector: &LabelMatchers,
    ) -> Result<(), Trouble> {
        let ready = [others.ready()];
        let after = chosen(&self.after, name, &ready)?;
        let known: BTreeSet<&str> = after
            .keys()
            .flat_map(|labels| labels.iter().map(|(label, _)| *label))
            .collect();
        let selector = selector.ready();
        let lacking = selector.needed().find(|label| !known.contains(label));
        // Where nothing fits the others, that is what is to be told.
        let Some(label) = lacking.filter(|_| !after.is_empty()) else {
            return Ok(());
        };
        let known: Vec<String> = known
            .iter()
            .take(MOST_NAMED)
            .map(|label| format!("`{}`", excerpt(label.as_bytes())))
            .collect();
        let instead = match known.is_empty() {
            true => "they have none".to_owned(),
            false => format!("they have {}", known.join(", ")),
        };
        let message = format!(
            "no series of `{}` has the label `{}`; {instead}",
            excerpt(name.as_bytes()),
            excerpt(label.as_bytes())
        );
        Err(trouble(Reason::UNEXPECTED_RESPONSE, message, RIGHT_LABEL))
    }

    /// Whether there is any sample of this name, whatever its labels.
    ///
    /// # Errors
    /// Where there is none.
    pub(in crate::http) fn has(&self, name: &str) -> Result<(), Trouble> {
        let has = |page: &Page<'_>| samples(page).any(|(_, sample)| sample.name == name);
        match has(&self.after) {
            true => Ok(()),
            false => Err(trouble(
                Reason::UNEXPECTED_RESPONSE,
                format!(
                    "expected samples `{}`, and the page shows none",
                    excerpt(name.as_bytes())
                ),
                RIGHT_NAME,
            )),
        }
    }

    /// How many observations of a histogram were over a limit, which is in its own unit.
    ///
    /// # Errors
    /// Where there is no such histogram, where it fell, and where it disagrees with itself.
    pub(in crate::http) fn over(
        &self,
        histogram: &str,
        matchers: &LabelMatchers,
        limit: f64,
    ) -> Result<Over, Trouble> {
        let name = format!("{histogram}_bucket");
        self.has(&name)?;
        let ready = [matchers.ready()];
        let before = chosen(&self.before, &name, &ready)?;
        let after = chosen(&self.after, &name, &ready)?;
        let rises = rises(&name, &before, &after)?;
        let mut series: BTreeMap<MetricLabels<'_>, Vec<(f64, f64)>> = BTreeMap::new();
        for (labels, rise) in rises {
            let edge = labels
                .iter()
                .find(|(name, _)| *name == "le")
                .and_then(|(_, le)| number(le));
            let Some(edge) = edge.filter(|edge| !edge.is_nan()) else {
                return Err(broken(histogram, "has a bucket without an edge"));
            };
            let others = labels.into_iter().filter(|(name, _)| *name != "le").collect();
            series.entry(others).or_default().push((edge, rise));
        }
        let mut over = Over {
            below: Some(f64::INFINITY),
            above: f64::NEG_INFINITY,
            ..Over::default()
        };
        for buckets in series.into_values() {
            over.add(histogram, buckets, limit)?;
        }
        Ok(over)
    }
}

impl Over {
    /// Adds one series, of which the edges of two pages are the same.
    fn add(&mut self, histogram: &str, mut buckets: Vec<(f64, f64)>, limit: f64) -> Result<(), Trouble> {
        buckets.sort_by(|(a, _), (b, _)| a.total_cmp(b));
        if !buckets.is_sorted_by(|(_, a), (_, b)| a <= b) {
            return Err(broken(
                histogram,
                "counts more below an edge than below a higher one",
            ));
        }
        let Some((_, all)) = buckets.last().filter(|(edge, _)| *edge == f64::INFINITY) else {
            return Err(broken(histogram, "has no bucket `+Inf`"));
        };
        let below = buckets.iter().rfind(|(edge, _)| *edge <= limit);
        let above = buckets.iter().find(|(edge, _)| *edge >= limit);
        let count = |rise: f64| whole(histogram, rise);
        self.of = self.of.saturating_add(count(*all)?);
        self.most = self
            .most
            .saturating_add(count(all - below.map_or(0.0, |(_, rise)| *rise))?);
        self.fewest = self
            .fewest
            .saturating_add(count(all - above.map_or(*all, |(_, rise)| *rise))?);
        self.below = match (self.below, below) {
            (Some(known), Some((edge, _))) => Some(known.min(*edge)),
            _ => None,
        };
        self.above = self.above.max(above.map_or(f64::INFINITY, |(edge, _)| *edge));
        Ok(())
    }
}

fn broken(histogram: &str, what: &str) -> Trouble {
    let message = format!("the histogram `{}` {what}", excerpt(histogram.as_bytes()));
    trouble(Reason::UNEXPECTED_RESPONSE, message, BY_LIBRARY)
}

fn page_of(exchange: &Exchange) -> Result<Page<'_>, Trouble> {
    let status = exchange.status;
    if status != 200 || is_challenge(exchange) {
        return Err(trouble(
            Reason::UNEXPECTED_RESPONSE,
            format!("HTTP {status}: the metrics were not shown"),
            "set `metrics.path` to where the metrics are, and give the target a credential if they need one",
        ));
    }
    let format = of_content_type(exchange.first("content-type"))
        .map_err(|(_, message)| trouble(Reason::UNEXPECTED_RESPONSE, message, BY_LIBRARY))?;
    if !exchange.body_complete {
        return Err(trouble(
            Reason::HTTP_TOO_LARGE,
            format!(
                "the page of metrics was not read to its end: {} bytes of it were",
                exchange.body.len()
            ),
            FEWER,
        ));
    }
    let page = page::read(exchange.body.as_bytes(), format, true);
    match page.left_out {
        0 => Ok(page),
        more => Err(trouble(
            Reason::HTTP_TOO_LARGE,
            format!("the page of metrics has {more} samples more than are read"),
            FEWER,
        )),
    }
}

fn samples<'p, 'a>(page: &'p Page<'a>) -> impl Iterator<Item = (&'p Family<'a>, &'p Sample<'a>)> {
    page.families
        .iter()
        .flat_map(|family| family.samples.iter().map(move |sample| (family, sample)))
}

type Values<'p> = BTreeMap<MetricLabels<'p>, f64>;

/// The samples of a name that fit, by their labels.
fn chosen<'p>(page: &'p Page<'_>, name: &str, ready: &[Ready<'_>]) -> Result<Values<'p>, Trouble> {
    let mut values = Values::new();
    for (family, sample) in samples(page).filter(|(_, sample)| sample.name == name) {
        if !may_only_rise(family, sample) {
            let message = format!(
                "`{}` is of a {}, which may fall",
                excerpt(name.as_bytes()),
                family.kind().word()
            );
            return Err(trouble(Reason::UNEXPECTED_RESPONSE, message, RIGHT_NAME));
        }
        if ready.iter().all(|matchers| matchers.fits(sample)) {
            values.insert(sample.labels_but(""), sample.value);
        }
    }
    Ok(values)
}

fn may_only_rise(family: &Family<'_>, sample: &Sample<'_>) -> bool {
    match (family.kind(), family.suffix(sample)) {
        (Kind::Counter | Kind::Unknown, _) => true,
        (Kind::Histogram, suffix) => matches!(suffix, "_bucket" | "_count"),
        (Kind::Summary, suffix) => suffix == "_count",
        _ => false,
    }
}

/// What each series counted. One that is new counted from 0; one that fell or went began anew.
fn rises<'p>(name: &str, before: &Values<'_>, after: &Values<'p>) -> Result<Values<'p>, Trouble> {
    let restarted = |what: &str| {
        let message = format!("`{}` {what} between the two scrapes", excerpt(name.as_bytes()));
        trouble(Reason::UNEXPECTED_RESPONSE, message, LATER)
    };
    if before.keys().any(|labels| !after.contains_key(labels)) {
        return Err(restarted("lost a series"));
    }
    after
        .iter()
        .map(|(labels, now)| {
            let then = before.get(labels).copied().unwrap_or(0.0);
            match *now >= then && then >= 0.0 {
                true => Ok((labels.clone(), now - then)),
                false => Err(restarted("fell")),
            }
        })
        .collect()
}

fn whole(name: &str, rise: f64) -> Result<u64, Trouble> {
    if rise.fract() == 0.0 && (0.0..=MOST_EXACT).contains(&rise) {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "it is whole and within the bounds of both"
        )]
        return Ok(rise as u64);
    }
    let message = format!("`{}` rose by what is no whole number", excerpt(name.as_bytes()));
    Err(trouble(Reason::UNEXPECTED_RESPONSE, message, BY_LIBRARY))
}

#[cfg(test)]
mod tests;
