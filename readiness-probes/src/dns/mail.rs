use std::net::SocketAddr;

use async_trait::async_trait;
use readiness_core::{Described, Finding, Outcome, Probe, ProbeContext, ProbeError, ProbeInfo};
use serde::Deserialize;

use self::{
    answers::{Answers, Question},
    dmarc::Dmarc,
    exchanges::Exchanges,
    spf::Policy,
    tags::cut,
    transport::Transport,
};
use super::{own::summary, records::nameservers};

mod answers;
mod dkim;
mod dmarc;
mod exchanges;
mod spf;
mod tags;
#[cfg(test)]
mod tests;
mod transport;

/// The most selectors of DKIM.
const MOST_SELECTORS: usize = 16;

/// What mail a domain has.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq)]
#[non_exhaustive]
#[serde(rename_all = "snake_case")]
pub enum MailUse {
    /// It sends and receives.
    Both,
    /// It has none: neither is anything sent in its name nor received.
    None,
    /// It receives, and sends nothing.
    Receives,
    /// It sends, and receives nothing.
    Sends,
}

impl MailUse {
    fn receives(self) -> bool {
        matches!(self, Self::Both | Self::Receives)
    }

    fn sends(self) -> bool {
        matches!(self, Self::Both | Self::Sends)
    }
}

readiness_core::probe! {
    /// The mail of the domain arrives, and nobody can forge it.
    ///
    /// # What it checks
    /// The MX records of the domain and the addresses they lead to; its SPF record with all that it includes;
    /// its DMARC record, or that of the organisation above; the keys of the DKIM selectors in `dkim_selectors`;
    /// the TXT records of MTA-STS and TLS-RPT. Mail servers are not connected to, and the MTA-STS policy is
    /// not fetched.
    ///
    /// # Why it matters
    /// Mail of a domain whose SPF record is wrong or takes too many look-ups lands in spam or nowhere, and a
    /// domain without SPF and DMARC is used by others to send in its name, also one that has no mail at all.
    ///
    /// # How it is judged
    /// MX records must lead to names that have addresses and are no alias (RFC 5321, section 5.1); a null MX
    /// stands alone (RFC 7505). There must be one SPF record without a mistake, with at most ten look-ups,
    /// counted through all includes, and at most two that find nothing (RFC 7208, section 4.6.4); one that lets
    /// everybody send fails; `?all`, no `all` and `ptr` warn. What depends on the message (macros) is not
    /// expanded, and that is said. There must be one DMARC record with a valid policy; `p=none`, a share below
    /// 100 % and a weaker policy for what is below warn. Keys of DKIM must be there, not revoked, and have 1,024
    /// bits at least; fewer than 2,048 warn. A record of MTA-STS or TLS-RPT that is wrong warns.
    ///
    /// With `mail` the records must say the same: who receives has MX records, who does not a null MX; who sends
    /// nothing has `v=spf1 -all`. Without it the records are taken at their word, and a null MX with
    /// `v=spf1 -all` is as good as any.
    ///
    /// # How to fix
    /// Correct the records at the provider of the zone. A domain without mail needs three: the MX record `0 .`,
    /// and the TXT records `v=spf1 -all` at the domain and `v=DMARC1; p=reject` at `_dmarc`.
    pub struct DnsMail {
        /// The domain, as an absolute name: what stands behind the `@`. Default: the target's host.
        pub domain: Option<String> = None,
        /// What mail the domain has: `both`, `receives`, `sends` or `none`. Default: what its records say.
        pub mail: Option<MailUse> = None,
        /// The selectors whose DKIM keys must be there. Default: none.
        pub dkim_selectors: Vec<String> = Vec::new(),
        /// Whether there must be an MTA-STS record. Default: false.
        pub require_mta_sts: bool = false,
        /// Whether there must be a TLS-RPT record. Default: false.
        pub require_tls_rpt: bool = false,
        /// The nameservers to ask, in this order, as `192.0.2.53` or `192.0.2.53:5353`. Default: the machine's.
        #[serde(deserialize_with = "nameservers")]
        pub nameservers: Vec<SocketAddr> = Vec::new(),
    }
    id: "dns.mail",
    title: "the mail of the domain arrives and cannot be forged",
    priority: Info,
    references: [
        "RFC 5321 section 5.1" => "https://www.rfc-editor.org/rfc/rfc5321#section-5.1",
        "RFC 6376 section 3.6.1" => "https://www.rfc-editor.org/rfc/rfc6376#section-3.6.1",
        "RFC 7208 section 4.6.4" => "https://www.rfc-editor.org/rfc/rfc7208#section-4.6.4",
        "RFC 7489 section 6.3" => "https://www.rfc-editor.org/rfc/rfc7489#section-6.3",
        "RFC 7505 section 3" => "https://www.rfc-editor.org/rfc/rfc7505#section-3",
        "RFC 8301 section 3.2" => "https://www.rfc-editor.org/rfc/rfc8301#section-3.2",
        "RFC 8460 section 3" => "https://www.rfc-editor.org/rfc/rfc8460#section-3",
        "RFC 8461 section 3.1" => "https://www.rfc-editor.org/rfc/rfc8461#section-3.1",
    ],
}

