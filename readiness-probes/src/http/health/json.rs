//! The smaller JSON formats, and what looks like health without being one of them.

use serde_json::{Map, Value};

use super::{
    HealthFormat,
    payload::{Body, Component, Health, Meaning, Verdict},
    text,
};

type Object = Map<String, Value>;

/// ASP.NET Core with the writers of Xabaril's UI client or of Microsoft's sample.
pub(super) fn aspnet(body: &Body<'_>) -> Option<Health> {
    let object = body.object()?;
    let said = object.get("status")?.as_str()?;
    let verdict = text::aspnet_word(said)?;
    let parts = ["entries", "results"]
        .into_iter()
        .find_map(|key| object.get(key)?.as_object());
    if parts.is_none() && !object.contains_key("totalDuration") {
        return None;
    }
    let components = parts.into_iter().flatten().map(|(name, value)| Component {
        duration: value
            .get("duration")
            .and_then(Value::as_str)
            .filter(|duration| is_duration(duration))
            .map(str::to_owned),
        ..part(name, value, text::aspnet_word)
    });
    let health = Health::new(HealthFormat::Aspnet, verdict, said).with_list(parts.is_some());
    Some(health.components(components.collect()))
}

/// A `TimeSpan` as .NET writes it: `00:00:00.0398000`, with days in front where there are any.
fn is_duration(text: &str) -> bool {
    text.len() <= 26
        && text.matches(':').count() == 2
        && text
            .bytes()
            .all(|byte| byte.is_ascii_digit() || matches!(byte, b':' | b'.'))
}

/// Terminus of NestJS and Godaddy.
pub(super) fn terminus(body: &Body<'_>) -> Option<Health> {
    let object = body.object()?;
    let said = object.get("status")?.as_str()?;
    let verdict = match said {
        "ok" => Verdict::Pass,
        "error" | "shutting_down" => Verdict::Fail,
        _ => return None,
    };
    let lists = |keys: &[&str]| -> Vec<&Object> {
        keys.iter()
            .filter_map(|key| object.get(*key)?.as_object())
            .collect()
    };
    let is_list = |list: &Object| {
        list.values()
            .all(|value| matches!(status_of(value), Some("up" | "down")))
    };
    if !lists(&["info", "error", "details"]).into_iter().any(is_list) {
        return None;
    }
    // `details` holds what `info` and `error` hold between them.
    let details = lists(&["details"]);
    let shown = if details.is_empty() {
        lists(&["info", "error"])
    } else {
        details
    };
    let components = shown
        .into_iter()
        .flatten()
        .map(|(name, value)| part(name, value, up_or_down));
    let meaning = (said == "shutting_down").then_some(Meaning::Draining);
    let health = Health::new(HealthFormat::Terminus, verdict, said).meaning(meaning);
    Some(health.with_list(true).components(components.collect()))
}

/// github.com/alexliesenfeld/health.
pub(super) fn alexliesenfeld(body: &Body<'_>) -> Option<Health> {
    let object = body.object()?;
    let said = object.get("status")?.as_str()?;
    let verdict = up_or_down(said)?;
    let details = object.get("details")?.as_object()?;
    let is_detail = |value: &Value| status_of(value).is_some() && value.get("timestamp").is_some();
    if details.is_empty() || !details.values().all(is_detail) {
        return None;
    }
    let components = details.iter().map(|(name, value)| part(name, value, up_or_down));
    let health = Health::new(HealthFormat::Alexliesenfeld, verdict, said).with_list(true);
    Some(health.components(components.collect()))
}

