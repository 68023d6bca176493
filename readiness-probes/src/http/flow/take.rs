//! From an answer to what is kept of it. No more is kept than was asked, and nothing secret.

use std::collections::BTreeSet;

use http::HeaderMap;
use readiness_core::{
    fact::{ByteText, Exchange},
    redact::REDACTED,
};
use serde_json::Value;

use super::{
    FlowAnswer, FlowDocument, FlowExtract, FlowHeader, FlowLack, FlowRun, FlowStep, FlowTaken, Secrecy,
    Variable,
};
use crate::http::{
    Assertion, HeaderAssertion,
    set_cookie::{self, SetCookie},
    syntax::{excerpt, trim},
};

/// An answer as it came.
#[derive(Debug, Default)]
pub(crate) struct Received {
    pub(crate) headers: HeaderMap,
    /// As much of the body as was read and wanted.
    pub(crate) body: Vec<u8>,
    /// Whether that is all of it.
    pub(crate) is_whole: bool,
}

/// Headers that tell how an answer came about, kept beside those that are asked for.
const KEPT: [&str; 4] = ["cf-mitigated", "content-type", "location", "x-amzn-waf-action"];

/// Takes what the n-th step asks of its answer. `exchange` holds the same answer without configured secrets.
pub(crate) fn take(
    step: &FlowStep,
    n: usize,
    secrecy: &Secrecy,
    mut exchange: Exchange,
    received: &Received,
) -> (FlowAnswer, Vec<(String, Variable)>) {
    let document = Document::of(step, received);
    let text = String::from_utf8_lossy(&received.body);
    let mut taken = Vec::new();
    let mut variables = Vec::new();
    // What stands on a page of errors is not what was meant.
    if step.expect.status.contains(exchange.status) {
        for (name, from) in &step.extract {
            let secret = secrecy.value(name);
            let told = match extracted(from, &document, &text, received) {
                Err(lack) => FlowTaken::Lacking(lack),
                Ok(value) => {
                    let variable = Variable { value, secret };
                    let told = match secret {
                        true => FlowTaken::Secret,
                        false => FlowTaken::Value(excerpt(variable.text().as_bytes())),
                    };
                    variables.push((name.clone(), variable));
                    told
                }
            };
            taken.push((name.clone(), told));
        }
    }
    let expect = &step.expect;
    let texts = expect.contains.iter().chain(&expect.not_contains);
    let texts = texts.map(|wanted| text.contains(wanted.as_str())).collect();
    keep_headers(step, &mut exchange);
    let headers = match secrecy.answer(n) {
        true => hide_headers(step, &mut exchange, received),
        false => Vec::new(),
    };
    exchange.body = ByteText::default();
    exchange.document = None;
    exchange.body_complete = received.is_whole || !step.reads_body();
    let answer = FlowAnswer {
        exchange,
        headers,
        texts,
        document: document.kept(&expect.assert, secrecy.answer(n)),
        taken,
    };
    (answer, variables)
}

/// Those of [`KEPT`] that let nobody in.
const OPEN: [&str; 3] = ["cf-mitigated", "content-type", "x-amzn-waf-action"];

/// Keeps the lines of which something is expected, and one of each header that tells how the answer came about.
fn keep_headers(step: &FlowStep, exchange: &mut Exchange) {
    let mut seen = Vec::new();
    exchange.headers.retain(|header| {
        let name = header.name.as_str();
        if assertions_of(step, name).next().is_some() {
            return true;
        }
        let Some(known) = KEPT.iter().find(|known| **known == name) else {
            return false;
        };
        let is_first = !seen.contains(known);
        if is_first {
            seen.push(known);
        }
        is_first
    });
}

/// Takes the values out of a secret answer, and says what held of them.
fn hide_headers(step: &FlowStep, exchange: &mut Exchange, received: &Received) -> Vec<Option<FlowHeader>> {
    let mut shown: BTreeSet<String> = exchange
        .headers
        .iter()
        .map(|header| header.name.clone())
        .collect();
    shown.retain(|name| is_shown(step, name, exchange));
    let mut hidden = BTreeSet::new();
    exchange.headers.retain_mut(|header| {
        if shown.contains(&header.name) {
            return true;
        }
        header.value = ByteText::new(REDACTED);
        hidden.insert(header.name.clone())
    });
    let assertions = step.expect.headers.iter().map(|assertion| {
        let is_hidden = !shown.contains(&assertion.name.to_ascii_lowercase());
        is_hidden.then(|| of_hidden(assertion, received))
    });
    assertions.collect()
}

fn assertions_of<'s>(step: &'s FlowStep, name: &'s str) -> impl Iterator<Item = &'s HeaderAssertion> {
    let all = step.expect.headers.iter();
    all.filter(move |assertion| assertion.name.eq_ignore_ascii_case(name))
}

/// Whether a value says nothing that the settings do not, or nothing that lets anybody in.
fn is_shown(step: &FlowStep, name: &str, exchange: &Exchange) -> bool {
    if OPEN.contains(&name) {
        return true;
    }
    let Some(value) = exchange.joined(name) else {
        return false;
    };
    let equals = |text: &str| trim(&value) == text.trim().as_bytes();
    // A form that sends its user back to itself is what a log-in that failed looks like.
    (name == "location" && equals(&step.path))
        || assertions_of(step, name).any(|assertion| assertion.equals.as_deref().is_some_and(equals))
}

