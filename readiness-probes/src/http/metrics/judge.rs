use std::{net::IpAddr, time::Duration};

use readiness_core::{Finding, Measure, ObserveError, Outcome, Reason, Timestamp, Unit, fact::Exchange};

use super::{
    super::{applicability::is_challenge, syntax::count},
    faults::{Faults, PAGE, Weight},
    format::of_content_type,
    histogram, leak, naming,
    page::{self, Page},
    probe::Metrics,
    progress, series, values, wanted,
};

/// The second scrape, where there is to be one.
pub(super) type Second<'e> = Option<Result<&'e Exchange, &'e ObserveError>>;

/// Judges what one address shows. `public` is that address where anybody may ask it, and nothing secret was sent.
pub(super) fn judge(
    settings: &Metrics,
    first: &Exchange,
    second: Second<'_>,
    public: Option<IpAddr>,
    now: Timestamp,
) -> Outcome {
    let status = first.status;
    if is_challenge(first) || matches!(status, 401 | 403 | 429) {
        return Outcome::unknown(
            Reason::UNEXPECTED_RESPONSE,
            format!("HTTP {status}: the metrics were not shown"),
        )
        .evidence("status", status.to_string());
    }
    if status != 200 {
        let finding = Finding::fail("unexpected_status", format!("expected HTTP 200, found {status}"))
            .remedy("set `path` to where the metrics are, and see the log of the service");
        return said(
            Outcome::judged(format!("HTTP {status}, no metrics"), vec![finding]),
            first,
        );
    }
    let format = match of_content_type(first.first("content-type")) {
        Ok(format) => format,
        Err((code, message)) => {
            let finding = Finding::fail(code, message).remedy(
                "answer with the type that the `Accept` header asks for; Prometheus 3 refuses others",
            );
            return said(
                Outcome::judged("the content type is not one of metrics", vec![finding]),
                first,
            );
        }
    };
    let mut page = page::read(first.body.as_bytes(), format, first.body_complete);
    let is_whole = first.body_complete && page.left_out == 0;
    let mut faults = std::mem::take(&mut page.faults);
    examine(&page, &mut faults);
    series::judge_all(&page, settings.limits(), now, &mut faults);
    if page.samples == 0 && is_whole {
        faults.add("no_samples", Weight::Fail, PAGE.to_owned(), || {
            "expected samples, found none that can be read".to_owned()
        });
    }
    let mut findings = faults.into_findings();
    findings.extend(of_size(first, &page));
    findings.extend(public.filter(|_| settings.private).map(open_to_all));
    findings.extend(wanted::judge(
        &settings.required,
        &settings.assert,
        &page,
        is_whole,
    ));
    let scrape = scrape_time(settings, first);
    findings.extend(of_time(settings, &scrape));
    findings.extend(second.into_iter().flat_map(|second| of_second(&page, second)));
    findings.sort_by_key(|finding| (finding.status.rank(), finding.status.credit()));
    let summary = summary(&findings, &page);
    said(Outcome::judged(summary, findings), first)
        .evidence("format", format.name())
        .measure(Measure::new(
            "series",
            whole(page.samples + page.left_out),
            Unit::Count,
        ))
        .measure(Measure::new("families", whole(page.families.len()), Unit::Count))
        .measure(Measure::new(
            "size",
            i64::try_from(first.body_bytes).unwrap_or(i64::MAX),
            Unit::Bytes,
        ))
        .measure(scrape)
}

/// Everything that holds of a page by itself.
pub(super) fn examine(page: &Page<'_>, faults: &mut Faults) {
    for family in &page.families {
        values::judge(family, page.format, faults);
        histogram::judge(family, page.format, faults);
        series::judge(family, page.format, faults);
        naming::judge(family, page.format, faults);
        leak::judge(family, faults);
    }
}

fn whole(number: usize) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

fn said(outcome: Outcome, exchange: &Exchange) -> Outcome {
    let outcome = outcome.evidence("status", exchange.status.to_string());
    match exchange.first("content-type") {
        Some(value) => outcome.evidence("content type", super::super::syntax::excerpt(value)),
        None => outcome,
    }
}

