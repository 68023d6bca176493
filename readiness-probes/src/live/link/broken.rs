use std::{error::Error, io};

use readiness_core::Reason;
use rustls::AlertDescription;

use super::{
    receive::{MOST_HEADER_BYTES, MOST_HEADERS},
    tls,
};

/// Why an exchange, or the connection under it, broke.
#[derive(Clone)]
pub(super) struct Broken {
    pub(super) reason: Reason,
    /// The same in words, which follow on "… did not answer: ".
    pub(super) said: String,
}

impl Broken {
    pub(super) fn too_large() -> Self {
        Self {
            reason: Reason::HTTP_TOO_LARGE,
            said: format!(
                "the head of its response is over {MOST_HEADER_BYTES} bytes or {MOST_HEADERS} lines"
            ),
        }
    }

    pub(super) fn of(e: &hyper::Error) -> Self {
        let new = |reason, said: &str| Self {
            reason,
            said: said.to_owned(),
        };
        // A request that waited when the connection broke was only cancelled: what broke it is underneath.
        let e = e
            .source()
            .and_then(|source| source.downcast_ref::<hyper::Error>())
            .unwrap_or(e);
        // hyper says it in a method for servers only, and in words for everybody.
        if e.is_parse() && e.to_string().contains("too large") {
            return Self::too_large();
        }
        if e.is_parse() {
            return new(
                Reason::HTTP_MALFORMED,
                &format!("it breaks the rules of HTTP ({e})"),
            );
        }
        if e.to_string().contains("unexpected message") {
            return new(Reason::HTTP_MALFORMED, "it sent something nobody had asked for");
        }
        if let Some(alert) = alert(e) {
            return match alert {
                AlertDescription::CertificateRequired => new(
                    Reason::TLS_CLIENT_CERTIFICATE_REQUIRED,
                    "it demands a client certificate",
                ),
                _ => {
                    let said = format!("it ended the session with the alert `{}`", tls::alert_name(alert));
                    new(Reason::TLS_ALERT, &said)
                }
            };
        }
        // What h2 means has no type here that could be asked.
        let said = e.source().map(ToString::to_string).unwrap_or_default();
        if ["protocol error", "frame with invalid size", "unable to maintain"]
            .iter()
            .any(|text| said.contains(text))
        {
            return new(Reason::HTTP_MALFORMED, "it breaks the rules of HTTP/2");
        }
        new(Reason::HTTP_BROKEN, "it closed the connection")
    }
}

/// The TLS alert behind an error, if there is one.
fn alert(e: &hyper::Error) -> Option<AlertDescription> {
    let mut next: Option<&(dyn Error + 'static)> = e.source();
    while let Some(e) = next {
        if let Some(rustls::Error::AlertReceived(alert)) =
            e.downcast_ref::<io::Error>().and_then(tls::tls_error)
        {
            return Some(*alert);
        }
        next = e.source();
    }
    None
}
