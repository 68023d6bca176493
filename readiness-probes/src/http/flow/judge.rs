//! From what became of the steps to a verdict.

use std::time::Duration;

use readiness_core::{Finding, Measure, Outcome, Reason};
use serde_json::Value;

use super::{
    FlowAnswer, FlowDocument, FlowFacts, FlowHeader, FlowLack, FlowResult, FlowRun, FlowStep, FlowTaken,
    FlowUnfit, secrecy::Secrecy,
};
use crate::{
    address,
    http::{HeaderAssertion, applicability::is_challenge, syntax::excerpt},
};

pub(super) fn judge(run: &FlowRun, facts: &FlowFacts) -> Outcome {
    let secrecy = Secrecy::of(&run.steps);
    let mut findings = Vec::new();
    let mut first_fault: Option<(usize, String)> = None;
    let (mut passed, mut not_sent) = (0_usize, 0_usize);
    for (n, step) in run.steps.iter().enumerate() {
        let subject = subject(step);
        let Some(result) = facts.steps.get(n) else {
            let message = "nothing is known of the step";
            findings.push(Finding::unknown("not_recorded", Reason::NOT_RECORDED, message).subject(subject));
            continue;
        };
        let of_step = match result {
            FlowResult::Skipped => {
                not_sent += 1;
                let by = first_fault.as_ref().and_then(|(at, _)| run.steps.get(*at));
                let by = by.map_or("an earlier one", |step| step.name.as_str());
                vec![Finding::note("skipped", format!("not sent, as step `{by}` failed")).subject(subject)]
            }
            result => of_result(run, step, secrecy.sends(n), result),
        };
        if has_fault(&of_step) {
            let code = of_step.iter().find(|finding| !finding.is_note());
            let what = code.map(|finding| finding.code.replace('_', " "));
            first_fault.get_or_insert((n, what.unwrap_or_default()));
        } else if matches!(result, FlowResult::Answered(_)) {
            passed += 1;
        }
        findings.extend(of_step);
    }
    let all = run.steps.len();
    let summary = match first_fault
        .as_ref()
        .and_then(|(n, what)| Some((run.steps.get(*n)?, n, what)))
    {
        Some((step, n, what)) => {
            let skipped = match not_sent {
                0 => String::new(),
                n => format!(", {n} not sent"),
            };
            format!("step `{}` ({} of {all}): {what}{skipped}", step.name, n + 1)
        }
        None if passed == 1 => "the step went through".to_owned(),
        None => format!("{passed} of {all} steps went through"),
    };
    Outcome::judged(summary, findings)
        .evidence("steps", gist(run, facts))
        .measure(Measure::duration("flow", Duration::from_micros(facts.total_us)))
}

/// Whether a step has ended the flow: something of it does not hold, or could not be looked at.
pub(crate) fn has_failed(run: &FlowRun, step: &FlowStep, sends_secret: bool, result: &FlowResult) -> bool {
    has_fault(&of_result(run, step, sends_secret, result))
}

fn has_fault(findings: &[Finding]) -> bool {
    findings.iter().any(|finding| !finding.is_note())
}

fn subject(step: &FlowStep) -> String {
    format!("step `{}`", step.name)
}

fn of_result(run: &FlowRun, step: &FlowStep, sends_secret: bool, result: &FlowResult) -> Vec<Finding> {
    let finding = match result {
        FlowResult::Answered(answer) => return of_answer(step, sends_secret, answer),
        FlowResult::Failed(error) => {
            Finding::new("not_answered", address::unknown(error), error.message.clone())
                .remedy("see why the step could not be sent, or was not answered")
        }
        FlowResult::OutOfTime => Finding::unknown(
            "out_of_time",
            Reason::TIMEOUT,
            format!("not sent, as the {} s of the flow were over", run.max_seconds),
        )
        .remedy("see which step is slow, or raise `max_seconds` and the deadline of the run"),
        FlowResult::Skipped => Finding::note("skipped", "not sent, as an earlier step failed"),
        FlowResult::Unfit { variable, problem } => Finding::fail(
            "unsafe_value",
            format!(
                "expected a value that can be sent in `{}`, and it {}",
                excerpt(variable.as_bytes()),
                why_unfit(*problem)
            ),
        )
        .remedy("see who answered the step that took the value, and what stands in it"),
        FlowResult::Untaken(variable) => Finding::note(
            "skipped",
            format!("not sent, as `{}` was not taken", excerpt(variable.as_bytes())),
        ),
    };
    vec![finding.subject(subject(step))]
}

