//! What is wrong with the settings of a flow, before anything is sent.

use std::collections::{BTreeMap, BTreeSet};

use readiness_core::Origin;
use serde_json::Value;

use super::{
    Flow, FlowExtract, FlowRun, FlowStep, literal, origin_of_text,
    secrecy::{OF_CREDENTIAL, Secrecy},
    template::{Part, parts, variables},
};
use crate::http::{
    objectives::within,
    syntax::{excerpt, is_token},
};

const METHODS: [&str; 7] = ["DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT"];

/// Headers that are the connection's, or ours.
const NOT_OURS: [&str; 11] = [
    "connection",
    "content-length",
    "expect",
    "host",
    "keep-alive",
    "proxy-authorization",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
];

pub(super) fn check(flow: &Flow) -> Result<(), String> {
    let steps = &flow.steps;
    if steps.is_empty() {
        return Err(
            "`steps` is empty, so nothing could fail; write `[{ name = \"home\", path = \"/\" }]`".to_owned(),
        );
    }
    if steps.len() > FlowRun::MOST_STEPS {
        return Err(format!(
            "`steps` holds {} steps, expected at most {}",
            steps.len(),
            FlowRun::MOST_STEPS
        ));
    }
    within("max_seconds", flow.max_seconds, 1, FlowRun::MOST_SECONDS)?;
    let mut names = BTreeSet::new();
    for (n, step) in steps.iter().enumerate() {
        let name = &step.name;
        let is_part = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-');
        if name.is_empty() || name.len() > 40 || !name.chars().all(is_part) {
            return Err(format!(
                "step {} has the name `{}`; a name has 1 to 40 letters, digits, `_` and `-`",
                n + 1,
                excerpt(name.as_bytes())
            ));
        }
        if !names.insert(name.as_str()) {
            return Err(format!("two steps have the name `{name}`; give each its own"));
        }
        of_step(flow, step).map_err(|problem| format!("step `{name}`: {problem}"))?;
    }
    of_variables(steps)
}

fn of_step(flow: &Flow, step: &FlowStep) -> Result<(), String> {
    let method = step.method.as_str();
    if !METHODS.contains(&method) {
        let known: Vec<String> = METHODS.iter().map(|method| format!("`{method}`")).collect();
        return Err(format!(
            "`{}` is no method; known are {}",
            excerpt(method.as_bytes()),
            known.join(", ")
        ));
    }
    if step.is_unsafe() && !flow.allow_unsafe {
        return Err(format!(
            "it sends `{method}`, which may change something; set `allow_unsafe = true` if the service may be asked so"
        ));
    }
    if let Some(origin) = &step.origin {
        origin_of_text(origin)?;
    }
    of_path(&step.path)?;
    of_headers(flow, step)?;
    let bodies = [step.json.is_some(), !step.form.is_empty(), step.text.is_some()];
    if bodies.iter().filter(|has| **has).count() > 1 {
        return Err("it has several bodies; write one of `json`, `form` and `text`".to_owned());
    }
    if bodies.contains(&true) && !step.is_unsafe() {
        return Err(format!("it sends a body with `{method}`, which has none"));
    }
    if let Some(json) = &step.json {
        keys_without_variables(&json.value())?;
    }
    for (setting, text) in step.texts() {
        parts(&text).map_err(|problem| format!("`{setting}`: {problem}"))?;
    }
    literal::check(step)?;
    of_expectation(step)?;
    for (name, from) in &step.extract {
        of_extraction(step, name, from)?;
    }
    Ok(())
}

fn of_path(path: &str) -> Result<(), String> {
    let is_variable = matches!(parts(path).as_deref(), Ok([Part::Variable(_)]));
    if !path.starts_with('/') && !is_variable {
        return Err(
            "`path` must begin with `/`, such as `/orders/{{id}}`, or be one variable alone".to_owned(),
        );
    }
    let literal: String = parts(path)
        .map_err(|problem| format!("`path`: {problem}"))?
        .into_iter()
        .map(|part| match part {
            Part::Text(text) => text,
            Part::Variable(_) => "{}",
        })
        .collect();
    if literal
        .chars()
        .any(|c| c.is_control() || c.is_whitespace() || c == '#')
    {
        return Err("`path` holds a space, a control character or `#`".to_owned());
    }
    Ok(())
}

