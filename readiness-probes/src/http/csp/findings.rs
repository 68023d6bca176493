//! What is said about each hole, and how much it weighs.

use readiness_core::Finding;

use super::{
    browser::Page,
    questions::{Hole, Opening, Question, holes},
    rules::{Purpose, Rules},
};
use crate::http::syntax::excerpt;

/// Whether policies are in force, or are asked what they would do.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Mood {
    Enforced,
    Reported,
}

/// The holes that these policies together leave, as findings. `stricter` are the same policies with those that
/// only report: what they would close is said.
pub(crate) fn findings(
    rules: &[&Rules<'_>],
    stricter: Option<&[&Rules<'_>]>,
    page: Page,
    mood: Mood,
) -> Vec<Finding> {
    let open = holes(rules, page);
    let still_open = stricter.map(|rules| holes(rules, page));
    let mut told: Vec<Finding> = Vec::new();
    if !limits_scripts(rules) {
        told.push(no_script_policy(mood));
    }
    for hole in &open {
        if is_said_already(hole, &open, rules) {
            continue;
        }
        let mut finding = tell(hole, rules, mood);
        let closes = |holes: &Vec<Hole<'_>>| !holes.iter().any(|other| other.question == hole.question);
        if still_open.as_ref().is_some_and(closes) && !finding.is_note() {
            finding
                .message
                .push_str("; the report-only policy stops it once it is enforced");
            finding.remedy = format!("enforce the report-only policy, or {}", finding.remedy);
        }
        told.push(finding);
    }
    told.extend(oddities(rules, mood));
    told
}

/// What policies that only report would let through and the enforced ones do not, as notes: it shows when they
/// take their place. What they are silent about is left to the enforced ones.
pub(crate) fn looser(reported: &[&Rules<'_>], enforced: &[&Rules<'_>], page: Page) -> Vec<Finding> {
    let closed = holes(enforced, page);
    let open = holes(reported, page);
    open.iter()
        .filter(|hole| hole.opening != Opening::Ungoverned)
        .filter(|hole| !closed.iter().any(|other| other.question == hole.question))
        .filter(|hole| !is_said_already(hole, &open, reported))
        .map(|hole| {
            let finding = tell(hole, reported, Mood::Reported);
            let mut note = Finding::note(finding.code, finding.message).subject("report-only policy");
            note.evidence = finding.evidence;
            note
        })
        .collect()
}

fn limits_scripts(rules: &[&Rules<'_>]) -> bool {
    let purposes = [Purpose::Element, Purpose::Handler, Purpose::Eval];
    rules.iter().any(|rules| {
        rules.sandboxes(Purpose::Element) || purposes.iter().any(|purpose| rules.list(*purpose).is_some())
    })
}

/// Whether another finding says the same.
fn is_said_already(hole: &Hole<'_>, open: &[Hole<'_>], rules: &[&Rules<'_>]) -> bool {
    let is_open = |question| open.iter().any(|other| other.question == question);
    let is_ungoverned = hole.opening == Opening::Ungoverned;
    match hole.question {
        Question::Handler if is_open(Question::Inline) => true,
        Question::Inline | Question::Handler | Question::AnyScript | Question::Eval => {
            is_ungoverned && !limits_scripts(rules)
        }
        Question::DataPlugin => is_open(Question::AnyPlugin),
        // What falls back to the sources of scripts is said of scripts. Browsers start workers from the page's
        // own origin alone (HTML, section 10.2.6.4), so it weighs little in any case.
        Question::AnyWorker => !matches!(
            hole.opening,
            Opening::Source {
                directive: "worker-src" | "child-src",
                ..
            }
        ),
        Question::AnyStyle if is_ungoverned => !limits_scripts(rules),
        Question::InlineStyle if is_ungoverned => true,
        _ => false,
    }
}

fn no_script_policy(mood: Mood) -> Finding {
    let runs = match mood {
        Mood::Enforced => "runs",
        Mood::Reported => "would run",
    };
    Finding::fail(
        "no_script_policy",
        format!("no policy limits scripts, so `https://evil.example/x.js` {runs}, expected `script-src` or `default-src`"),
    )
    .evidence("gets through", "https://evil.example/x.js")
    .evidence("gets through", "<script>alert(1)</script>")
    .remedy("add `default-src 'self'`, or a `script-src` with nonces")
}

/// The finding about one hole.
fn tell(hole: &Hole<'_>, rules: &[&Rules<'_>], mood: Mood) -> Finding {
    let lets = match mood {
        Mood::Enforced => "lets",
        Mood::Reported => "would let",
    };
    let by = match hole.opening {
        Opening::Ungoverned => format!(
            "no `{}` stands in any policy, which {lets}",
            governor(hole.question)
        ),
        Opening::Source { directive, source } => {
            format!("`{directive} {}` {lets}", excerpt(source.as_bytes()))
        }
    };
    let seen = excerpt(hole.witness.as_bytes());
    let is_ungoverned = hole.opening == Opening::Ungoverned;
    let finding = match hole.question {
        Question::Inline => Finding::fail(
            "unsafe_inline",
            format!("{by} `{seen}` run, expected a nonce or a hash"),
        )
        .remedy("give each inline script a nonce or a hash and drop `'unsafe-inline'`"),
        Question::Handler => Finding::fail(
            "unsafe_inline_handlers",
            format!("{by} `{seen}` run, expected no inline handlers"),
        )
        .remedy("move handlers into scripts and drop `'unsafe-inline'`"),
        Question::AnyScript => Finding::fail(
            "any_host",
            format!("{by} `{seen}` run, expected a list of hosts or nonces"),
        )
        .remedy("list the hosts that serve scripts, or use nonces with `'strict-dynamic'`"),
        Question::Data => Finding::fail(
            "data_scripts",
            format!("{by} `{seen}` run, which is inline script under another name"),
        )
        .remedy("drop `data:` from the sources of scripts"),
        Question::Blob => Finding::warn(
            "blob_scripts",
            format!("{by} scripts made in the page run as `blob:`, expected hosts or nonces"),
        )
        .remedy("drop `blob:` from the sources of scripts; workers have `worker-src`"),
        Question::Filesystem => Finding::warn(
            "filesystem_scripts",
            format!("{by} scripts stored by the page run as `filesystem:`, expected hosts or nonces"),
        )
        .remedy("drop `filesystem:` from the sources of scripts"),
        Question::Eval if rules.iter().any(|rules| rules.trusted_types) => Finding::note(
            "unsafe_eval",
            format!("{by} strings run as code where Trusted Types let them pass"),
        ),
        Question::Eval => Finding::warn(
            "unsafe_eval",
            format!("{by} strings run as code, such as `{seen}`, expected no `'unsafe-eval'`"),
        )
        .remedy("drop `'unsafe-eval'`; for WebAssembly `'wasm-unsafe-eval'` is enough"),
        Question::AnyPlugin => Finding::warn(
            if is_ungoverned {
                "no_object_src"
            } else {
                "any_plugin"
            },
            format!("{by} plug-ins load from `{seen}`, expected `object-src 'none'`"),
        )
        .remedy("add `object-src 'none'`"),
        Question::DataPlugin => Finding::warn(
            "data_plugins",
            format!("{by} plug-ins load from `data:`, expected `object-src 'none'`"),
        )
        .remedy("add `object-src 'none'`"),
        // A script that runs by its nonce is fetched from wherever an injected `<base>` points. A list of hosts
        // still holds there, so without nonces it is only worth knowing.
        Question::Base if trusts_by_nonce(rules) => Finding::warn(
            "no_base_uri",
            format!("{by} `<base href=\"{seen}\">` say where scripts with a nonce come from"),
        )
        .remedy("add `base-uri 'none'`"),
        Question::Base => Finding::note(
            "no_base_uri",
            format!("{by} `<base href=\"{seen}\">` move the page's relative URLs"),
        ),
        Question::AnyForm if is_ungoverned => {
            Finding::note("no_form_action", format!("{by} forms be sent to `{seen}`"))
        }
        Question::AnyForm => Finding::warn(
            "any_form_action",
            format!("{by} forms be sent to `{seen}`, expected a list of hosts"),
        )
        .remedy("set `form-action 'self'`, or list the hosts that take forms"),
        Question::AnyWorker => Finding::note(
            "any_worker",
            format!("{by} workers come from `{seen}`; only browsers' same-origin rule stops it"),
        ),
        Question::InlineStyle => Finding::note(
            "inline_styles",
            format!("{by} `{seen}` change how the page looks"),
        ),
        Question::AnyStyle => Finding::note("any_style", format!("{by} `{seen}` change how the page looks")),
        Question::AnyFrame => Finding::note(
            "any_frame",
            format!("{by} `{seen}` frame the page as far as policies go; `http.framing` judges it"),
        ),
    };
    finding.evidence("gets through", &hole.witness)
}

/// The directive to add where none governs.
const fn governor(question: Question) -> &'static str {
    match question.purpose() {
        Purpose::Ancestor => "frame-ancestors",
        Purpose::Base => "base-uri",
        Purpose::Form => "form-action",
        Purpose::Plugin => "object-src",
        Purpose::Style | Purpose::StyleAttribute => "style-src",
        Purpose::Element | Purpose::Eval | Purpose::Handler | Purpose::Worker => "script-src",
    }
}

fn trusts_by_nonce(rules: &[&Rules<'_>]) -> bool {
    rules
        .iter()
        .filter_map(|rules| rules.list(Purpose::Element))
        .any(|list| list.trusts_by_nonce())
}

/// What lets no stranger in and is hardly meant.
fn oddities(rules: &[&Rules<'_>], mood: Mood) -> Vec<Finding> {
    let mut lists = rules.iter().filter_map(|rules| rules.list(Purpose::Element));
    let mut told = Vec::new();
    if lists.any(|list| list.strict_dynamic && list.nonces.is_empty() && !list.hash) {
        let runs = match mood {
            Mood::Enforced => "runs",
            Mood::Reported => "would run",
        };
        told.push(
            Finding::warn(
                "strict_dynamic_alone",
                format!(
                    "`'strict-dynamic'` stands without a nonce or a hash, so no script of the page {runs}"
                ),
            )
            .remedy("give scripts a nonce, or drop `'strict-dynamic'`"),
        );
    }
    let mut handlers = rules.iter().filter_map(|rules| rules.list(Purpose::Handler));
    if handlers.any(|list| list.unsafe_hashes && list.hash) {
        told.push(Finding::note(
            "unsafe_hashes",
            "`'unsafe-hashes'` makes hashes count for inline handlers, so injected markup can use the listed ones",
        ));
    }
    told
}
