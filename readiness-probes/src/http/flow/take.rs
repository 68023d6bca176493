//! From an answer to what is kept of it. No more is kept than was asked, and nothing secret.

use http::HeaderMap;
use readiness_core::{fact::Exchange, redact::REDACTED};
use serde_json::Value;

use super::{
    FlowAnswer, FlowDocument, FlowExtract, FlowLack, FlowRun, FlowStep, FlowTaken, Secrecy, Variable,
};
use crate::http::{
    Assertion,
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
    let is_asked = |name: &str| {
        let mut asked = expect.headers.iter();
        KEPT.contains(&name) || asked.any(|asked| asked.name.eq_ignore_ascii_case(name))
    };
    exchange.headers.retain(|header| is_asked(&header.name));
    exchange.body = readiness_core::fact::ByteText::default();
    exchange.document = None;
    exchange.body_complete = received.is_whole || !step.reads_body();
    let answer = FlowAnswer {
        exchange,
        texts,
        document: document.kept(&expect.assert, secrecy.answer(n)),
        taken,
    };
    (answer, variables)
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