fn of_headers(flow: &Flow, step: &FlowStep) -> Result<(), String> {
    let mut names = BTreeSet::new();
    for (name, value) in &step.headers {
        let lower = name.to_ascii_lowercase();
        if !is_token(name.as_bytes()) {
            let name = excerpt(name.as_bytes());
            return Err(format!(
                "`headers` holds the name `{name}`, which no header can have"
            ));
        }
        if NOT_OURS.contains(&lower.as_str()) {
            return Err(format!(
                "the header `{name}` belongs to the connection; leave it out"
            ));
        }
        if lower == "cookie" && flow.cookies {
            return Err(format!(
                "the header `{name}` would stand beside the cookies that are kept; leave it out, or set `cookies = \
                 false`"
            ));
        }
        let is_plain = |c: char| c.is_ascii() && !c.is_control();
        if !value.chars().all(is_plain) {
            return Err(format!("the header `{name}` holds what no header can hold"));
        }
        if !names.insert(lower) {
            return Err(format!("the header `{name}` stands twice"));
        }
    }
    Ok(())
}

fn keys_without_variables(value: &Value) -> Result<(), String> {
    match value {
        Value::Array(items) => items.iter().try_for_each(keys_without_variables),
        Value::Object(members) => members.iter().try_for_each(|(key, member)| {
            if key.contains("{{") {
                let key = excerpt(key.as_bytes());
                return Err(format!(
                    "`json` holds the name `{key}`; variables stand in values alone"
                ));
            }
            keys_without_variables(member)
        }),
        _ => Ok(()),
    }
}

fn of_expectation(step: &FlowStep) -> Result<(), String> {
    let expect = &step.expect;
    expect.headers.iter().try_for_each(|header| header.check())?;
    for (name, texts) in [
        ("contains", &expect.contains),
        ("not_contains", &expect.not_contains),
    ] {
        if texts.iter().any(String::is_empty) {
            return Err(format!(
                "`{name}` holds an empty text, which stands in every page"
            ));
        }
    }
    if let Some(both) = expect
        .contains
        .iter()
        .find(|text| expect.not_contains.contains(text))
    {
        return Err(format!("`{both}` must stand in the page and must not"));
    }
    for assertion in &expect.assert {
        assertion.check()?;
        let pointer = &assertion.pointer;
        match &assertion.equals {
            Some(value) if has_fraction(value) => {
                return Err(format!(
                    "`{pointer}` must equal a fraction, which is written in many ways; compare integers"
                ));
            }
            Some(Value::String(text)) if text.contains(readiness_core::redact::REDACTED) => {
                return Err(format!(
                    "`{pointer}` must equal what stands wherever a secret was"
                ));
            }
            _ => {}
        }
    }
    Ok(())
}

/// No key holds a number that is no integer.
fn has_fraction(value: &Value) -> bool {
    match value {
        Value::Number(number) => number.is_f64(),
        Value::Array(items) => items.iter().any(has_fraction),
        Value::Object(members) => members.values().any(has_fraction),
        _ => false,
    }
}

fn of_extraction(step: &FlowStep, name: &str, from: &FlowExtract) -> Result<(), String> {
    let is_part = |c: char| c.is_ascii_alphanumeric() || c == '_';
    if name.is_empty() || name.len() > 40 || !name.chars().all(is_part) {
        return Err(format!(
            "`extract` holds the name `{}`; a name has 1 to 40 letters, digits and `_`",
            excerpt(name.as_bytes())
        ));
    }
    let places = [
        from.json.is_some(),
        from.header.is_some(),
        from.cookie.is_some(),
        from.between.is_some(),
    ];
    if places.iter().filter(|is| **is).count() != 1 {
        return Err(format!(
            "`{name}` must be taken from one place; write one of `json`, `header`, `cookie` and `between`"
        ));
    }
    match from {
        FlowExtract {
            json: Some(pointer), ..
        } if !pointer.is_empty() && !pointer.starts_with('/') => Err(format!(
            "`{pointer}` is no JSON Pointer; it begins with `/`, such as `/token`"
        )),
        FlowExtract {
            header: Some(header), ..
        } if !is_token(header.as_bytes()) => {
            let header = excerpt(header.as_bytes());
            Err(format!(
                "`{name}` is taken from the header `{header}`, which no header can be called"
            ))
        }
        FlowExtract {
            cookie: Some(cookie), ..
        } if cookie.is_empty() => Err(format!("`{name}` is taken from a cookie without a name")),
        FlowExtract {
            between: Some((before, after)),
            ..
        } if before.is_empty() || after.is_empty() => Err(format!(
            "`{name}` stands between two texts, of which one is empty"
        )),
        _ if step.method == "HEAD" && (from.json.is_some() || from.between.is_some()) => Err(format!(
            "`{name}` is taken from a body, and an answer to `HEAD` has none"
        )),
        _ => from
            .also_for
            .iter()
            .try_for_each(|origin| origin_of_text(origin).map(|_| ())),
    }
}