fn summary(findings: &[Finding], page: &Page<'_>) -> String {
    let faults = findings.iter().filter(|finding| !finding.is_note()).count();
    match findings.first().filter(|_| faults > 0) {
        Some(worst) => {
            let what = worst.code.replace('_', " ");
            let more = match faults {
                1 => String::new(),
                _ => format!(", and {} more", faults - 1),
            };
            format!("{what}: {}{more}", worst.subject)
        }
        None => format!(
            "{} series in {}, {}",
            page.samples + page.left_out,
            count(page.families.len(), "family", "families"),
            page.format.name()
        ),
    }
}

fn of_size(exchange: &Exchange, page: &Page<'_>) -> Option<Finding> {
    if exchange.body_complete && page.left_out == 0 {
        return None;
    }
    let kept = exchange.body.len();
    let (code, reason, message) = if page.left_out > 0 {
        let message = format!(
            "the page has over {} samples, and was judged as far as that",
            page.samples
        );
        ("body_too_large", Reason::HTTP_TOO_LARGE, message)
    } else if exchange.body_bytes > kept as u64 || kept >= Metrics::MOST_BODY_BYTES as usize {
        let message = format!("the page is over {kept} bytes, and was judged as far as that");
        ("body_too_large", Reason::HTTP_TOO_LARGE, message)
    } else {
        let message =
            format!("the page ended after {kept} bytes, in the middle, and was judged as far as that");
        ("body_cut_short", Reason::HTTP_BROKEN, message)
    };
    let finding = Finding::unknown(code, reason, message).subject(PAGE).remedy(
        "show fewer series on one page, or spread them over several; Prometheus pays for each of them",
    );
    Some(finding)
}

/// Who reads the metrics learns which paths, versions and customers there are.
fn open_to_all(address: IpAddr) -> Finding {
    Finding::fail(
        "open_to_all",
        format!("expected metrics to be hidden, and {address} shows them to anybody"),
    )
    .subject(PAGE)
    .remedy("serve them on an address or port of the inner network, or ask for a credential")
}

fn scrape_time(settings: &Metrics, exchange: &Exchange) -> Measure {
    let most = i64::from(settings.scrape_timeout_ms) * 1000;
    Measure::duration("scrape", Duration::from_micros(exchange.total_us)).at_most(most / 2, most)
}

fn of_time(settings: &Metrics, scrape: &Measure) -> Option<Finding> {
    let status = scrape.status();
    (!status.is_pass()).then(|| {
        let message = format!(
            "expected the page within half of the scrape timeout of {} ms, found {} ms",
            settings.scrape_timeout_ms,
            scrape.value / 1000
        );
        Finding::new("slow_scrape", status, message)
            .subject("scrape time")
            .remedy("collect what is slow in the background, show fewer series, or raise the scrape timeout")
    })
}

fn of_second(first: &Page<'_>, second: Result<&Exchange, &ObserveError>) -> Vec<Finding> {
    let unknown = |reason: Reason, message: String| {
        let finding = Finding::unknown("second_scrape_failed", reason, message)
            .subject("second scrape")
            .remedy("see why the page could be had once and not twice");
        vec![finding]
    };
    let exchange = match second {
        Ok(exchange) => exchange,
        Err(error) => {
            return unknown(
                error.reason.clone(),
                format!("the page could not be had again: {error}"),
            );
        }
    };
    let format = of_content_type(exchange.first("content-type")).ok();
    match format.filter(|format| exchange.status == 200 && *format == first.format) {
        None => unknown(
            Reason::UNEXPECTED_RESPONSE,
            format!(
                "expected the same page again, found HTTP {}, or another format",
                exchange.status
            ),
        ),
        Some(format) => {
            let page = page::read(exchange.body.as_bytes(), format, exchange.body_complete);
            progress::judge(first, &page)
        }
    }
}

/// What is wrong with a page in itself, by code: the door of the conformance cases.
#[cfg(test)]
pub(super) fn faults_of(text: &[u8], format: super::format::Format) -> Faults {
    let mut page = page::read(text, format, true);
    let mut faults = std::mem::take(&mut page.faults);
    examine(&page, &mut faults);
    faults
}
