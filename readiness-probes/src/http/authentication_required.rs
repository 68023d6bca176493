use readiness_core::{
    Described, Finding, Outcome, Probe, ProbeContext, ProbeError, ProbeInfo, Reason, async_trait,
    fact::{Channel, Exchange, HttpExchange},
    probe,
};
use url::Url;

use super::{
    applicability::is_challenge,
    challenge::{self, Challenge},
    page::{Looked, judge_each},
    pages::Pages,
    syntax::{excerpt, shown},
    trail::{self, Next, Place},
};

probe! {
    /// What is protected is not shown to somebody without credentials.
    ///
    /// # What it checks
    /// The answer of each path declared protected to one `GET` without any credential, and the challenge of a
    /// 401. The credential and the query of the target are never sent.
    ///
    /// # Why it matters
    /// A page of administration, metrics or debugging that opened by a changed route, a missing middleware or a
    /// second port is found by strangers within hours.
    ///
    /// # How it is judged
    /// 401 and 403 pass, and so does a redirect to the `login` page and each status in `accept_status`. Any other
    /// success fails. 401 must carry `WWW-Authenticate`, which must be well-formed: clients cannot log in
    /// otherwise. `Basic` over plain http fails, as it sends the password with each request. Other redirects, and
    /// answers that say nothing about the protection, are unknown.
    ///
    /// # How to fix
    /// Check credentials before anything else on the path, and answer 401 with `WWW-Authenticate`, or 403.
    pub struct AuthenticationRequired {
        /// The paths that need a credential, each a path or a table of `path` and `accept_status`, such as
        /// `["/admin", { path = "/metrics", accept_status = [404] }]`. Default: none; the probe does not apply.
        pub protected: Pages = Pages::default(),
        /// Where a redirect counts as protection: a path such as `/login`, or a URL such as
        /// `https://sso.example.com/`; what begins with it counts, so that it is not the root of the service itself.
        /// Default: nowhere.
        pub login: String = String::new(),
    }
    id: "http.authentication_required",
    title: "protected paths need a credential",
    priority: High,
    references: [
        "RFC 9110 section 11.6.1" => "https://www.rfc-editor.org/rfc/rfc9110#section-11.6.1",
        "RFC 9110 section 15.5.2" => "https://www.rfc-editor.org/rfc/rfc9110#section-15.5.2",
        "RFC 7617: Basic" => "https://www.rfc-editor.org/rfc/rfc7617",
    ],
}

#[async_trait]
impl Probe for AuthenticationRequired {
    fn info(&self) -> &ProbeInfo {
        Self::described()
    }

    async fn run(&self, cx: &ProbeContext) -> Result<Outcome, ProbeError> {
        if self.protected.is_empty() {
            return Ok(Outcome::not_applicable("no protected path is declared"));
        }
        let path = cx.target().path();
        judge_each(
            cx,
            self.protected
                .named()
                .map(|page| (page, page.path.as_deref().unwrap_or(path))),
            |mut key, path| {
                // The query of the target may be a key as well.
                path.clone_into(&mut key.path);
                key.credential(None)
            },
            |looked, _| judge(self, looked),
        )
        .await
    }
}

impl AuthenticationRequired {
    /// Says what is wrong with the settings.
    pub(crate) fn check(&self) -> Result<(), String> {
        let login = &self.login;
        let is_url = login.starts_with("https://") || login.starts_with("http://");
        let is_right = login.is_empty() || login.starts_with('/') || (is_url && Url::parse(login).is_ok());
        // Every path of the service begins with it, those that are open among them.
        let is_root = login.starts_with('/')
            && Url::parse("https://x/")
                .and_then(|own| own.join(login))
                .is_ok_and(|url| url.path() == "/");
        if is_root {
            return Err(format!(
                "`login` is `{}`, which every redirect within the service would satisfy; name the page to log in, \
                 such as `/login`",
                excerpt(login.as_bytes())
            ));
        }
        if !is_right {
            return Err(format!(
                "`login` is `{}`, expected a path such as `/login` or a URL such as `https://sso.example.com/`",
                excerpt(login.as_bytes())
            ));
        }
        self.protected
            .check()
            .map_err(|problem| problem.replace("`pages`", "`protected`"))
    }
}

fn judge(settings: &AuthenticationRequired, looked: Looked<'_>) -> Outcome {
    let Looked { key, page, exchange } = looked;
    let status = exchange.status;
    if is_challenge(exchange) {
        let summary = format!("a challenge page (HTTP {status}) stands before the path");
        return Outcome::unknown(Reason::UNEXPECTED_RESPONSE, summary);
    }
    let accepted = page.accept_status.contains(&status);
    match status {
        401 => of_challenge(exchange),
        403 => Outcome::pass("HTTP 403 without a credential"),
        _ if accepted => Outcome::pass(format!("HTTP {status} without a credential, as declared")),
        200..=299 => {
            let message = format!("expected 401 or 403 without a credential, and the answer is {status}");
            let finding = Finding::fail("open", message)
                .evidence("status", status.to_string())
                .remedy("check credentials before anything else on this path");
            Outcome::judged(format!("HTTP {status}: open without a credential"), vec![finding])
        }
        301 | 302 | 303 | 307 | 308 => of_redirect(settings, exchange, key),
        _ => {
            let summary = format!("HTTP {status} tells nothing about the protection");
            Outcome::unknown(Reason::UNEXPECTED_RESPONSE, summary)
        }
    }
}