/// Who takes which variable, and who uses it.
fn of_variables(steps: &[FlowStep]) -> Result<(), String> {
    let mut taken: BTreeMap<&str, usize> = BTreeMap::new();
    for (n, step) in steps.iter().enumerate() {
        for name in step.extract.keys() {
            if let Some(first) = taken.insert(name, n).and_then(|first| steps.get(first)) {
                return Err(format!(
                    "`{name}` is taken twice, in the steps `{}` and `{}`; call one of them otherwise",
                    first.name, step.name
                ));
            }
        }
    }
    let secrecy = Secrecy::of(steps);
    let mut used: BTreeSet<String> = BTreeSet::new();
    for (n, step) in steps.iter().enumerate() {
        let at = |problem: String| Err(format!("step `{}`: {problem}", step.name));
        if step.credential && step.origin.is_some() {
            return at(
                "the target's credential goes to the target alone, and the step has an `origin`".to_owned(),
            );
        }
        for (setting, text) in step.texts() {
            for name in variables(&text) {
                if OF_CREDENTIAL.contains(&name) {
                    if step.origin.is_some() {
                        return at(format!(
                            "`{{{{{name}}}}}` goes to the target alone, and the step has an `origin`"
                        ));
                    }
                    continue;
                }
                let Some((by, taker)) = taken.get(name).and_then(|by| Some((*by, steps.get(*by)?))) else {
                    return at(unknown(setting, name, &taken));
                };
                if by >= n {
                    return at(format!(
                        "`{{{{{name}}}}}` in `{setting}` is taken in step `{}`, which comes {}",
                        taker.name,
                        if by == n { "with it" } else { "later" }
                    ));
                }
                if secrecy.value(name) && !may_go(taker, name, step)? {
                    return at(format!(
                        "`{{{{{name}}}}}` is secret and was taken at another origin; write `also_for = [\"…\"]` where \
                         step `{}` takes it, or `secret = false`",
                        taker.name
                    ));
                }
                used.insert(name.to_owned());
            }
        }
    }
    let unused = taken.iter().find(|(name, _)| !used.contains(**name));
    match unused.and_then(|(name, by)| Some((name, steps.get(*by)?))) {
        Some((name, step)) => Err(format!(
            "step `{}`: `{name}` is taken and never used; leave it out, or assert that it exists",
            step.name
        )),
        None => Ok(()),
    }
}

fn unknown(setting: &str, name: &str, taken: &BTreeMap<&str, usize>) -> String {
    let known: Vec<String> = taken
        .keys()
        .copied()
        .chain(OF_CREDENTIAL)
        .map(|name| format!("`{name}`"))
        .collect();
    format!(
        "`{{{{{name}}}}}` in `{setting}` is no variable that a step takes; known are {}",
        known.join(", ")
    )
}

/// Whether a secret value may go where this step goes. A step without an origin goes to the target.
fn may_go(taker: &FlowStep, name: &str, to: &FlowStep) -> Result<bool, String> {
    let origin = |step: &FlowStep| step.origin.as_deref().map(origin_of_text).transpose();
    let (from, to) = (origin(taker)?, origin(to)?);
    if from == to {
        return Ok(true);
    }
    let allowed = taker.extract.get(name).map(|from| from.also_for.as_slice());
    let allowed: Vec<Origin> = allowed
        .unwrap_or_default()
        .iter()
        .map(|origin| origin_of_text(origin))
        .collect::<Result<_, _>>()?;
    // Which origin the target has is not known here: naming any one says that the value may leave its own.
    Ok(match to {
        Some(to) => allowed.contains(&to),
        None => !allowed.is_empty(),
    })
}

#[cfg(test)]
mod tests;
