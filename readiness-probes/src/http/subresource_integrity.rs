mod metadata;

use readiness_core::{
    Described, Finding, Outcome, Probe, ProbeContext, ProbeError, ProbeInfo, async_trait,
    fact::{Exchange, Resource},
    probe,
};
use url::Url;

use self::metadata::{Metadata, Policy};
use super::{
    page::{Looked, judge_page},
    pages::Pages,
    subresources::{ReadPage, subject_of},
    syntax::{count, excerpt, shown},
};

probe! {
    /// Scripts and styles of other origins are taken only as they were when the page was written.
    ///
    /// # What it checks
    /// Each script, style sheet and module preload that stands in the page: whether it comes from another
    /// origin (scheme, host and port), its `integrity`, its `crossorigin`, and the header `Integrity-Policy`.
    /// What scripts load later is not seen.
    ///
    /// # Why it matters
    /// Who can change a file on a foreign server runs a script in this page. A digest in the page makes
    /// browsers refuse the changed file.
    ///
    /// # How it is judged
    /// A script of another origin without an effective digest fails, a style sheet warns. Browsers know
    /// sha256, sha384 and sha512: any other algorithm checks nothing, and a digest of a wrong length matches
    /// nothing, so that the file is blocked; one without its padding warns, as browsers differ. A digest on a file of another origin needs `crossorigin`, except
    /// for modules; without it browsers block the file. What `Integrity-Policy` blocks fails as well. A page
    /// that loads nothing from elsewhere passes.
    ///
    /// # How to fix
    /// Serve the file from the page's own origin, or write
    /// `integrity="sha384-…" crossorigin="anonymous"` and a URL with a version in it.
    pub struct SubresourceIntegrity {
        /// Hosts whose files change by themselves and are trusted as they come, such as `js.stripe.com`.
        /// Default: none.
        pub trusted_hosts: Vec<String> = Vec::new(),
        /// The pages to judge, each a path or a table of `path`, `kind` and `accept_status`. Default: the
        /// target's own path.
        pub pages: Pages = Pages::default(),
    }
    id: "http.subresource_integrity",
    title: "scripts of other origins are pinned",
    priority: Info,
    references: [
        "Subresource Integrity" => "https://www.w3.org/TR/sri-2/",
        "HTML section 4.12.1" => "https://html.spec.whatwg.org/multipage/scripting.html#the-script-element",
        "RFC 6454 section 4" => "https://www.rfc-editor.org/rfc/rfc6454#section-4",
    ],
}

#[async_trait]
impl Probe for SubresourceIntegrity {
    fn info(&self) -> &ProbeInfo {
        Self::described()
    }

    async fn run(&self, cx: &ProbeContext) -> Result<Outcome, ProbeError> {
        judge_page(cx, &self.pages, |looked| judge(self, looked)).await
    }
}

impl SubresourceIntegrity {
    /// Says what is wrong with the settings.
    pub(crate) fn check(&self) -> Result<(), String> {
        let wrong = self
            .trusted_hosts
            .iter()
            .find(|host| host.is_empty() || host.contains(['/', ':', '*']));
        if let Some(host) = wrong {
            return Err(format!(
                "`trusted_hosts` holds `{host}`, expected a host such as `js.example.com`"
            ));
        }
        self.pages.check()
    }
}

/// A page may load a thousand.
const MOST_FINDINGS: usize = 50;
const HEADER: &str = "Integrity-Policy";
const PADDING: &str = "write the digest as base64 with its padding: 44 characters for sha256, 64 for sha384, 88 for \
                       sha512";
const PIN: &str = "serve it from the page's own origin, or write its digest: `integrity=\"sha384-…\" \
                   crossorigin=\"anonymous\"`";

fn judge(settings: &SubresourceIntegrity, looked: Looked<'_>) -> Outcome {
    let page = match ReadPage::of(looked) {
        Ok(page) => page,
        Err(outcome) => return *outcome,
    };
    let (policy, mut findings) = policy(looked.exchange);
    let (mut foreign, mut pinned, mut left_out) = (0, 0, 0);
    for (resource, url) in page.resources() {
        let Some(kind) = Kind::of(resource) else { continue };
        // What stands in the URL itself has no server behind it.
        if !matches!(url.scheme(), "http" | "https") {
            continue;
        }
        let is_foreign = url.origin() != page.url.origin();
        let found = Loaded {
            resource,
            url: &url,
            kind,
            is_foreign,
            is_trusted: settings
                .trusted_hosts
                .iter()
                .any(|host| url.host_str().is_some_and(|own| own.eq_ignore_ascii_case(host))),
        }
        .judge(policy);
        foreign += usize::from(is_foreign);
        pinned += usize::from(is_foreign && found.iter().all(Finding::is_note));
        if findings.len() < MOST_FINDINGS {
            findings.extend(found);
        } else {
            left_out += found.len();
        }
    }
    if left_out > 0 {
        findings.push(
            Finding::fail(
                "more",
                format!("{left_out} more findings like these are not shown"),
            )
            .remedy("mend those that are shown, and look again"),
        );
    }
    findings.extend(page.rest());
    let summary = match foreign {
        0 => "no script or style of another origin".to_owned(),
        n => format!(
            "{pinned} of {} from elsewhere in order",
            count(n, "script or style", "scripts and styles")
        ),
    };
    Outcome::judged(summary, page.weight.apply(findings))
}

