use readiness_core::{
    Described, Finding, Outcome, Probe, ProbeContext, ProbeError, ProbeInfo, Reason, Timestamp, async_trait,
    fact::{ServerChain, StartTls, TlsEnd, TlsFacts},
};

use super::{
    files::{CertificateFileFacts, CertificateFiles, KeyFileFacts, KeyInFile},
    opening::each_handshake,
    refusal,
    x509::Certificate,
};

readiness_core::probe! {
    /// The certificate that is served is the one on disk, and the key on disk belongs to it.
    ///
    /// # What it checks
    /// The files of the server's certificate and key on this machine, and what is served on every address of
    /// the target. Of the key nothing but its public half is looked at, and it stands in no report or
    /// recording.
    ///
    /// # Why it matters
    /// Renewing a certificate changes a file; the server goes on with the old one until it is told to read it
    /// again, and one day it expires. A key that belongs to another certificate lies there unseen until the
    /// next restart, which it prevents.
    ///
    /// # How it is judged
    /// Another certificate than the file's fails, with the dates of both; so does a key that does not belong
    /// to the certificate, and a file that holds neither. Other intermediates than those of the file warn, and
    /// so does a key that everybody on the machine may read. A file that cannot be read and a key that is
    /// locked by a passphrase, or of a kind that is not known here, are unknown.
    ///
    /// # How to fix
    /// Let what renews the certificate tell the server to reload (`nginx -s reload`, `systemctl reload`), and
    /// look at both here afterwards.
    pub struct TlsServedMatchesFile {
        /// The file of the certificate and its chain on this machine, PEM or DER. A path that is not absolute
        /// is relative to the working folder.
        pub certificate_file: String = String::new(),
        /// The file of the private key, PEM or DER. Default: none, which leaves the key out.
        pub key_file: Option<String> = None,
        /// The dialogue before TLS, as in `tls.certificate`.
        pub starttls: Option<StartTls> = None,
    }
    id: "tls.served_matches_file",
    title: "the certificate on disk is the one served",
    priority: High,
    references: [
        "RFC 8446 section 4.4.2" => "https://www.rfc-editor.org/rfc/rfc8446#section-4.4.2",
        "RFC 5280 section 4.1" => "https://www.rfc-editor.org/rfc/rfc5280#section-4.1",
    ],
}

impl TlsServedMatchesFile {
    /// Whether the settings make sense.
    ///
    /// # Errors
    /// What is wrong, in words.
    pub fn check(&self) -> Result<(), String> {
        let is_empty = |path: &str| path.trim().is_empty();
        if is_empty(&self.certificate_file) {
            return Err(
                "`certificate_file` is not set; write the path of the server's certificate".to_owned(),
            );
        }
        if self.key_file.as_deref().is_some_and(is_empty) {
            return Err("`key_file` is empty; leave it out, or write a path".to_owned());
        }
        Ok(())
    }
}

#[async_trait]
impl Probe for TlsServedMatchesFile {
    fn info(&self) -> &ProbeInfo {
        Self::described()
    }

    async fn run(&self, cx: &ProbeContext) -> Result<Outcome, ProbeError> {
        let files = CertificateFiles::new(&*self.certificate_file).key(self.key_file.clone());
        let facts = cx.observe(files).await?;
        let own = of_files(&facts);
        let Some(file) = Chain::read(&facts.chain) else {
            return Ok(Outcome::judged("the file holds no certificate", own));
        };
        let now = cx.now();
        let served = each_handshake(cx, self.starttls.as_ref(), |facts, _| judge(facts, &file, now)).await?;
        if served.status.is_not_applicable() {
            // What is wrong with the files is so without a handshake too.
            let Some(first) = own.first() else {
                return Ok(served);
            };
            let summary = first.message.clone();
            return Ok(Outcome::judged(summary, own).evidence("served", served.summary));
        }
        let mut outcome = served.evidence("in the file", told(&file.leaf));
        if let (true, Some(first)) = (
            outcome.status.is_pass(),
            own.iter().find(|finding| !finding.is_note()),
        ) {
            outcome.summary.clone_from(&first.message);
        }
        Ok(own.into_iter().fold(outcome, Outcome::finding))
    }
}

/// The first certificate of a chain, and all of them.
struct Chain<'a> {
    leaf: Certificate<'a>,
    all: &'a ServerChain,
}

impl<'a> Chain<'a> {
    fn read(all: &'a ServerChain) -> Option<Self> {
        let leaf = Certificate::read(all.iter().next()?).ok()?;
        Some(Self { leaf, all })
    }
}

/// `2026-10-01 to 2026-12-30, SHA-256 0f3a…`
fn told(certificate: &Certificate<'_>) -> String {
    let (from, to) = (certificate.not_before.date(), certificate.not_after.date());
    format!("{from} to {to}, SHA-256 {}", certificate.fingerprint())
}

/// What the files say of themselves.
fn of_files(facts: &CertificateFileFacts) -> Vec<Finding> {
    let mut findings = Vec::new();
    let read: Vec<Option<Certificate<'_>>> = facts
        .chain
        .iter()
        .map(|der| Certificate::read(der).ok())
        .collect();
    let certificate = |message: String| {
        Finding::fail("no_certificate", message)
            .subject("certificate file")
            .remedy("write the server's certificate there, then its intermediates, as PEM")
    };
    if !facts.problem.is_empty() {
        findings.push(certificate(facts.problem.clone()));
    } else if !matches!(read.first(), Some(Some(_))) {
        findings.push(certificate("its first certificate cannot be read".to_owned()));
    }
    if let Some(key) = &facts.key {
        findings.extend(of_key(key, &read));
        findings.extend(of_mode(key));
    }
    findings
}

