use std::net::SocketAddr;

use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use futures_util::future::join_all;
use readiness_core::{
    Described, Finding, ObserveError, Outcome, Probe, ProbeContext, ProbeError, ProbeInfo, Reason, Timestamp,
    async_trait,
    fact::{StartTls, TlsEnd, TlsFacts},
};
use serde::Deserialize;
use url::Url;

use super::{opening::Opening, refusal, x509::Certificate};
use crate::{
    address,
    live::api::{ApiAnswer, ApiCall},
};

readiness_core::probe! {
    /// The authority does not ask for the certificate to be renewed by now.
    ///
    /// # What it checks
    /// The renewal information that an ACME authority gives of the served certificate (RFC 9773): the window
    /// in which it suggests to renew. The authority is asked once for each certificate, by its key identifier
    /// and serial number, which are public.
    ///
    /// # Why it matters
    /// An authority that has to revoke certificates moves their windows first. Who asks can renew before
    /// clients refuse the certificate; who renews by a fixed number of days finds out from its users.
    ///
    /// # How it is judged
    /// Before the window it passes; within it a renewal is due, and told: clients choose a moment in it at
    /// random. Past its end it fails: replace the certificate now, it may be revoked soon. An authority that
    /// does not know the certificate, or cannot be asked, is unknown.
    ///
    /// # How to fix
    /// Renew the certificate, with an ACME client that asks for renewal information itself. See the
    /// explanation that the authority links to.
    pub struct TlsRenewalWindow {
        /// The URL of the authority's ACME directory, such as
        /// `https://acme-v02.api.letsencrypt.org/directory`.
        pub directory_url: Option<String> = None,
        /// The URL of its renewal information, instead of the directory's.
        pub renewal_info_url: Option<String> = None,
        /// The dialogue before TLS, as in `tls.certificate`.
        pub starttls: Option<StartTls> = None,
    }
    id: "tls.renewal_window",
    title: "the authority asks for no renewal",
    priority: Medium,
    timeout_seconds: 30,
    references: [
        "RFC 9773 section 4: ACME renewal information" => "https://www.rfc-editor.org/rfc/rfc9773#section-4",
    ],
}

impl TlsRenewalWindow {
    /// Whether the settings make sense.
    ///
    /// # Errors
    /// What is wrong, in words.
    pub fn check(&self) -> Result<(), String> {
        let (name, text) = match (&self.directory_url, &self.renewal_info_url) {
            (Some(url), None) => ("directory_url", url),
            (None, Some(url)) => ("renewal_info_url", url),
            (None, None) => {
                return Err(
                    "neither `directory_url` nor `renewal_info_url` is set; write the authority's ACME directory, \
                     such as `https://acme-v02.api.letsencrypt.org/directory`"
                        .to_owned(),
                );
            }
            (Some(_), Some(_)) => {
                return Err(
                    "`directory_url` and `renewal_info_url` are both set, expected one of them".to_owned(),
                );
            }
        };
        let problem = match Url::parse(text) {
            Err(e) => e.to_string(),
            Ok(url) if !matches!(url.scheme(), "http" | "https") => "it is neither https nor http".to_owned(),
            Ok(url) if !url.username().is_empty() || url.password().is_some() => {
                "it holds a login".to_owned()
            }
            Ok(url) if url.query().is_some() || url.fragment().is_some() => {
                "it has a query or a fragment".to_owned()
            }
            Ok(_) => return Ok(()),
        };
        Err(format!("`{name}` is no URL that can be asked: {problem}"))
    }

