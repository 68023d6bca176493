use std::fmt::Write;

use readiness_core::{Registry, RegistryError};

/// What one probe is, and what to do about it.
pub(super) fn one(registry: &Registry, id: &str) -> Result<String, RegistryError> {
    let info = registry.info(id)?;
    let mut text = format!("{}: {}\n", info.id, info.title);
    let _ = writeln!(
        text,
        "priority {}, {} s at most\n",
        info.priority,
        info.timeout.as_secs()
    );
    let sections = [
        ("", &info.summary),
        ("What it checks", &info.what),
        ("Why it matters", &info.why),
        ("How it is judged", &info.how),
        ("How to fix", &info.fix),
    ];
    for (title, section) in sections {
        if section.is_empty() {
            continue;
        }
        if !title.is_empty() {
            let _ = writeln!(text, "{title}");
        }
        let _ = writeln!(text, "{section}\n");
    }
    if !info.references.is_empty() {
        let _ = writeln!(text, "References");
        for reference in info.references.iter() {
            let _ = writeln!(text, "- {}: {}", reference.title, reference.url);
        }
    }
    Ok(text)
}

/// Every probe in a line of its own.
pub(super) fn all(registry: &Registry) -> String {
    let widest = registry
        .infos()
        .map(|info| info.id.as_str().len())
        .max()
        .unwrap_or(0);
    registry.infos().fold(String::new(), |mut text, info| {
        let _ = writeln!(
            text,
            "{:<widest$}  {:<8}  {}",
            info.id.as_str(),
            info.priority,
            info.title
        );
        text
    })
}