fn why_unfit(problem: FlowUnfit) -> &'static str {
    match problem {
        FlowUnfit::ControlCharacter => "holds a control character, such as the end of a line",
        FlowUnfit::DotSegment => "makes a segment `.` or `..` of the path",
        FlowUnfit::Empty => "is empty where a segment of the path was to stand",
        FlowUnfit::NotAscii => "holds a character that no header may hold",
        FlowUnfit::OtherOrigin => "leads to another origin",
        FlowUnfit::Slash => "holds a slash, which would make several segments of the path",
        FlowUnfit::TooLong => "makes the request too long",
    }
}

fn of_answer(step: &FlowStep, sends_secret: bool, answer: &FlowAnswer) -> Vec<Finding> {
    let exchange = &answer.exchange;
    let mut findings = vec![of_status(step, sends_secret, answer)];
    let expect = &step.expect;
    findings.extend(expect.headers.iter().enumerate().map(|(n, header)| {
        match answer.headers.get(n).copied().flatten() {
            Some(hidden) => of_hidden(header, hidden),
            None => header.judge(exchange),
        }
    }));
    findings.extend(of_texts(step, answer));
    findings.extend(of_document(step, &answer.document));
    findings.extend(
        answer
            .taken
            .iter()
            .map(|(name, taken)| of_taken(step, name, taken)),
    );
    let subject = subject(step);
    findings
        .into_iter()
        .map(|finding| {
            let about = match finding.subject.as_str() {
                "" => subject.clone(),
                part => format!("{subject}, {part}"),
            };
            finding.subject(about)
        })
        .collect()
}

fn of_status(step: &FlowStep, sends_secret: bool, answer: &FlowAnswer) -> Finding {
    let (status, expected) = (answer.exchange.status, &step.expect.status);
    let took = Duration::from_micros(answer.exchange.total_us).as_millis();
    if expected.contains(status) && !is_challenge(&answer.exchange) {
        return Finding::note("status", format!("HTTP {status} in {took} ms"));
    }
    if is_challenge(&answer.exchange) || status == 429 {
        let message = format!("HTTP {status}: this client was turned away");
        return Finding::unknown("turned_away", Reason::UNEXPECTED_RESPONSE, message)
            .remedy("let the limiter know this client, or look from where it is not limited");
    }
    if sends_secret && matches!(status, 401 | 403) {
        let message = format!(
            "expected HTTP {expected}, found {status}: what was sent as a credential is not accepted"
        );
        return Finding::fail("credential_refused", message)
            .remedy("see whether the credential is still valid here, and what it may do");
    }
    let finding = Finding::fail(
        "unexpected_status",
        format!("expected HTTP {expected}, found {status}"),
    )
    .remedy("see the log of the service, or set `expect.status`");
    match answer.exchange.first("location") {
        Some(location) => finding.evidence("Location", excerpt(location)),
        None => finding,
    }
}

/// A header whose value is secret, as [`HeaderAssertion`] words one that is not.
fn of_hidden(header: &HeaderAssertion, hidden: FlowHeader) -> Finding {
    let fail = |code: &str, message: String| {
        Finding::fail(code, message)
            .remedy("see what sends this header; if it is right, change the assertion")
    };
    let expected = |text: &Option<String>| excerpt(text.as_deref().unwrap_or_default().as_bytes());
    let finding = match (hidden, header.exists) {
        (FlowHeader::Missing, Some(false)) => Finding::note("absent", "there is none, as expected"),
        (FlowHeader::Missing, _) => fail("missing", "expected such a header, and there is none".to_owned()),
        (_, Some(false)) => fail(
            "present",
            "expected none, found one whose value is secret".to_owned(),
        ),
        (FlowHeader::Different, _) => {
            let message = format!(
                "expected `{}`, found another value, which is secret",
                expected(&header.equals)
            );
            fail("different", message)
        }
        (FlowHeader::Lacks, _) => {
            let message = format!(
                "expected `{}` in it, found a value without it, which is secret",
                expected(&header.contains)
            );
            fail("lacks", message)
        }
        (FlowHeader::Holds, _) => Finding::note("holds", "it is as expected, and its value is secret"),
    };
    finding.subject(format!("header `{}`", header.name.to_ascii_lowercase()))
}

