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
            let is_excluded =
                rest == "excluded: ok" || (rest.starts_with("excluded with ") && rest.ends_with(": ok"));
            match rest {
                "ok" => components.push(Component::new(name, Some(Verdict::Pass), "ok")),
                // It was not run: that is no pass.
                _ if is_excluded => components.push(Component::new(name, None, "excluded")),
                _ => return None,
            }
        } else if let Some((name, rest)) = line.strip_prefix("[-]").and_then(|line| line.split_once(' ')) {
            rest.strip_prefix("failed:")?;
            components.push(Component::new(name, Some(Verdict::Fail), "failed"));
            verdict = Verdict::Fail;
        } else if line.starts_with("warn: ") {
            verdict = verdict.min(Verdict::Warn);
        } else {
            let words: Vec<&str> = line.split(' ').collect();
            match words.as_slice() {
                [name, "check", "passed"] if !name.is_empty() => {}
                [name, "check", "failed"] if !name.is_empty() => verdict = Verdict::Fail,
                _ => return None,
            }
        }
    }
    if components.is_empty() || components.iter().any(|component| component.name.is_empty()) {
        return None;
    }
    let said = match verdict {
        Verdict::Fail => "check failed",
        Verdict::Warn => "check passed with a warning",
        _ => "check passed",
    };
    Some(Health::new(format, verdict, said).components(components))
}

/// `ok` alone, with a status that agrees.
pub(super) fn ok(body: &Body<'_>) -> Option<Health> {
    let is_ok = body.text.eq_ignore_ascii_case("ok") && (200..300).contains(&body.status);
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
