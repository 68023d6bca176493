//! Spring Boot Actuator and Eclipse MicroProfile Health.

use serde_json::{Map, Value};

use super::{
    HealthFormat,
    payload::{Body, Component, Health, Meaning, Verdict},
};

/// Whether this content type is Spring Boot Actuator's.
pub(super) fn is_content_type(essence: &str) -> bool {
    matches!(
        essence,
        "application/vnd.spring-boot.actuator.v2+json" | "application/vnd.spring-boot.actuator.v3+json"
    )
}

/// `{"status":"UP","checks":[{"name":"db","status":"UP"}]}` and nothing else in it.
pub(super) fn microprofile(body: &Body<'_>) -> Option<Health> {
    let object = body.object()?;
    let checks = object.get("checks")?.as_array()?;
    if object.len() != 2 {
        return None;
    }
    let said = object.get("status")?.as_str()?;
    let components = checks.iter().map(check).collect::<Option<Vec<_>>>()?;
    let health = Health::new(HealthFormat::MicroProfile, up_or_down(said)?, said).with_list(true);
    Some(health.components(components))
}

fn check(value: &Value) -> Option<Component> {
    let check = value.as_object()?;
    let is_flat = |data: &Value| {
        data.as_object()
            .is_some_and(|data| data.values().all(|value| !value.is_object() && !value.is_array()))
    };
    if !check.get("data").is_none_or(is_flat) {
        return None;
    }
    let said = check.get("status")?.as_str()?;
    let name = check.get("name")?.as_str()?;
    Some(Component::new(name, Some(up_or_down(said)?), said))
}

fn up_or_down(word: &str) -> Option<Verdict> {
    match word {
        "UP" => Some(Verdict::Pass),
        "DOWN" => Some(Verdict::Fail),
        _ => None,
    }
}

/// `{"status":"UP","components":{…}}`, and `details` instead of `components` in version 2.
pub(super) fn spring(body: &Body<'_>) -> Option<Health> {
    let object = body.object()?;
    let said = object.get("status")?.as_str()?;
    let verdict = word(said);
    let parts = ["components", "details"]
        .into_iter()
        .find(|key| match object.get(*key) {
            Some(Value::Object(_)) if *key == "components" => true,
            Some(details) => has_statuses(details),
            None => false,
        });
    let has_shape = object.len() == 1 || parts.is_some() || object.get("groups").is_some_and(is_list_of_text);
    // A status of the service's own making is taken for Spring's only where the content type says so, or whoever
    // asks.
    let is_own_word = is_content_type(body.essence) || (body.is_expected && has_shape && is_upper(said));
    if !is_own_word && !(has_shape && verdict.is_some()) {
        return None;
    }
    let mut components = Vec::new();
    // Both versions nest with one key. Under `components` the `details` of a part are free data.
    let key = parts.unwrap_or("components");
    collect("", object, key, &mut components);
    let meaning = match verdict {
        None => Some(Meaning::Custom),
        Some(Verdict::Fail) if plain(said) == "OUTOFSERVICE" => Some(Meaning::Maintenance),
        Some(_) => None,
    };
    let health = Health::new(HealthFormat::Spring, verdict.unwrap_or(Verdict::Unknown), said);
    Some(
        health
            .meaning(meaning)
            .with_list(parts.is_some())
            .components(components),
    )
}

// Deep nesting ends at the parser's recursion limit.
fn collect(prefix: &str, object: &Map<String, Value>, key: &str, components: &mut Vec<Component>) {
    for (name, value) in object.get(key).and_then(Value::as_object).into_iter().flatten() {
        let Some(part) = value.as_object() else { continue };
        let Some(said) = part.get("status").and_then(Value::as_str) else {
            continue;
        };
        let name = if prefix.is_empty() {
            name.clone()
        } else {
            format!("{prefix}/{name}")
        };
        components.push(Component::new(
            &name,
            Some(word(said).unwrap_or(Verdict::Unknown)),
            said,
        ));
        collect(&name, part, key, components);
    }
}

fn word(said: &str) -> Option<Verdict> {
    if !is_upper(said) {
        return None;
    }
    match plain(said).as_str() {
        "UP" => Some(Verdict::Pass),
        "DOWN" | "OUTOFSERVICE" => Some(Verdict::Fail),
        "UNKNOWN" => Some(Verdict::Unknown),
        _ => None,
    }
}

fn is_upper(said: &str) -> bool {
    !said.is_empty() && !said.chars().any(char::is_lowercase)
}

/// Spring compares the codes by their letters and digits.
fn plain(said: &str) -> String {
    said.chars().filter(char::is_ascii_alphanumeric).collect()
}

fn has_statuses(details: &Value) -> bool {
    details.as_object().is_some_and(|details| {
        !details.is_empty() && details.values().all(|value| value.get("status").is_some())
    })
}

fn is_list_of_text(value: &Value) -> bool {
    value
        .as_array()
        .is_some_and(|list| list.iter().all(Value::is_string))
}
