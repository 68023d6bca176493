//! What Content Security Policies leave open, all of them enforced together.

use readiness_core::Finding;

use super::{
    policy::{Directive, Policy},
    source::Reach,
    syntax::excerpt,
};

/// Something an attacker may do although there is a policy.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Hole {
    AnyHost,
    Base,
    Blob,
    Data,
    Eval,
    Handlers,
    Inline,
    Plugins,
}

/// How a policy leaves a hole open.
#[derive(Clone, Debug, Eq, PartialEq)]
enum Opening {
    /// No directive governs it.
    Ungoverned,
    /// This source in this directive allows it.
    Source(String),
}

const ELEMENTS: [&str; 3] = ["script-src-elem", "script-src", "default-src"];
const HANDLERS: [&str; 3] = ["script-src-attr", "script-src", "default-src"];
const SCRIPTS: [&str; 2] = ["script-src", "default-src"];
const PLUGINS: [&str; 2] = ["object-src", "default-src"];
const BASE: [&str; 1] = ["base-uri"];

/// What the policies leave open, and what is wrong with how they are written.
pub(crate) fn analyse(policies: &[Policy<'_>]) -> Vec<Finding> {
    let governs_scripts = |policy: &Policy<'_>| {
        [&ELEMENTS[..], &HANDLERS]
            .iter()
            .any(|names| policy.first_of(names).is_some())
    };
    let mut findings = Vec::new();
    if policies.iter().any(governs_scripts) {
        findings.extend(script_holes(policies));
    } else {
        findings.push(
            Finding::fail(
                "no_script_policy",
                "no policy limits scripts, expected `script-src` or `default-src`",
            )
            .remedy("add `default-src 'self'`, or a `script-src` with nonces"),
        );
    }
    match opening(policies, Hole::Plugins) {
        Some(Opening::Ungoverned) => findings.push(
            Finding::warn(
                "no_object_src",
                "no policy limits plugins, expected `object-src` or `default-src`",
            )
            .remedy("add `object-src 'none'`"),
        ),
        Some(Opening::Source(source)) => findings.push(
            Finding::warn(
                "any_plugin",
                format!("{source} lets every site serve plugins, expected `'none'`"),
            )
            .remedy("add `object-src 'none'`"),
        ),
        None => {}
    }
    if let Some(opening) = opening(policies, Hole::Base) {
        let found = match opening {
            Opening::Ungoverned => "no `base-uri` stands in any policy".to_owned(),
            Opening::Source(source) => format!("{source} lets a `<base>` point to every site"),
        };
        // A script that runs by its nonce is fetched from wherever an injected `<base>` points. A list of hosts
        // still holds there, so without nonces it is only worth knowing.
        findings.push(if policies.iter().any(trusts_by_nonce) {
            Finding::warn("no_base_uri", format!("{found}, expected one beside nonces"))
                .remedy("add `base-uri 'none'`")
        } else {
            Finding::note("no_base_uri", found)
        });
    }
    findings.extend(policies.iter().enumerate().flat_map(faults));
    findings
}

