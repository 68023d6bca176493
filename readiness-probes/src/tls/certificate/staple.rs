//! The stapled OCSP response: whether one is owed, and what the one that came says.

use readiness_core::{Credit, Finding, Timestamp, fact::TlsSession};

use crate::tls::{
    der::{self, Reader},
    expiry::{SKEW_SECONDS, span},
    served::chain_at,
    x509::Certificate,
};

/// The most answers of one response that are read. One is usual.
const MOST_ANSWERS: usize = 16;

/// What there is to say of the staple. None is no fault, unless the certificate demands one.
///
/// The response's signature is not verified: a forged one would only harm whoever sends it.
pub(super) fn findings(leaf: &Certificate<'_>, session: &TlsSession, now: Timestamp) -> Vec<Finding> {
    let finding = match session.ocsp_staple.iter().next() {
        None if leaf.must_staple => Some(
            // nginx fetches the response when the first connection of a worker has come: of one connection
            // nobody can tell whether stapling is off or has just begun.
            Finding::warn(
                "must_staple",
                "demands a stapled OCSP response (must-staple), and none was sent on the one connection that was \
                 made: Firefox refuses it",
            )
            .remedy(
                "look again; if it stays, turn stapling on and let the server reach the authority's OCSP \
                 responder. nginx has none on the first connection of each worker: give it one with \
                 `ssl_stapling_file`, or get a certificate without must-staple",
            ),
        ),
        None => None,
        Some(der) => match Staple::read(der, leaf.serial) {
            Ok(staple) => staple.finding(leaf.must_staple, now),
            Err(problem) => Some(unusable(leaf.must_staple, &problem)),
        },
    };
    finding
        .map(|finding| finding.subject(chain_at(0)))
        .into_iter()
        .collect()
}

/// What a response says of one certificate.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
struct Staple {
    state: State,
    this_update: Timestamp,
    next_update: Option<Timestamp>,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum State {
    Good,
    Revoked { at: Timestamp },
    Unknown,
}

impl Staple {
    /// Reads a response (RFC 6960, section 4.2.1) and picks what it says of this serial number.
    fn read(der: &[u8], serial: &[u8]) -> Result<Self, String> {
        let broken = || "it cannot be read".to_owned();
        let mut response = Reader::new(der).inside(der::SEQUENCE).ok_or_else(broken)?;
        match response.content(der::ENUMERATED) {
            Some([0]) => {}
            Some([code]) => {
                let why = match code {
                    1 => "malformedRequest",
                    2 => "internalError",
                    3 => "tryLater",
                    5 => "sigRequired",
                    6 => "unauthorized",
                    _ => "unknown",
                };
                return Err(format!(
                    "it is the error `{why}` ({code}) of the authority's responder"
                ));
            }
            _ => return Err(broken()),
        }
        let answers = answers(&mut response).ok_or_else(broken)?;
        Self::pick(answers, serial)
    }

    fn pick(mut answers: Reader<'_>, serial: &[u8]) -> Result<Self, String> {
        for _ in 0..MOST_ANSWERS {
            let Some(answer) = answers.inside(der::SEQUENCE) else {
                break;
            };
            let (of, staple) = Self::answer(answer).ok_or("it cannot be read")?;
            if of == serial {
                return Ok(staple);
            }
        }
        Err("it is about another certificate".to_owned())
    }

    /// One answer, with the serial number it is about.
    fn answer(mut answer: Reader<'_>) -> Option<(&[u8], Self)> {
        let mut id = answer.inside(der::SEQUENCE)?;
        id.inside(der::SEQUENCE)?;
        id.content(der::OCTET_STRING)?;
        id.content(der::OCTET_STRING)?;
        let serial = id.content(der::INTEGER)?;
        let state = if answer.tagged(0).is_some() {
            State::Good
        } else if let Some(mut revoked) = answer.tagged(1) {
            State::Revoked {
                at: revoked.instant()?,
            }
        } else {
            answer.tagged(2)?;
            State::Unknown
        };
        let this_update = answer.instant()?;
        let next_update = match answer.tagged(0) {
            Some(mut inner) => Some(inner.instant()?),
            None => None,
        };
        let staple = Self {
            state,
            this_update,
            next_update,
        };
        Some((serial, staple))
    }

    fn finding(&self, is_owed: bool, now: Timestamp) -> Option<Finding> {
        const FETCH: &str = "see why the server does not fetch a new response from the authority's OCSP \
                             responder (DNS and the way out of its network are usual causes)";
        let Self {
            state,
            this_update,
            next_update,
        } = *self;
        match state {
            State::Revoked { at } => {
                return Some(
                    Finding::fail(
                        "revoked",
                        format!("was revoked on {}, says the stapled OCSP response", at.date()),
                    )
                    .evidence("revoked at", at.to_string())
                    .remedy(
                        "install another certificate with a new key, and ask who revoked this one and why",
                    ),
                );
            }
            State::Unknown => return Some(unusable(is_owed, "the authority does not know the certificate")),
            State::Good => {}
        }
        if this_update.seconds_since(now) > SKEW_SECONDS {
            return Some(unusable(is_owed, &format!("it is valid only from {this_update}")));
        }
        let next_update = next_update?;
        let (age, length) = (
            now.seconds_since(this_update),
            next_update.seconds_since(this_update),
        );
        let finding = if now > next_update {
            Finding::fail(
                "stale_staple",
                format!(
                    "comes with an OCSP response that ended {} ago ({next_update})",
                    span(now.seconds_since(next_update))
                ),
            )
        } else if age >= length - age {
            // Authorities may offer the next one as late as half of a short time and four days into a longer one
            // (baseline requirements, section 4.9.10): whoever staples may well not have it yet.
            let message = format!(
                "comes with an OCSP response of which {} of {} are over",
                span(age),
                span(length)
            );
            if age < length - age / 2 {
                return Some(Finding::note("aging_staple", message));
            }
            Finding::warn("aging_staple", format!("{message}, expected a new one by now"))
                .credit(Credit::saturating(900))
        } else {
            return None;
        };
        Some(
            finding
                .evidence("this update", this_update.to_string())
                .evidence("next update", next_update.to_string())
                .remedy(FETCH),
        )
    }
}

/// The answers of a successful response.
fn answers<'a>(response: &mut Reader<'a>) -> Option<Reader<'a>> {
    let mut bytes = response.tagged(0)?.inside(der::SEQUENCE)?;
    bytes.content(der::OBJECT_IDENTIFIER)?;
    let basic = bytes.content(der::OCTET_STRING)?;
    let mut data = Reader::new(basic).inside(der::SEQUENCE)?.inside(der::SEQUENCE)?;
    // The version is left out where it is 1, the only one there is.
    let _ = data.tagged(0);
    // The responder, by name or by key.
    data.tagged(1).or_else(|| data.tagged(2))?;
    data.instant()?;
    data.inside(der::SEQUENCE)
}

fn unusable(is_owed: bool, problem: &str) -> Finding {
    let message = format!("comes with an OCSP response that clients cannot use: {problem}");
    let finding = if is_owed {
        Finding::fail("unusable_staple", message)
    } else {
        Finding::warn("unusable_staple", message)
    };
    finding.remedy("see what the server staples (`ssl_stapling_file` in nginx), or turn stapling off")
}

#[cfg(test)]
mod tests;