fn of_texts(step: &FlowStep, answer: &FlowAnswer) -> Vec<Finding> {
    const REMEDY: &str = "see what the path shows; if this is right, change the expectation";
    let expect = &step.expect;
    let wanted = expect.contains.iter().map(|text| (text, true));
    let unwanted = expect.not_contains.iter().map(|text| (text, false));
    wanted
        .chain(unwanted)
        .zip(answer.texts.iter())
        .map(|((text, is_wanted), is_there)| {
            let finding = match (is_wanted, *is_there) {
                (true, true) => Finding::note("holds", "it is there"),
                (false, true) => Finding::fail(
                    "holds_unwanted",
                    "expected it not to be in the body, and it is there",
                )
                .remedy(REMEDY),
                (_, false) if !answer.exchange.body_complete => unread(),
                (true, false) => {
                    Finding::fail("lacks", "expected it in the body, and it is not there").remedy(REMEDY)
                }
                (false, false) => Finding::note("absent", "it is not there, as expected"),
            };
            finding.subject(format!("text `{}`", excerpt(text.as_bytes())))
        })
        .collect()
}

fn unread() -> Finding {
    Finding::unknown(
        "not_read_to_its_end",
        Reason::HTTP_TOO_LARGE,
        "the body is over 1 MiB, or was not sent to its end, and this is not in what was read",
    )
    .remedy("ask for a shorter answer, or for what stands in the first MiB")
}

fn of_document(step: &FlowStep, document: &FlowDocument) -> Vec<Finding> {
    match document {
        FlowDocument::NotAsked => Vec::new(),
        FlowDocument::NotJson(e) => {
            let message = format!("expected JSON, found something else: {}", excerpt(e.as_bytes()));
            let finding = Finding::fail("not_json", message)
                .subject("the document")
                .remedy("ask the path that answers with JSON; an HTML page is often a log-in or a fallback");
            vec![finding]
        }
        FlowDocument::NotRead => vec![unread().subject("the document")],
        FlowDocument::Values(values) => {
            let found = values.iter().map(|value| {
                let text = value.as_deref()?;
                Some(serde_json::from_str::<Value>(text).unwrap_or_default())
            });
            step.expect
                .assert
                .iter()
                .zip(found)
                .map(|(assertion, value)| assertion.judge_found(value.as_ref()))
                .collect()
        }
    }
}

fn of_taken(step: &FlowStep, name: &str, taken: &FlowTaken) -> Finding {
    let place = step
        .extract
        .get(name)
        .map(super::FlowExtract::place)
        .unwrap_or_default();
    let fail = |found: &str| {
        Finding::fail("not_taken", format!("expected a value {place}, found {found}"))
            .remedy("see what the service answers here; if it is right, take the value from where it stands")
    };
    let finding = match taken {
        FlowTaken::Secret => Finding::note("taken", "a value was taken, and is secret"),
        FlowTaken::Value(value) => Finding::note("taken", format!("found `{value}`")),
        FlowTaken::Lacking(lack) => match lack {
            FlowLack::Empty => fail("an empty one"),
            FlowLack::Missing => fail("none"),
            FlowLack::NotJson => fail("a body that is no JSON"),
            FlowLack::NotRead => unread(),
            FlowLack::NotScalar => fail("a list or an object"),
            FlowLack::TooLong => fail("one over 16 KiB"),
        },
    };
    finding.subject(format!("variable `{}`", excerpt(name.as_bytes())))
}

/// `log_in 200, orders 401, log_out 204`.
fn gist(run: &FlowRun, facts: &FlowFacts) -> String {
    let steps = run.steps.iter().zip(&facts.steps).map(|(step, result)| {
        let what = match result {
            FlowResult::Answered(answer) => answer.exchange.status.to_string(),
            FlowResult::Failed(error) => error.reason.to_string(),
            FlowResult::OutOfTime => "out of time".to_owned(),
            FlowResult::Unfit { .. } | FlowResult::Untaken(_) | FlowResult::Skipped => "not sent".to_owned(),
        };
        format!("{} {what}", step.name)
    });
    steps.collect::<Vec<_>>().join(", ")
}