    /// The handshake's certificate, then the authority.
    async fn look(&self, cx: &ProbeContext, facts: &TlsFacts) -> Outcome {
        let chain = match &facts.end {
            TlsEnd::Established(session) => &session.chain,
            TlsEnd::Refused { chain, .. } if !chain.is_empty() => chain,
            TlsEnd::Refused { reason, message, .. } => {
                let summary = format!("no handshake: {}", reason.describe());
                return Outcome::judged(summary, vec![refusal::finding(reason, message)]);
            }
            _ => {
                return Outcome::unknown(
                    Reason::ERROR,
                    "the handshake ended in a way this version does not know",
                );
            }
        };
        let Some(id) = chain.iter().next().and_then(certificate_id) else {
            let summary = "the certificate has no authority key identifier: no authority can be asked for it";
            return Outcome::unknown(Reason::UNEXPECTED_RESPONSE, summary);
        };
        let base = match self.base(cx).await {
            Ok(base) => base,
            Err(outcome) => return *outcome,
        };
        let url = format!("{}/{id}", base.as_str().trim_end_matches('/'));
        let outcome = match cx.observe(ApiCall::get(url)).await {
            Ok(answer) => judge(&answer, cx.now()),
            Err(error) => address::not_seen(&error),
        };
        outcome.evidence("certificate", id)
    }

    /// Where renewal information is asked for.
    async fn base(&self, cx: &ProbeContext) -> Result<Url, Box<Outcome>> {
        let unreadable = |e: &dyn std::fmt::Display| Box::new(not_told(&format!("no URL: {e}")));
        if let Some(url) = &self.renewal_info_url {
            return Url::parse(url).map_err(|e| unreadable(&e));
        }
        let directory = self.directory_url.as_deref().unwrap_or_default();
        let answer = cx.observe(ApiCall::get(directory)).await;
        let answer = answer.map_err(|e: ObserveError| Box::new(address::not_seen(&e)))?;
        let is_plain = directory.starts_with("http:");
        in_directory(&answer, is_plain).map_err(|said| Box::new(not_told(&said)))
    }
}

#[async_trait]
impl Probe for TlsRenewalWindow {
    fn info(&self) -> &ProbeInfo {
        Self::described()
    }

    async fn run(&self, cx: &ProbeContext) -> Result<Outcome, ProbeError> {
        let target = cx.target();
        let opening = match Opening::of(target, self.starttls.as_ref()) {
            Ok(opening) => opening,
            Err(because) => return Ok(Outcome::not_applicable(because)),
        };
        let endpoints = address::endpoints(cx, target.port(), opening.at_once()).await?;
        let looks = endpoints.into_iter().map(|endpoint| {
            let opening = &opening;
            async move {
                let address: SocketAddr = endpoint.address;
                let outcome = match cx.observe(opening.handshake(endpoint)).await {
                    Ok(facts) => self.look(cx, &facts).await,
                    Err(error) => address::not_seen(&error),
                };
                (address, outcome)
            }
        });
        let outcome = address::worst_of(join_all(looks).await);
        Ok(address::noted(cx, outcome).await)
    }
}

/// What an authority calls a certificate (RFC 9773, section 4.1): the key identifier of its authority and its
/// serial number, each as the bytes of the DER.
fn certificate_id(der: &[u8]) -> Option<String> {
    let certificate = Certificate::read(der).ok()?;
    let (key, serial) = (certificate.authority_key_id?, certificate.serial);
    // A sane serial number has at most 20 bytes (RFC 5280, section 4.1.2.2), a key identifier about as many.
    let key = key.get(..key.len().min(64))?;
    let serial = serial.get(..serial.len().min(64))?;
    Some(id_of(key, serial))
}

fn id_of(key: &[u8], serial: &[u8]) -> String {
    let text = |bytes: &[u8]| BASE64_URL_SAFE_NO_PAD.encode(bytes);
    format!("{}.{}", text(key), text(serial))
}

/// The part of a directory that matters here (RFC 9773, section 4.1).
#[derive(Deserialize)]
struct Directory {
    #[serde(rename = "renewalInfo")]
    renewal_info: Option<String>,
}

