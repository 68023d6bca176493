//! `application/health+json`, draft-inadarei-api-health-check-06.

use serde_json::Value;

use super::{
    HealthFormat,
    payload::{Body, Component, Health, Verdict, capped},
};

pub(super) const CONTENT_TYPE: &str = "application/health+json";

/// A status of the draft, and a sign that the draft is meant: its type, its checks, or its other members.
pub(super) fn inadarei(body: &Body<'_>) -> Option<Health> {
    let object = body.object()?;
    let said = object.get("status")?.as_str()?;
    let verdict = word(said)?;
    let checks = object.get("checks").and_then(Value::as_object);
    let has_list = checks.is_some();
    let has_checks = checks.is_some_and(|checks| checks.values().all(is_check));
    let has_member = [
        "version",
        "releaseId",
        "serviceId",
        "notes",
        "output",
        "description",
        "links",
    ]
    .iter()
    .any(|member| object.contains_key(*member));
    let is_bare = object.len() == 1 && matches!(said, "pass" | "warn" | "fail");
    if body.essence != CONTENT_TYPE && !has_checks && !has_member && !is_bare {
        return None;
    }
    let mut deviations = Vec::new();
    let mut components = Vec::new();
    for (name, value) in checks.into_iter().flatten() {
        if name.matches(':').count() > 1 {
            deviations.push(format!(
                "`checks` holds `{}`, expected one colon at most",
                capped(name)
            ));
        }
        match value.as_array() {
            Some(list) if list.len() == 1 => {
                components.extend(list.iter().map(|check| component(name, check)))
            }
            Some(list) => {
                let numbered = list.iter().enumerate();
                components.extend(numbered.map(|(i, check)| component(&format!("{name}[{i}]"), check)));
            }
            // One object instead of a list is against the draft and plain enough.
            None => {
                deviations.push(format!(
                    "`checks` holds one object for `{}`, expected a list of objects",
                    capped(name)
                ));
                components.push(component(name, value));
            }
        }
    }
    deviations.truncate(MOST_DEVIATIONS);
    let mut health = Health::new(HealthFormat::Inadarei, verdict, said).with_list(has_list);
    health.deviations = deviations;
    Some(health.components(components))
}

/// The first few tell enough.
const MOST_DEVIATIONS: usize = 5;

fn component(name: &str, check: &Value) -> Component {
    let component = match check.get("status").and_then(Value::as_str) {
        Some(said) => Component::new(name, Some(word(said).unwrap_or(Verdict::Unknown)), said),
        // The status of a check is optional (section 4).
        None => Component::new(name, None, "no status"),
    };
    let kind = check.get("componentType").and_then(Value::as_str);
    Component {
        kind: kind.map(capped),
        ..component
    }
}

fn is_check(value: &Value) -> bool {
    value.is_object()
        || value
            .as_array()
            .is_some_and(|list| list.iter().all(Value::is_object))
}

fn word(said: &str) -> Option<Verdict> {
    match said.to_ascii_lowercase().as_str() {
        "pass" | "ok" | "up" => Some(Verdict::Pass),
        "warn" => Some(Verdict::Warn),
        "fail" | "error" | "down" => Some(Verdict::Fail),
        _ => None,
    }
}
