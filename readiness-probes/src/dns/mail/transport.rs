//! Whether mail comes encrypted: MTA-STS (RFC 8461) and the reports about it (RFC 8460).

use readiness_core::{Finding, fact::RecordType};

use super::{
    answers::{Answers, Question},
    tags::{Tags, cut, has_version},
};

/// One of the two records.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Transport {
    MtaSts,
    TlsRpt,
}

impl Transport {
    pub(super) const BOTH: [Self; 2] = [Self::MtaSts, Self::TlsRpt];

    pub(super) fn label(self) -> &'static str {
        match self {
            Self::MtaSts => "MTA-STS",
            Self::TlsRpt => "TLS-RPT",
        }
    }

    fn version(self) -> &'static str {
        match self {
            Self::MtaSts => "STSv1",
            Self::TlsRpt => "TLSRPTv1",
        }
    }

    fn code(self, what: &str) -> String {
        let id = match self {
            Self::MtaSts => "mta_sts",
            Self::TlsRpt => "tls_rpt",
        };
        format!("{id}_{what}")
    }

    fn place(self, domain: &str) -> String {
        match self {
            Self::MtaSts => format!("_mta-sts.{domain}"),
            Self::TlsRpt => format!("_smtp._tls.{domain}"),
        }
    }

    /// What must be asked.
    pub(super) fn wanted(self, domain: &str) -> Question {
        (self.place(domain), RecordType::Txt)
    }

    /// Judges the record: a fault, and what there is for people.
    pub(super) fn judge(
        self,
        domain: &str,
        is_required: bool,
        answers: &Answers,
    ) -> (Option<Finding>, String) {
        let (place, label) = (self.place(domain), self.label());
        let texts = match answers.texts(&place) {
            Ok(texts) => texts,
            Err(lost) => {
                let message = format!(
                    "the TXT records of `{place}` could not be looked up: {}",
                    lost.problem
                );
                let finding = if is_required {
                    Finding::unknown(self.code("not_looked_up"), lost.reason, message)
                        .remedy("look at the nameserver, or name another one in `nameservers`")
                } else {
                    Finding::note(self.code("not_looked_up"), message)
                };
                return (Some(finding.subject(label)), lost.problem);
            }
        };
        let records: Vec<&str> = texts
            .into_iter()
            .filter(|text| has_version(text, self.version()))
            .collect();
        let correct = format!("correct the TXT record of `{place}`, as in `{}`", self.example());
        match records.as_slice() {
            [] if is_required => {
                let message = format!("`{domain}` should have {label}, and `{place}` has no such record");
                let finding = Finding::fail(self.code("missing"), message)
                    .remedy(format!("add a TXT record to `{place}`, as `{}`", self.example()));
                (Some(finding.subject(label)), "none".to_owned())
            }
            [] => (None, "none".to_owned()),
            [text] => match self.read(text) {
                Ok(()) => (None, cut(text)),
                Err(problem) => {
                    let message = format!("the {label} record of `{domain}` is wrong: {problem}");
                    let finding = Finding::warn(self.code("invalid"), message).remedy(correct);
                    (Some(finding.subject(label)), cut(text))
                }
            },
            several => {
                let message = format!(
                    "`{place}` has {} {label} records, expected one: senders ignore them all",
                    several.len()
                );
                let finding = Finding::warn(self.code("several"), message)
                    .remedy(format!("delete all TXT records of `{place}` but one"));
                (Some(finding.subject(label)), "several".to_owned())
            }
        }
    }

    fn example(self) -> &'static str {
        match self {
            Self::MtaSts => "v=STSv1; id=20261120",
            Self::TlsRpt => "v=TLSRPTv1; rua=mailto:tls@example.com",
        }
    }

    fn read(self, text: &str) -> Result<(), String> {
        let tags = Tags::parse(text)?;
        match self {
            Self::MtaSts => {
                let id = tags.get("id").ok_or("it has no `id`")?;
                let fits = (1..=32).contains(&id.len()) && id.bytes().all(|b| b.is_ascii_alphanumeric());
                fits.then_some(())
                    .ok_or_else(|| format!("its `id` is `{}`, expected 1 to 32 letters and digits", cut(id)))
            }
            Self::TlsRpt => {
                let addresses = tags.get("rua").ok_or("it has no `rua`")?;
                let is_address = |address: &str| {
                    let (scheme, rest) = address.trim().split_once(':').unwrap_or_default();
                    let knows = scheme.eq_ignore_ascii_case("mailto") && rest.contains('@')
                        || scheme.eq_ignore_ascii_case("https") && rest.starts_with("//");
                    knows && rest.len() > 2
                };
                match addresses.split(',').find(|address| !is_address(address)) {
                    None => Ok(()),
                    Some(wrong) => Err(format!(
                        "`{}` is no address for reports, expected `mailto:` or `https:`",
                        cut(wrong)
                    )),
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_record_has_its_grammar() {
        use Transport::{MtaSts, TlsRpt};
        let (longest, longer) = ("a".repeat(32), "a".repeat(33));
        for (kind, text, wanted) in [
            (MtaSts, "v=STSv1; id=1;", None),
            (MtaSts, &*format!("v=STSv1; id={longest}"), None),
            (MtaSts, &*format!("v=STSv1; id={longer}"), Some("1 to 32")),
            (MtaSts, "v=STSv1; id=", Some("1 to 32")),
            (MtaSts, "v=STSv1; id=2026-11-20", Some("1 to 32")),
            (MtaSts, "v=STSv1", Some("no `id`")),
            (
                TlsRpt,
                "v=TLSRPTv1; rua=mailto:a@b.example,https://c.example/r",
                None,
            ),
            (TlsRpt, "v=TLSRPTv1;", Some("no `rua`")),
            (
                TlsRpt,
                "v=TLSRPTv1; rua=a@b.example",
                Some("`a@b.example` is no address"),
            ),
            (TlsRpt, "v=TLSRPTv1; rua=http://c.example", Some("is no address")),
            (TlsRpt, "v=TLSRPTv1; rua=", Some("is no address")),
        ] {
            match (kind.read(text), wanted) {
                (Ok(()), None) => {}
                (Err(problem), Some(words)) => assert!(problem.contains(words), "{text}: {problem}"),
                (other, _) => panic!("{text}: {other:?}"),
            }
        }
    }
}