fn in_directory(answer: &ApiAnswer, is_plain: bool) -> Result<Url, String> {
    if answer.status != 200 {
        return Err(format!(
            "the directory answers HTTP {}, expected 200",
            answer.status
        ));
    }
    let directory: Directory = serde_json::from_slice(answer.body.as_bytes())
        .map_err(|e| format!("the directory is not the JSON of an ACME directory: {e}"))?;
    let url = directory
        .renewal_info
        .ok_or("the directory has no `renewalInfo`: the authority gives no renewal information")?;
    match Url::parse(&url) {
        Ok(url) if url.scheme() == "https" || (is_plain && url.scheme() == "http") => Ok(url),
        _ => Err("the directory's `renewalInfo` is no https URL".to_owned()),
    }
}

/// What the authority says of a certificate (RFC 9773, section 4.2).
#[derive(Deserialize)]
struct RenewalInfo {
    #[serde(rename = "suggestedWindow")]
    window: Window,
    #[serde(rename = "explanationURL")]
    explanation: Option<String>,
}

#[derive(Deserialize)]
struct Window {
    start: String,
    end: String,
}

fn not_told(said: &str) -> Outcome {
    let finding = Finding::unknown("not_told", Reason::UNEXPECTED_RESPONSE, said.to_owned())
        .remedy("see whether the URL is the authority's that issued the certificate, and ask it by hand");
    Outcome::judged("the authority tells no window", vec![finding])
}

fn judge(answer: &ApiAnswer, now: Timestamp) -> Outcome {
    let outcome = of_answer(answer, now);
    match retry_after(&answer.retry_after) {
        Some(retry) => outcome.evidence("ask again after", retry),
        None => outcome,
    }
}

fn retry_after(text: &str) -> Option<String> {
    let is_number = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    match text {
        "" => None,
        seconds if is_number => Some(format!("{seconds} s")),
        date => Some(date.chars().take(60).collect()),
    }
}

fn of_answer(answer: &ApiAnswer, now: Timestamp) -> Outcome {
    match answer.status {
        200 if answer.body_complete => {}
        200 => return not_told("the answer was not read to its end"),
        404 => return not_told("the authority does not know the certificate (HTTP 404)"),
        429 => return not_told("the authority takes no more questions for now (HTTP 429)"),
        status => return not_told(&format!("the authority answers HTTP {status}, expected 200")),
    }
    let info: RenewalInfo = match serde_json::from_slice(answer.body.as_bytes()) {
        Ok(info) => info,
        Err(e) => return not_told(&format!("the answer is no renewal information: {e}")),
    };
    let instant = |text: &str| text.parse::<Timestamp>().ok();
    let (Some(start), Some(end)) = (instant(&info.window.start), instant(&info.window.end)) else {
        return not_told("the window's ends are no dates of RFC 3339");
    };
    if end < start {
        return not_told("the window ends before it begins");
    }
    let (from, to) = (start.date(), end.date());
    let outcome = if now < start {
        Outcome::pass(format!("renewal is suggested from {from} to {to}"))
    } else if now < end {
        let message = format!("the authority suggests to renew between {from} and {to}: renew it now");
        Outcome::judged(
            format!("renewal is due: {from} to {to}"),
            vec![Finding::note("renewal_due", message)],
        )
    } else {
        let message = format!(
            "the authority's window for its renewal ended on {to}, expected a renewal before: replace it now, it \
             may be revoked soon"
        );
        let finding = Finding::fail("renewal_overdue", message).remedy(
            "renew the certificate now, and see the authority's explanation; let the ACME client ask for renewal \
             information",
        );
        Outcome::judged(format!("replace it now: the window ended on {to}"), vec![finding])
    };
    let outcome = outcome.evidence("suggested window", format!("{start} to {end}"));
    match info.explanation.as_deref().and_then(explanation) {
        Some(url) => outcome.evidence("explanation", url),
        None => outcome,
    }
}

/// A link for people: what is no web page is left out.
fn explanation(text: &str) -> Option<String> {
    const MOST_BYTES: usize = 300;
    let url = Url::parse(text).ok()?;
    (matches!(url.scheme(), "http" | "https") && url.as_str().len() <= MOST_BYTES).then(|| url.into())
}

#[cfg(test)]
mod tests;
