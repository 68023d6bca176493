use std::{borrow::Cow, fmt};

use serde::{Deserialize, Serialize};

/// Why something could not be judged, as a stable lower-case code such as `dns.nxdomain`.
///
/// The set is open: a probe of another crate has reasons of its own (begin them with the crate's
/// name), and a report written by a newer version still loads.
///
/// ```
/// use readiness_core::Reason;
/// assert_eq!(Reason::TIMEOUT.as_str(), "timeout");
/// assert_eq!(Reason::from("acme.queue_locked".to_owned()).as_str(), "acme.queue_locked");
/// ```
#[derive(Clone, Debug, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(transparent)]
pub struct Reason(Cow<'static, str>);

macro_rules! reasons {
    ($($(#[$doc:meta])* $name:ident = $code:literal;)*) => {
        impl Reason {
            $($(#[$doc])* pub const $name: Reason = Reason::new($code);)*

            /// Every reason this crate names.
            pub const KNOWN: &'static [Reason] = &[$(Reason::$name),*];
        }
    };
}

reasons! {
    /// An attestation is needed and none was given.
    ATTESTATION_MISSING = "attestation_missing";
    /// The attestation's end has passed.
    ATTESTATION_EXPIRED = "attestation_expired";
    /// The run was dropped, or ended, before the answer came.
    CANCELLED = "cancelled";
    /// A ticked box without evidence.
    CLAIM_ONLY = "claim_only";
    /// A credential is needed, and none is configured for this origin.
    MISSING_CREDENTIAL = "missing_credential";
    /// A credential is configured, and was withheld because the channel is not trusted.
    CREDENTIAL_WITHHELD = "credential_withheld";
    /// Observations wait for each other in a circle.
    CYCLE = "cycle";
    /// Something this one stands on could not be had; the cause says what.
    DEPENDENCY_FAILED = "dependency_failed";
    /// The response is a redirect, an error or a challenge page, not what was to be judged.
    UNEXPECTED_RESPONSE = "unexpected_response";
    /// A probe or a source failed in a way of its own.
    ERROR = "error";
    /// Nothing answered where an answer would have told closed from filtered.
    FILTERED = "filtered";
    /// This machine's own firewall does not let the question out.
    LOCAL_FIREWALL = "local_firewall";
    /// No local route to this address family.
    NO_ROUTE = "no_route";
    /// No source for this kind of observation is installed.
    NO_SOURCE = "no_source";
    /// The requirement has no probe.
    NOT_BOUND = "not_bound";
    /// The recording does not hold this observation.
    NOT_RECORDED = "not_recorded";
    /// A probe or a source panicked.
    PANIC = "panic";
    /// The result is older than its maximum age.
    STALE = "stale";
    /// No answer within the deadline.
    TIMEOUT = "timeout";
    /// What was measured is too little to tell with confidence.
    TOO_FEW_SAMPLES = "too_few_samples";

    /// The nameserver names others instead of answering.
    DNS_LAME = "dns.lame";
    /// The name exists, without a record of this type.
    DNS_NODATA = "dns.nodata";
    /// The name does not exist.
    DNS_NXDOMAIN = "dns.nxdomain";
    /// The nameserver refused to answer.
    DNS_REFUSED = "dns.refused";
    /// The nameserver failed.
    DNS_SERVFAIL = "dns.servfail";
    /// No nameserver answered.
    DNS_SILENT = "dns.silent";
    /// The peer broke the HTTP rules.
    HTTP_MALFORMED = "http.malformed";
    /// The peer sent more than the cap allows.
    HTTP_TOO_LARGE = "http.too_large";
    /// The connection ended in the middle of an exchange.
    HTTP_BROKEN = "http.broken";
    /// The service says that it does not know whether it is well.
    HTTP_HEALTH_UNKNOWN = "http.health_unknown";
    /// The peer does not change to TLS when asked.
    STARTTLS_DECLINED = "starttls.declined";
    /// Plain text came behind the answer that was to be the last before TLS.
    STARTTLS_INJECTED = "starttls.injected";
    /// The peer answers in a way that leads neither to TLS nor to a refusal of it.
    STARTTLS_UNEXPECTED = "starttls.unexpected";
    /// The connection was refused.
    TCP_REFUSED = "tcp.refused";
    /// The peer reset the connection.
    TCP_RESET = "tcp.reset";
    /// No answer to the connection attempt.
    TCP_SILENT = "tcp.silent";
    /// The network or the host cannot be reached.
    TCP_UNREACHABLE = "tcp.unreachable";
    /// The peer ended the handshake with an alert.
    TLS_ALERT = "tls.alert";
    /// The peer demands a client certificate.
    TLS_CLIENT_CERTIFICATE_REQUIRED = "tls.client_certificate_required";
    /// The peer closed the connection in the middle of the handshake.
    TLS_CLOSED = "tls.closed";
    /// There is no version or suite that both sides support.
    TLS_INCOMPATIBLE = "tls.incompatible";
    /// The peer's TLS messages are malformed.
    TLS_MALFORMED = "tls.malformed";
    /// A TLS handshake message is over the size limit.
    TLS_MESSAGE_TOO_LARGE = "tls.message_too_large";
    /// The peer speaks something else than TLS on this port.
    TLS_NOT_TLS = "tls.not_tls";
    /// The certificate is not trusted.
    TLS_UNTRUSTED = "tls.untrusted";
}

impl Reason {
    /// A reason known at compile time.
    pub const fn new(code: &'static str) -> Self {
        Self(Cow::Borrowed(code))
    }

    /// The code.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The code as words for people: `dns.nxdomain` → "the name does not exist".
    ///
    /// A reason of another crate is shown as its code.
    pub fn describe(&self) -> &str {
        match self.as_str() {
            "attestation_missing" => "no attestation was given",
            "attestation_expired" => "the attestation has expired",
            "cancelled" => "the run ended first",
            "claim_only" => "claimed without evidence",
            "missing_credential" => "a credential is missing",
            "credential_withheld" => "the credential was withheld, as the channel is not trusted",
            "cycle" => "the observations wait for each other",
            "dependency_failed" => "something it stands on failed",
            "unexpected_response" => "the response is not the one to judge",
            "error" => "an error",
            "filtered" => "nothing answered",
            "local_firewall" => "this machine's own firewall does not let it out",
            "no_route" => "no local route",
            "no_source" => "no source is installed",
            "not_bound" => "no probe is bound",
            "not_recorded" => "not in the recording",
            "panic" => "a panic",
            "stale" => "the result is too old",
            "timeout" => "no answer in time",
            "too_few_samples" => "too few samples to tell",
            "dns.nodata" => "the name has no such record",
            "dns.nxdomain" => "the name does not exist",
            "dns.refused" => "the nameserver refuses to answer",
            "dns.servfail" => "the nameserver failed",
            "dns.silent" => "no nameserver answered",
            "http.health_unknown" => "the service does not know whether it is well",
            "http.malformed" => "the peer breaks the HTTP rules",
            "http.too_large" => "the peer sent more than allowed",
            "http.broken" => "the connection ended in the middle",
            "starttls.declined" => "the peer does not change to TLS when asked",
            "starttls.injected" => "plain text was put in before the TLS handshake",
            "starttls.unexpected" => "the dialogue before TLS went another way",
            "tcp.refused" => "the connection was refused",
            "tcp.reset" => "the peer reset the connection",
            "tcp.silent" => "no answer to the connection attempt",
            "tcp.unreachable" => "the host cannot be reached",
            "tls.alert" => "the peer ended the handshake with an alert",
            "tls.client_certificate_required" => "the peer demands a client certificate",
            "tls.closed" => "the peer closed the connection in the handshake",
            "tls.incompatible" => "no TLS version or suite both sides support",
            "tls.malformed" => "the peer's TLS messages are malformed",
            "tls.message_too_large" => "a TLS message is over the size limit",
            "tls.not_tls" => "the peer does not speak TLS on this port",
            "tls.untrusted" => "the certificate is not trusted",
            other => other,
        }
    }
}

impl From<String> for Reason {
    fn from(code: String) -> Self {
        Self(Cow::Owned(code))
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
