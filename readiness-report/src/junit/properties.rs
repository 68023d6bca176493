use readiness_core::Report;

/// The verdict, what led to it, and from where it was looked.
pub(super) fn suite_properties(report: &Report) -> Vec<(String, String)> {
    let mut properties: Vec<(String, String)> = Vec::new();
    let mut add = |name: &str, value: String| properties.push((name.to_owned(), value));
    add("tool", format!("{} {}", report.tool.name, report.tool.version));
    add("catalog", report.catalog.clone());
    add("verdict", report.verdict().to_string());
    if let Some(at) = report.judged_at {
        add("judged_at", at.to_string());
    }
    add("rule", report.decision.rule.clone());
    for because in &report.decision.because {
        add("because", because.clone());
    }
    let score = &report.score;
    for (name, share) in [
        ("proven", score.proven),
        ("possible", score.possible),
        ("coverage", score.coverage),
    ] {
        add(
            name,
            share.map_or_else(|| "none".to_owned(), |share| share.to_string()),
        );
    }
    let view = &report.view;
    let families: Vec<String> = view.from.families.iter().map(ToString::to_string).collect();
    add("view.resolvers", view.from.resolvers.join(", "));
    add("view.families", families.join(", "));
    add(
        "view.trust_store",
        format!("{} ({} anchors)", view.from.trust_store, view.from.trust_anchors),
    );
    for (target, profile) in &view.profiles {
        add("view.profile", format!("{target}: {profile}"));
    }
    for what in &view.not_looked_at {
        add("view.not_looked_at", what.clone());
    }
    for (what, count) in &report.cost {
        add("cost", format!("{what}: {count}"));
    }
    add("suite_digest", report.suite_digest.to_string());
    add("results_digest", report.results_digest.to_string());
    properties
}