fn of_key(facts: &KeyFileFacts, read: &[Option<Certificate<'_>>]) -> Option<Finding> {
    const COMPARE: &str = "compare both by hand with `openssl pkey -pubout` and `openssl x509 -pubkey`";
    let finding = match &facts.key {
        KeyInFile::Encrypted => Finding::unknown(
            "key_locked",
            Reason::ERROR,
            "the key is locked by a passphrase: whether it belongs to the certificate cannot be told",
        )
        .remedy(COMPARE),
        KeyInFile::Unreadable { problem } => {
            let message = format!("{problem}: whether it belongs to the certificate cannot be told");
            Finding::unknown("key_unreadable", Reason::ERROR, message).remedy(COMPARE)
        }
        KeyInFile::Unusable { problem } => Finding::fail("no_key", problem.clone())
            .remedy("write the private key of the certificate there, as PEM"),
        KeyInFile::PublicSha256(public) => {
            let of_leaf = read.first()?.as_ref()?.key_sha256();
            if of_leaf == *public {
                return None;
            }
            let belongs_to =
                |one: &Option<Certificate<'_>>| one.as_ref().is_some_and(|one| one.key_sha256() == *public);
            let (message, remedy) = match read.iter().position(belongs_to) {
                Some(position) => (
                    format!(
                        "it belongs to certificate {} of the file, expected the first",
                        position + 1
                    ),
                    "put the server's certificate first in its file, then the one that issued it",
                ),
                None => (
                    "it belongs to another certificate than the file's".to_owned(),
                    "put the key there that the certificate was issued for, or issue one for this key, before \
                     the server restarts: it would not start with these two",
                ),
            };
            Finding::fail("key_mismatch", message)
                .evidence("public key of the certificate", format!("SHA-256 {of_leaf}"))
                .evidence("public key of the key file", format!("SHA-256 {public}"))
                .remedy(remedy)
        }
    };
    Some(finding.subject("key file"))
}

fn of_mode(facts: &KeyFileFacts) -> Option<Finding> {
    let mode = facts.mode.filter(|mode| mode & 0o007 != 0)?;
    let may = match mode & 0o006 {
        0o002 => "write",
        0o006 => "read and write",
        0o000 => return None,
        _ => "read",
    };
    Some(
        Finding::warn(
            "key_open_to_all",
            format!("everybody on the machine may {may} it (mode {mode:04o}), expected its owner alone"),
        )
        .subject("key file")
        .remedy(
            "`chmod 600` it, or 640 with the server's own group; if others had accounts, replace the key",
        ),
    )
}

/// Compares what one address serves with the file.
fn judge(facts: &TlsFacts, file: &Chain<'_>, now: Timestamp) -> Outcome {
    let chain = match &facts.end {
        TlsEnd::Established(session) => &session.chain,
        // Some servers show their certificate and then demand ours.
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
    let Some(served) = Chain::read(chain) else {
        let finding = Finding::fail(
            "no_certificate_served",
            "the server shows no certificate that can be read",
        )
        .remedy("see which certificate the server is set up with");
        return Outcome::judged("no certificate is served", vec![finding]);
    };
    let finding = if served.leaf.fingerprint() == file.leaf.fingerprint() {
        let until = file.leaf.not_after.date();
        match of_intermediates(&served, file) {
            None => return Outcome::pass(format!("the file's certificate is served, until {until}")),
            Some(finding) => finding,
        }
    } else {
        of_other(&served.leaf, &file.leaf, now)
    };
    let summary = finding
        .message
        .split([',', ';'])
        .next()
        .unwrap_or_default()
        .to_owned();
    Outcome::judged(summary, vec![finding]).evidence("served", told(&served.leaf))
}

fn of_other(served: &Certificate<'_>, file: &Certificate<'_>, now: Timestamp) -> Finding {
    let (old, new) = (&served.not_before, &file.not_before);
    let dates = format!(
        "issued {}, the file has one issued {}",
        served.not_before.date(),
        file.not_before.date()
    );
    let end = |one: &Certificate<'_>| {
        let word = if one.not_after < now { "expired" } else { "until" };
        format!("{word} {}", one.not_after.date())
    };
    let ends = format!("({}; the file's {})", end(served), end(file));
    match old.cmp(new) {
        std::cmp::Ordering::Less => Finding::fail(
            "not_reloaded",
            format!(
                "the certificate was renewed on disk and is not served: the server shows one {dates} {ends}"
            ),
        )
        .remedy("reload the server, and let what renews the certificate do so from now on"),
        std::cmp::Ordering::Greater => Finding::fail(
            "file_is_older",
            format!("the file is older than what is served: the server shows a certificate {dates} {ends}"),
        )
        .remedy(
            "see where the server has its certificate from; with this file it would go back at a restart",
        ),
        std::cmp::Ordering::Equal => Finding::fail(
            "other_certificate",
            format!("another certificate than the file's is served: the server shows one {dates} {ends}"),
        )
        .remedy("see whether the server reads this file, and whether something before it ends TLS"),
    }
}

/// A file of one certificate leaves the chain to another file.
fn of_intermediates(served: &Chain<'_>, file: &Chain<'_>) -> Option<Finding> {
    if file.all.len() < 2 || served.all.iter().eq(file.all.iter()) {
        return None;
    }
    let (found, expected) = (served.all.len(), file.all.len());
    let message = if found == expected {
        "other intermediates than the file's are served, expected the same".to_owned()
    } else {
        let are = if found == 1 {
            "certificate is"
        } else {
            "certificates are"
        };
        format!("{found} {are} served, expected the {expected} of the file")
    };
    Some(
        Finding::warn("other_chain", message)
            .remedy("reload the server, and see whether it reads the whole chain from this file"),
    )
}

#[cfg(test)]
mod tests;
