//! The certificates of one handshake, each read once, as the probes judge them.

use readiness_core::{
    Finding,
    fact::{Anchor, ServerChain, TlsEnd, TlsFacts, TlsSession, Trust},
};

use super::{chain::Chain, x509::Certificate};

/// The most certificates of a chain that are read. A handful is usual.
pub(super) const MOST_CERTIFICATES: usize = 32;

/// The most certificates of a path that are judged. Clients follow no longer one.
pub(super) const MOST_DEPTH: usize = 12;

/// What a server sent, read and arranged.
#[derive(Debug)]
pub(super) struct Served<'a> {
    /// Each as DER, [`MOST_CERTIFICATES`] at most.
    pub(super) ders: Vec<&'a [u8]>,
    /// Each as it was read; `None` for one that cannot be.
    pub(super) read: Vec<Option<Certificate<'a>>>,
    /// Which cannot be read, and why.
    problems: Vec<(usize, String)>,
    pub(super) chain: Chain,
    /// How many were sent.
    pub(super) count: usize,
    /// What was agreed upon, where a handshake came about; what was seen of it, where the peer refused us.
    pub(super) session: Option<&'a TlsSession>,
}

impl<'a> Served<'a> {
    /// Reads what a handshake showed; `None` where it ended in a way this version does not know.
    pub(super) fn of(facts: &'a TlsFacts) -> Option<Self> {
        match &facts.end {
            TlsEnd::Established(session) => Some(Self::read(&session.chain, Some(session))),
            TlsEnd::Refused { chain, .. } => Some(Self::read(chain, facts.seen.as_deref())),
            _ => None,
        }
    }

    fn read(chain: &'a ServerChain, session: Option<&'a TlsSession>) -> Self {
        let ders: Vec<&[u8]> = chain.iter().take(MOST_CERTIFICATES).collect();
        let mut problems = Vec::new();
        let mut read = Vec::with_capacity(ders.len());
        for (position, der) in ders.iter().enumerate() {
            read.push(match Certificate::read(der) {
                Ok(certificate) => Some(certificate),
                Err(problem) => {
                    problems.push((position, problem));
                    None
                }
            });
        }
        let anchor = session.and_then(|session| session.anchor.as_ref());
        Self {
            chain: Chain::arrange(&ders, &read, anchor),
            ders,
            read,
            problems,
            count: chain.len(),
            session,
        }
    }

    /// The certificate at a position, if it can be read.
    pub(super) fn at(&self, position: usize) -> Option<&Certificate<'a>> {
        self.read.get(position)?.as_ref()
    }

    /// The server's own certificate.
    pub(super) fn leaf(&self) -> Option<&Certificate<'a>> {
        self.at(0)
    }

    /// The server's own certificate as DER.
    pub(super) fn leaf_der(&self) -> Option<&'a [u8]> {
        self.ders.first().copied()
    }

    /// From the server's certificate up to the root, which is left out: clients have their own. At most
    /// [`MOST_DEPTH`] of them.
    pub(super) fn path(&self) -> impl Iterator<Item = (usize, &Certificate<'a>)> {
        let root = self.chain.root(&self.read);
        let positions = self.chain.path.iter().copied();
        positions.take(MOST_DEPTH).filter_map(move |position| {
            let certificate = self.at(position)?;
            (Some(position) != root).then_some((position, certificate))
        })
    }

    pub(super) fn anchor(&self) -> Option<&'a Anchor> {
        self.session?.anchor.as_ref()
    }

    pub(super) fn is_trusted(&self) -> bool {
        self.session
            .is_some_and(|session| session.trust == Trust::Trusted)
    }

    /// A finding for each certificate that cannot be read.
    pub(super) fn malformed(&self) -> impl Iterator<Item = Finding> {
        self.problems.iter().map(|(position, problem)| {
            let message = format!("cannot be read: {problem}");
            let finding = if *position == 0 {
                Finding::fail("malformed", message)
            } else {
                Finding::warn("malformed", message)
            };
            let size = self.ders.get(*position).map_or(0, |der| der.len());
            finding
                .subject(chain_at(*position))
                .evidence("size", format!("{size} bytes"))
                .remedy("see what the server's file of the chain holds at this position")
        })
    }
}

/// What a finding about one certificate names as its subject.
pub(super) fn chain_at(position: usize) -> String {
    format!("chain[{position}]")
}

/// One line of what is worst: its first clause says what was found, the rest stands in the finding.
pub(super) fn summary_of(worst: &Finding) -> String {
    let clause = worst.message.split([',', ';']).next().unwrap_or_default();
    match worst.subject.as_str() {
        "chain[0]" if worst.message.starts_with("the ") => clause.to_owned(),
        "chain[0]" => format!("the certificate {clause}"),
        "" => clause.to_owned(),
        other => format!("{other} {clause}"),
    }
}