fn of_hidden(assertion: &HeaderAssertion, received: &Received) -> FlowHeader {
    let lines = received.headers.get_all(assertion.name.as_str()).iter();
    let lines: Vec<&[u8]> = lines.map(|line| line.as_bytes()).collect();
    if lines.is_empty() {
        return FlowHeader::Missing;
    }
    let value = lines.join(&b", "[..]);
    let equals = assertion.equals.as_deref();
    let contains = assertion.contains.as_deref();
    if equals.is_some_and(|text| trim(&value) != text.trim().as_bytes()) {
        FlowHeader::Different
    } else if contains.is_some_and(|text| !String::from_utf8_lossy(&value).contains(text)) {
        FlowHeader::Lacks
    } else {
        FlowHeader::Holds
    }
}

/// A body as JSON, where anybody asks for it.
enum Document {
    NotAsked,
    NotJson(String),
    NotRead,
    Read(Value),
}

impl Document {
    fn of(step: &FlowStep, received: &Received) -> Self {
        let is_asked =
            !step.expect.assert.is_empty() || step.extract.values().any(|from| from.json.is_some());
        if !is_asked {
            return Self::NotAsked;
        }
        if !received.is_whole {
            return Self::NotRead;
        }
        match serde_json::from_slice(&received.body) {
            Ok(document) => Self::Read(document),
            Err(e) => Self::NotJson(e.to_string()),
        }
    }

    fn kept(self, assertions: &[Assertion], secret: bool) -> FlowDocument {
        if assertions.is_empty() {
            return FlowDocument::NotAsked;
        }
        match self {
            Self::NotAsked => FlowDocument::NotAsked,
            Self::NotJson(e) => FlowDocument::NotJson(e),
            Self::NotRead => FlowDocument::NotRead,
            Self::Read(document) => {
                let values = assertions
                    .iter()
                    .map(|assertion| Some(kept(assertion, document.pointer(&assertion.pointer)?, secret)));
                FlowDocument::Values(values.collect())
            }
        }
    }
}

/// A value as it is kept: what is equal to what the settings say tells nothing new, and a number that is to lie
/// within bounds is meant to be told.
fn kept(assertion: &Assertion, value: &Value, secret: bool) -> String {
    const MOST_BYTES: usize = 512;
    let is_equal = assertion.equals.as_ref() == Some(value);
    let is_bounded = assertion.at_least.is_some() || assertion.at_most.is_some();
    let is_integer = value.is_i64() || value.is_u64();
    let text = value.to_string();
    if is_equal || (is_bounded && is_integer) {
        text
    } else if secret {
        Value::from(REDACTED).to_string()
    } else if text.len() > MOST_BYTES {
        Value::from(excerpt(text.as_bytes())).to_string()
    } else {
        text
    }
}

fn extracted(
    from: &FlowExtract,
    document: &Document,
    text: &str,
    received: &Received,
) -> Result<Value, FlowLack> {
    let lacking_in_body = match received.is_whole {
        true => FlowLack::Missing,
        false => FlowLack::NotRead,
    };
    let value = if let Some(pointer) = &from.json {
        let document = match document {
            Document::Read(document) => document,
            Document::NotRead => return Err(FlowLack::NotRead),
            Document::NotJson(_) | Document::NotAsked => return Err(FlowLack::NotJson),
        };
        match document.pointer(pointer) {
            None | Some(Value::Null) => return Err(FlowLack::Missing),
            Some(Value::Array(_) | Value::Object(_)) => return Err(FlowLack::NotScalar),
            Some(scalar) => scalar.clone(),
        }
    } else if let Some(name) = &from.header {
        let value = received.headers.get(name).ok_or(FlowLack::Missing)?;
        String::from_utf8_lossy(trim(value.as_bytes()))
            .into_owned()
            .into()
    } else if let Some(name) = &from.cookie {
        let lines = received.headers.get_all("set-cookie").iter();
        let last = lines
            .filter_map(|line| cookie(line.as_bytes()))
            .rfind(|(cookie, _)| cookie.name == *name);
        let (_, value) = last.ok_or(FlowLack::Missing)?;
        String::from_utf8_lossy(value).into_owned().into()
    } else {
        let (before, after) = from.between.as_ref().ok_or(FlowLack::Missing)?;
        let (_, rest) = text.split_once(before.as_str()).ok_or(lacking_in_body)?;
        let (value, _) = rest.split_once(after.as_str()).ok_or(lacking_in_body)?;
        value.into()
    };
    match &value {
        Value::String(text) if text.is_empty() => Err(FlowLack::Empty),
        Value::String(text) if text.len() > FlowRun::MOST_VALUE_BYTES => Err(FlowLack::TooLong),
        _ => Ok(value),
    }
}

/// A cookie and its value, as a browser reads the line.
pub(crate) fn cookie(line: &[u8]) -> Option<(SetCookie<'_>, &[u8])> {
    let cookie = set_cookie::parse(line).ok()?;
    let pair = line.split(|byte| *byte == b';').next().unwrap_or_default();
    let value = match pair.iter().position(|byte| *byte == b'=') {
        Some(at) => pair.get(at + 1..).unwrap_or_default(),
        None => pair,
    };
    Some((cookie, trim(value)))
}