/// github.com/hellofresh/health-go.
pub(super) fn health_go(body: &Body<'_>) -> Option<Health> {
    let object = body.object()?;
    let said = object.get("status")?.as_str()?;
    let (verdict, of_failure) = match said {
        "OK" => (Verdict::Pass, Verdict::Fail),
        // Only checks that may fail have failed.
        "Partially Available" => (Verdict::Warn, Verdict::Warn),
        "Unavailable" | "Timeout during health check" => (Verdict::Fail, Verdict::Fail),
        _ => return None,
    };
    object.get("timestamp")?;
    object.get("component")?.as_object()?;
    let failures = object.get("failures").and_then(Value::as_object);
    let components = failures
        .into_iter()
        .flatten()
        .map(|(name, _)| Component::new(name, Some(of_failure), "failed"));
    Some(Health::new(HealthFormat::HealthGo, verdict, said).components(components.collect()))
}

/// goss serving its results as JSON.
pub(super) fn goss(body: &Body<'_>) -> Option<Health> {
    let object = body.object()?;
    let results = object.get("results")?.as_array()?;
    let failed = object.get("summary")?.get("failed-count")?.as_u64()?;
    let components = results.iter().filter_map(|result| {
        let result = result.as_object()?;
        let words: Vec<&str> = ["resource-type", "resource-id", "property"]
            .iter()
            .filter_map(|key| result.get(*key)?.as_str())
            .collect();
        // Older versions count: 0 is right, 1 is wrong, 2 was left out.
        let is_skipped = result.get("skipped").and_then(Value::as_bool) == Some(true)
            || result.get("result").and_then(Value::as_u64) == Some(2);
        let (verdict, said) = match result.get("successful")?.as_bool()? {
            _ if is_skipped => (None, "skipped"),
            true => (Some(Verdict::Pass), "successful"),
            false => (Some(Verdict::Fail), "failed"),
        };
        Some(Component::new(&words.join(" "), verdict, said))
    });
    let verdict = if failed > 0 { Verdict::Fail } else { Verdict::Pass };
    let said = format!("{failed} failed");
    let health = Health::new(HealthFormat::Goss, verdict, &said).with_list(true);
    Some(health.components(components.collect()))
}

/// A status under a usual name; where several are given, the worst.
pub(super) fn generic(body: &Body<'_>) -> Option<Health> {
    let made = |verdict, said: &str| Health::new(HealthFormat::Generic, verdict, said);
    let object = match body.json? {
        Value::String(said) => return Some(made(common_word(said)?, said)),
        Value::Object(object) => object,
        _ => return None,
    };
    let words = ["status", "state", "health"].iter().filter_map(|key| {
        let said = object.get(*key)?.as_str()?;
        Some((common_word(said)?, said.to_owned()))
    });
    let flags = ["healthy", "ok", "ready"].iter().filter_map(|key| {
        let holds = object.get(*key)?.as_bool()?;
        let verdict = if holds { Verdict::Pass } else { Verdict::Fail };
        Some((verdict, format!("{key}: {holds}")))
    });
    let (verdict, said) = words.chain(flags).min_by_key(|(verdict, _)| *verdict)?;
    Some(made(verdict, &said))
}

fn common_word(said: &str) -> Option<Verdict> {
    match said.to_ascii_lowercase().as_str() {
        "ok" | "up" | "pass" | "healthy" | "alive" | "ready" | "green" | "true" => Some(Verdict::Pass),
        "degraded" | "warn" | "yellow" => Some(Verdict::Warn),
        "down" | "fail" | "error" | "unhealthy" | "red" | "false" => Some(Verdict::Fail),
        _ => None,
    }
}

fn up_or_down(word: &str) -> Option<Verdict> {
    match word {
        "up" => Some(Verdict::Pass),
        "down" => Some(Verdict::Fail),
        "unknown" => Some(Verdict::Unknown),
        _ => None,
    }
}

fn status_of(value: &Value) -> Option<&str> {
    value.get("status")?.as_str()
}

fn part(name: &str, value: &Value, word: fn(&str) -> Option<Verdict>) -> Component {
    match status_of(value) {
        Some(said) => Component::new(name, Some(word(said).unwrap_or(Verdict::Unknown)), said),
        None => Component::new(name, None, "no status"),
    }
}
