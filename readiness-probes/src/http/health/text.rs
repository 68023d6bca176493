//! Payloads of plain text.

use super::{
    HealthFormat,
    payload::{Body, Component, Health, Verdict},
};

/// The verbose output of Kubernetes' own servers. Every line must be one of theirs.
pub(super) fn kubernetes(body: &Body<'_>) -> Option<Health> {
    let format = HealthFormat::Kubernetes;
    if body.status == 500 && body.text.starts_with("internal server error:") {
        return Some(Health::new(format, Verdict::Fail, "internal server error"));
    }
    let mut components = Vec::new();
    let mut verdict = Verdict::Pass;
    for line in body
        .text
        .lines()
        .map(str::trim_end)
        .filter(|line| !line.is_empty())
    {
        if let Some((name, rest)) = line.strip_prefix("[+]").and_then(|line| line.split_once(' ')) {
            let with = rest
                .strip_prefix("excluded with ")
                .and_then(|rest| rest.strip_suffix(": ok"));
            let is_excluded = rest == "excluded: ok" || with.is_some_and(is_name);
            if !is_name(name) {
                return None;
            }
            match rest {
                "ok" => components.push(Component::new(name, Some(Verdict::Pass), "ok")),
                // It was not run: that is no pass.
                _ if is_excluded => components.push(Component::new(name, None, "excluded")),
                _ => return None,
            }
        } else if let Some((name, rest)) = line.strip_prefix("[-]").and_then(|line| line.split_once(' ')) {
            // The white space behind an empty reason is trimmed.
            let is_failure = rest == "failed:" || rest.starts_with("failed: ");
            if !is_name(name) || !is_failure {
                return None;
            }
            components.push(Component::new(name, Some(Verdict::Fail), "failed"));
            verdict = Verdict::Fail;
        } else if line == "warn:" || line.starts_with("warn: ") {
            verdict = verdict.min(Verdict::Warn);
        } else {
            let words: Vec<&str> = line.split(' ').collect();
            match words.as_slice() {
                [name, "check", "passed"] if is_name(name) => {}
                [name, "check", "failed"] if is_name(name) => verdict = Verdict::Fail,
                _ => return None,
            }
        }
    }
    if components.is_empty() {
        return None;
    }
    let said = match verdict {
        Verdict::Fail => "check failed",
        Verdict::Warn => "check passed with a warning",
        _ => "check passed",
    };
    let health = Health::new(format, verdict, said).with_list(true);
    Some(health.components(components))
}

/// What `\S+` matches.
fn is_name(text: &str) -> bool {
    !text.is_empty() && !text.contains(char::is_whitespace)
}

/// How long a body with `ok` alone may be: white space and a byte order mark belong to it.
const MOST_OK_BYTES: usize = 16;

/// `ok` alone, with a status that agrees.
pub(super) fn ok(body: &Body<'_>) -> Option<Health> {
    let is_ok = body.text.eq_ignore_ascii_case("ok")
        && (200..300).contains(&body.status)
        && body.bytes <= MOST_OK_BYTES;
    is_ok.then(|| Health::new(HealthFormat::TextOk, Verdict::Pass, body.text))
}

/// What ASP.NET Core writes when nothing else is configured.
pub(super) fn aspnet(body: &Body<'_>) -> Option<Health> {
    let verdict = aspnet_word(body.text)?;
    Some(Health::new(HealthFormat::AspnetText, verdict, body.text))
}

pub(super) fn aspnet_word(word: &str) -> Option<Verdict> {
    match word {
        "Healthy" => Some(Verdict::Pass),
        "Degraded" => Some(Verdict::Warn),
        "Unhealthy" => Some(Verdict::Fail),
        _ => None,
    }
}