impl DnsMail {
    /// What is wrong with these settings.
    ///
    /// # Errors
    /// In words, naming the setting.
    pub(crate) fn check(&self) -> Result<(), String> {
        if let Some(domain) = &self.domain
            && (domain.trim_end_matches('.').is_empty() || domain.contains('@'))
        {
            return Err(format!(
                "`domain` is `{}`, expected what stands behind the `@`, such as `example.com`",
                cut(domain)
            ));
        }
        if self.dkim_selectors.len() > MOST_SELECTORS {
            return Err(format!(
                "`dkim_selectors` holds {} selectors, expected at most {MOST_SELECTORS}",
                self.dkim_selectors.len()
            ));
        }
        for (i, selector) in self.dkim_selectors.iter().enumerate() {
            let is_part = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
            let fits = |label: &str| !label.is_empty() && label.chars().all(is_part);
            if !selector.split('.').all(fits) {
                return Err(format!(
                    "`dkim_selectors` holds `{}`, expected the name before `._domainkey`, such as `mail2026`",
                    cut(selector)
                ));
            }
            if self
                .dkim_selectors
                .iter()
                .take(i)
                .any(|known| known.eq_ignore_ascii_case(selector))
            {
                return Err(format!("`dkim_selectors` holds `{selector}` twice"));
            }
        }
        if self.require_mta_sts && self.mail.is_some_and(|mail| !mail.receives()) {
            return Err(
                "`require_mta_sts` is for a domain that receives mail, and `mail` says it does not".into(),
            );
        }
        Ok(())
    }

    fn requires(&self, transport: Transport) -> bool {
        match transport {
            Transport::MtaSts => self.require_mta_sts,
            Transport::TlsRpt => self.require_tls_rpt,
        }
    }
}

#[async_trait]
impl Probe for DnsMail {
    fn info(&self) -> &ProbeInfo {
        Self::described()
    }

    async fn run(&self, cx: &ProbeContext) -> Result<Outcome, ProbeError> {
        let host = cx.target().host();
        let domain = match &self.domain {
            Some(domain) => domain.trim_end_matches('.').to_ascii_lowercase(),
            None if cx.target().address().is_some() => {
                return Ok(Outcome::not_applicable(format!(
                    "`{host}` is an address, and no domain"
                )));
            }
            None => host.trim_end_matches('.').to_ascii_lowercase(),
        };
        let answers = Answers::gather(cx, self, |answers| wanted(self, &domain, answers)).await;
        Ok(judge(self, &domain, &answers))
    }
}

/// What must be asked, as far as the answers tell.
fn wanted(settings: &DnsMail, domain: &str, answers: &Answers) -> Vec<Question> {
    let mut all = exchanges::judge(domain, settings.mail, answers).wanted;
    all.extend(spf::judge(domain, answers).wanted);
    all.extend(dmarc::judge(domain, answers).wanted);
    all.extend(
        settings
            .dkim_selectors
            .iter()
            .map(|selector| dkim::wanted(domain, selector)),
    );
    all.extend(Transport::BOTH.map(|transport| transport.wanted(domain)));
    all
}

fn judge(settings: &DnsMail, domain: &str, answers: &Answers) -> Outcome {
    if let Some(lost) = answers.nothing() {
        let message = format!(
            "nothing about the mail of `{domain}` could be looked up: {}",
            lost.problem
        );
        return Outcome::unknown(lost.reason, message);
    }
    let exchanges = exchanges::judge(domain, settings.mail, answers);
    let mut policy = spf::judge(domain, answers);
    let dmarc = dmarc::judge(domain, answers);
    policy.findings.extend(of_use(settings, domain, &policy));
    let gist = gist(&exchanges, &policy, &dmarc);
    let mut evidence = vec![
        ("MX".to_owned(), exchanges.seen),
        (
            "SPF".to_owned(),
            policy.record.as_deref().map_or("none".to_owned(), cut),
        ),
        ("DMARC".to_owned(), dmarc.seen),
    ];
    let mut findings = exchanges.findings;
    findings.append(&mut policy.findings);
    findings.extend(dmarc.findings);
    for selector in &settings.dkim_selectors {
        let (faults, key) = dkim::judge(domain, selector, answers);
        findings.extend(faults);
        evidence.push((format!("DKIM `{selector}`"), key));
    }
    for transport in Transport::BOTH {
        let (fault, record) = transport.judge(domain, settings.requires(transport), answers);
        findings.extend(fault);
        evidence.push((transport.label().to_owned(), record));
    }
    let outcome = Outcome::judged(summary(&findings, gist), findings);
    evidence
        .into_iter()
        .fold(outcome, |outcome, (label, value)| outcome.evidence(label, value))
}

/// What `mail` demands of the SPF record.
fn of_use(settings: &DnsMail, domain: &str, policy: &Policy) -> Option<Finding> {
    let mail = settings.mail?;
    policy.record.as_ref()?;
    let finding = if mail.sends() && policy.is_closed {
        let message = format!("`{domain}` should send mail, and its SPF record allows nobody to");
        Finding::fail("spf_allows_nobody", message).remedy(format!(
            "name in the SPF record of `{domain}` who sends, or set `mail`"
        ))
    } else if !mail.sends() && !policy.is_closed {
        let message = format!("`{domain}` should send no mail, and its SPF record is not `v=spf1 -all`");
        Finding::fail("spf_allows_senders", message).remedy(format!(
            "set the SPF record of `{domain}` to `v=spf1 -all`, or set `mail`"
        ))
    } else {
        return None;
    };
    Some(finding.subject(format!("SPF of {domain}")))
}

fn gist(exchanges: &Exchanges, policy: &Policy, dmarc: &Dmarc) -> String {
    let spf = match policy.lookups {
        _ if policy.is_closed => "SPF for nobody".to_owned(),
        1 => "SPF with 1 look-up".to_owned(),
        lookups => format!("SPF with {lookups} look-ups"),
    };
    format!("{}, {spf}, {}", exchanges.gist, dmarc.gist)
}