fn of_redirect(settings: &AuthenticationRequired, exchange: &Exchange, key: &HttpExchange) -> Outcome {
    let status = exchange.status;
    let own = Place {
        tls: key.endpoint.tls,
        host: key.endpoint.name.clone(),
        port: key.endpoint.address.port(),
        path: key.path.clone(),
    };
    // The place is what people may see of a `Location`: values stay out.
    let shown = match trail::next(&own, exchange) {
        Next::To { place, .. } if is_log_in(settings, &own, &place) => {
            return Outcome::pass(format!("HTTP {status} to the log-in page without a credential"));
        }
        Next::To { place, .. } => place.to_string(),
        Next::Broken(_, problem) => format!("nowhere: {problem}"),
        Next::End => "nowhere".to_owned(),
    };
    let summary = format!(
        "HTTP {status} to `{}`, which may be anything",
        excerpt(shown.as_bytes())
    );
    Outcome::unknown(Reason::UNEXPECTED_RESPONSE, summary)
        .evidence("Location", shown)
        .evidence("setting", "`login` says where a redirect counts as protection")
}

/// Whether a place is the page to log in, or below it.
fn is_log_in(settings: &AuthenticationRequired, own: &Place, to: &Place) -> bool {
    let login = (!settings.login.is_empty())
        .then(|| trail::resolve(own, settings.login.as_bytes()).ok())
        .flatten();
    let Some(Next::To { place: login, .. }) = login else {
        return false;
    };
    let bare = |path: &str| path.split('?').next().unwrap_or_default().to_owned();
    let same_origin = |a: &Place, b: &Place| (a.tls, &*a.host, a.port) == (b.tls, &*b.host, b.port);
    let parent = bare(&login.path);
    // On its own origin the root holds everything, what is open too.
    let is_root = parent == "/" && same_origin(&login, own);
    same_origin(to, &login) && !is_root && is_below(&bare(&to.path), &parent)
}

/// Whether a path is this one or below it: `/login` holds `/login/sso` and not `/login-help`.
fn is_below(path: &str, parent: &str) -> bool {
    path.strip_prefix(parent)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with('/') || parent.ends_with('/'))
}

fn of_challenge(exchange: &Exchange) -> Outcome {
    const REMEDY: &str = "send a challenge such as `WWW-Authenticate: Bearer realm=\"api\"` with each 401";
    let Some(value) = exchange.joined("www-authenticate") else {
        let message = "expected `WWW-Authenticate` with a 401, and found none";
        let finding = Finding::fail("no_challenge", message).remedy(REMEDY);
        return Outcome::judged("HTTP 401, but no challenge", vec![finding]);
    };
    let challenges = match challenge::parse(&value) {
        Ok(challenges) => challenges,
        Err(problem) => {
            let message = format!("clients cannot read `WWW-Authenticate`: {problem}");
            let finding = Finding::fail("malformed_challenge", message)
                .evidence("WWW-Authenticate", shown(&value))
                .remedy(REMEDY);
            return Outcome::judged("HTTP 401 with a malformed challenge", vec![finding]);
        }
    };
    let findings: Vec<Finding> = challenges
        .iter()
        .flat_map(|challenge| of_scheme(challenge, exchange.channel))
        .collect();
    let schemes: Vec<&str> = challenges
        .iter()
        .map(|challenge| challenge.scheme.as_str())
        .collect();
    let summary = format!("HTTP 401, asks for {}", excerpt(schemes.join(", ").as_bytes()));
    Outcome::judged(summary, findings).evidence("WWW-Authenticate", shown(&value))
}

fn of_scheme(challenge: &Challenge, channel: Channel) -> Vec<Finding> {
    let mut findings = Vec::new();
    let scheme = challenge.scheme.as_str();
    if scheme == "basic" && !channel.is_secure() {
        let message = "`Basic` over plain http sends the password with each request for all to read";
        findings.push(Finding::fail("basic_over_http", message).remedy("offer it over https alone"));
    }
    // RFC 7617, section 2, and RFC 7616, section 3.3.
    if matches!(scheme, "basic" | "digest") && challenge.parameter("realm").is_none() {
        let message = format!("expected a `realm`, without which `{scheme}` is malformed");
        findings.push(Finding::warn("no_realm", message).remedy("add `realm=\"…\"`"));
    }
    if scheme == "digest" {
        if challenge.parameter("nonce").is_none() {
            let message = "expected a `nonce`, without which `digest` cannot be answered";
            findings.push(Finding::fail("no_nonce", message).remedy("add `nonce=\"…\"`"));
        }
        let algorithm = challenge.parameter("algorithm").unwrap_or("MD5");
        if algorithm.to_ascii_lowercase().starts_with("md5") {
            let message = "it rests on MD5";
            findings.push(Finding::warn("weak_digest", message).remedy("offer `algorithm=SHA-256`"));
        }
    }
    findings
        .into_iter()
        .map(|finding| finding.subject(format!("challenge `{scheme}`")))
        .collect()
}

#[cfg(test)]
mod tests;