fn script_holes(policies: &[Policy<'_>]) -> Vec<Finding> {
    let found = |hole, what: &str| match opening(policies, hole)? {
        Opening::Ungoverned => Some(format!("no directive limits {what}")),
        Opening::Source(source) => Some(format!("{source} allows {what}")),
    };
    let mut findings = Vec::new();
    if let Some(found) = found(Hole::Inline, "inline scripts") {
        findings.push(
            Finding::fail("unsafe_inline", format!("{found}, expected a nonce or a hash"))
                .remedy("give each inline script a nonce or a hash and drop `'unsafe-inline'`"),
        );
    } else if let Some(found) = found(Hole::Handlers, "inline event handlers") {
        findings.push(
            Finding::fail("unsafe_inline_handlers", format!("{found}, expected none"))
                .remedy("move handlers into scripts and drop `'unsafe-inline'`"),
        );
    }
    if let Some(found) = found(Hole::AnyHost, "scripts from every site") {
        findings.push(
            Finding::fail("any_host", format!("{found}, expected a list of hosts or nonces"))
                .remedy("list the hosts that serve scripts, or use nonces with `'strict-dynamic'`"),
        );
    }
    if let Some(found) = found(Hole::Data, "scripts from `data:`") {
        // Where nothing governs scripts every hole is open; one finding says it.
        if opening(policies, Hole::Data) != Some(Opening::Ungoverned) {
            findings.push(
                Finding::fail(
                    "data_scripts",
                    format!("{found}, which is inline script under another name"),
                )
                .remedy("drop `data:` from the sources of scripts"),
            );
        }
    }
    if let Some(Opening::Source(source)) = opening(policies, Hole::Blob) {
        findings.push(
            Finding::warn(
                "blob_scripts",
                format!("{source} allows scripts made in the page, expected hosts"),
            )
            .remedy("drop `blob:` from the sources of scripts; workers have `worker-src`"),
        );
    }
    if let Some(found) = found(Hole::Eval, "strings to run as code") {
        findings.push(
            Finding::warn("unsafe_eval", format!("{found}, expected no `'unsafe-eval'`"))
                .remedy("drop `'unsafe-eval'`; for WebAssembly `'wasm-unsafe-eval'` is enough"),
        );
    }
    let strict = policies.iter().filter_map(|policy| policy.first_of(&ELEMENTS));
    if strict
        .filter(|directive| directive.has("'strict-dynamic'"))
        .any(|directive| !directive.has_nonce_or_hash())
    {
        findings.push(
            Finding::warn(
                "strict_dynamic_alone",
                "`'strict-dynamic'` stands without a nonce or a hash, so no script of the page runs",
            )
            .remedy("give scripts a nonce, or drop `'strict-dynamic'`"),
        );
    }
    findings
}

/// How a hole stands open: only if every policy leaves it open. A source is named before a gap is.
fn opening(policies: &[Policy<'_>], hole: Hole) -> Option<Opening> {
    let openings: Vec<Opening> = policies
        .iter()
        .filter(|policy| !policy.directives.is_empty())
        .map(|policy| opening_of(policy, hole))
        .collect::<Option<_>>()?;
    let source = openings
        .iter()
        .find(|opening| matches!(opening, Opening::Source(_)));
    source.or(openings.first()).cloned()
}

fn opening_of(policy: &Policy<'_>, hole: Hole) -> Option<Opening> {
    let names: &[&str] = match hole {
        Hole::AnyHost | Hole::Blob | Hole::Data | Hole::Inline => &ELEMENTS,
        Hole::Base => &BASE,
        Hole::Eval => &SCRIPTS,
        Hole::Handlers => &HANDLERS,
        Hole::Plugins => &PLUGINS,
    };
    let Some(directive) = policy.first_of(names) else {
        return Some(Opening::Ungoverned);
    };
    let by = |source: &str| {
        let source = excerpt(source.as_bytes());
        Some(Opening::Source(format!("`{} {source}`", directive.name)))
    };
    let is_strict = directive.has("'strict-dynamic'");
    match hole {
        // CSP Level 3, section 6.7.3.2: a nonce, a hash or 'strict-dynamic' takes 'unsafe-inline' away.
        Hole::Inline | Hole::Handlers => {
            let open = directive.has("'unsafe-inline'") && !directive.has_nonce_or_hash() && !is_strict;
            open.then(|| by("'unsafe-inline'"))?
        }
        Hole::Eval => directive.has("'unsafe-eval'").then(|| by("'unsafe-eval'"))?,
        // Beside 'strict-dynamic' browsers leave hosts and schemes aside.
        Hole::AnyHost | Hole::Blob | Hole::Data if is_strict => None,
        Hole::Data => directive.has("data:").then(|| by("data:"))?,
        Hole::Blob => ["blob:", "filesystem:"]
            .into_iter()
            .find(|scheme| directive.has(scheme))
            .and_then(by),
        Hole::AnyHost | Hole::Base | Hole::Plugins => {
            let (reach, source) = directive.reach();
            (reach == Reach::Everybody).then(|| by(source))?
        }
    }
}

fn trusts_by_nonce(policy: &Policy<'_>) -> bool {
    policy
        .first_of(&ELEMENTS)
        .is_some_and(|directive: &Directive<'_>| directive.has_nonce() || directive.has("'strict-dynamic'"))
}

/// What is wrong with how one policy is written.
pub(crate) fn faults((i, policy): (usize, &Policy<'_>)) -> Vec<Finding> {
    policy
        .faults
        .iter()
        .take(if i < MOST_POLICIES_WITH_FAULTS {
            usize::MAX
        } else {
            0
        })
        .map(|fault| {
            Finding::warn(fault.code, format!("{}, at byte {}", fault.problem, fault.at))
                .subject(format!("policy {}", i + 1))
                .remedy("write the policy as CSP Level 3 has it; browsers skip what they do not know")
        })
        .collect()
}

/// A line of commas and junk must not make thousands of findings.
const MOST_POLICIES_WITH_FAULTS: usize = 4;