/// The policy in force, and what is to be said of it.
fn policy(exchange: &Exchange) -> (Policy, Vec<Finding>) {
    match metadata::policy(exchange, HEADER) {
        None => (Policy::default(), Vec::new()),
        Some(Ok(policy)) => (policy, Vec::new()),
        Some(Err(value)) => {
            let finding = Finding::warn(
                "malformed_policy",
                format!(
                    "`{HEADER}` is `{}`, which browsers cannot read and ignore",
                    excerpt(&value)
                ),
            )
            .subject(HEADER)
            .evidence(HEADER, shown(&value))
            .remedy(format!("send `{HEADER}: blocked-destinations=(script)`"));
            (Policy::default(), vec![finding])
        }
    }
}

/// What can be pinned.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Kind {
    /// A classic script.
    Script,
    /// A module, which browsers always ask for with CORS.
    Module,
    Style,
}

impl Kind {
    fn of(resource: &Resource) -> Option<Self> {
        let has = |word: &str| resource.rel.split(' ').any(|rel| rel == word);
        match resource.element.as_str() {
            "script" if resource.kind == "module" => Some(Self::Module),
            "script" => Some(Self::Script),
            "link" if has("stylesheet") => Some(Self::Style),
            "link" if has("modulepreload") => Some(Self::Module),
            _ => None,
        }
    }
}

struct Loaded<'a> {
    resource: &'a Resource,
    url: &'a Url,
    kind: Kind,
    is_foreign: bool,
    is_trusted: bool,
}

impl Loaded<'_> {
    fn judge(&self, policy: Policy) -> Vec<Finding> {
        let integrity = self.resource.integrity.as_deref().unwrap_or_default();
        let metadata = metadata::read(integrity);
        let is_cors = self.kind == Kind::Module || self.resource.cross_origin.is_some();
        let mut findings = Vec::new();
        match &metadata {
            Metadata::Checked { skipped } => {
                findings.extend(self.without_cors(is_cors));
                if let Some(part) = skipped.first() {
                    findings.push(Finding::note(
                        "skipped_digest",
                        format!("browsers skip the part `{part}` of its `integrity`"),
                    ));
                }
            }
            Metadata::Unpadded(part) => {
                findings.extend(self.without_cors(is_cors));
                findings.push(
                    Finding::warn(
                        "unpadded_digest",
                        format!("`{part}` lacks its padding; the standard has nothing match it, and browsers differ"),
                    )
                    .remedy(PADDING),
                );
            }
            Metadata::Broken(part) => findings.push(
                Finding::fail(
                    "malformed_digest",
                    format!("browsers block it: `{part}` is no digest of that algorithm and matches nothing"),
                )
                .remedy(PADDING),
            ),
            Metadata::Unchecked(part) => {
                let message =
                    format!("its `integrity` checks nothing: `{part}` is not of sha256, sha384 or sha512");
                findings.push(self.weigh("no_effect", message, PIN));
            }
            Metadata::Empty => findings.extend(self.without_digest()),
        }
        let demanded = match self.kind {
            Kind::Script | Kind::Module => policy.scripts,
            Kind::Style => policy.styles,
        };
        let is_checked = !matches!(metadata, Metadata::Unchecked(_) | Metadata::Empty);
        if demanded && !(is_checked && (is_cors || !self.is_foreign)) {
            findings.push(
                Finding::fail(
                    "blocked_by_policy",
                    format!("browsers block it: `{HEADER}` demands a digest"),
                )
                .remedy("write its digest, or take its kind out of `blocked-destinations`"),
            );
        }
        let subject = subject_of(self.resource, self.url);
        findings
            .into_iter()
            .map(|finding| finding.subject(subject.clone()))
            .collect()
    }

    /// What is said where the file is checked and browsers do not get to see it.
    fn without_cors(&self, is_cors: bool) -> Option<Finding> {
        (self.is_foreign && !is_cors).then(|| {
            Finding::fail(
                "no_crossorigin",
                "browsers block it: a digest on a file of another origin needs `crossorigin`",
            )
            .remedy("add `crossorigin=\"anonymous\"`")
        })
    }

    fn without_digest(&self) -> Option<Finding> {
        if !self.is_foreign {
            return None;
        }
        if self.is_trusted {
            let message = "its host is trusted by the settings, and no digest is asked for";
            return Some(Finding::note("trusted", message));
        }
        let origin = self.url.origin().ascii_serialization();
        let message = format!(
            "expected a digest, as `{}` can change the file",
            excerpt(origin.as_bytes())
        );
        Some(self.weigh("no_integrity", message, PIN))
    }

    /// What an unpinned file weighs: a script of another origin most.
    fn weigh(&self, code: &str, message: String, remedy: &str) -> Finding {
        if self.is_foreign && self.kind != Kind::Style {
            Finding::fail(code, message).remedy(remedy)
        } else {
            Finding::warn(code, message).remedy(remedy)
        }
    }
}

#[cfg(test)]
mod tests;
