//! What is said of a chain that does not hold.

use readiness_core::{
    Finding,
    fact::{DnsAnswer, DnsResult, RecordType},
};

use super::{
    chain::Why,
    crypto::{algorithm_name, digest_name},
    name::Name,
    record::{Dnskey, Ds},
    verify::Fault,
};

/// What makes a name bogus.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Trouble {
    pub(super) code: &'static str,
    subject: String,
    pub(super) message: String,
    remedy: String,
    said_by: Option<String>,
}

impl Trouble {
    fn new(
        code: &'static str,
        subject: impl Into<String>,
        message: String,
        remedy: impl Into<String>,
    ) -> Self {
        Self {
            code,
            subject: subject.into(),
            message,
            remedy: remedy.into(),
            said_by: None,
        }
    }

    pub(super) fn said_by(mut self, who: &str) -> Self {
        self.said_by = Some(who.to_owned());
        self
    }

    pub(super) fn finding(&self) -> Finding {
        let finding = Finding::fail(self.code, self.message.clone())
            .subject(&self.subject)
            .remedy(&self.remedy);
        match &self.said_by {
            Some(who) => finding.evidence("answered by", who),
            None => finding,
        }
    }
}

/// What a fault of a set means, or why it could not be told.
pub(super) fn of_fault(zone: &Name, label: &str, fault: &Fault) -> Result<Trouble, String> {
    let again = format!("sign `{zone}` again, and look at why its signer has not");
    let (code, message, remedy) = match fault {
        Fault::Missing => (
            "signature_missing",
            format!("the records {label} have no signature, and `{zone}` is signed"),
            again,
        ),
        Fault::Unsupported(algorithm) => (
            "signature_missing",
            format!(
                "the records {label} are signed with {} alone, and `{zone}` promises another algorithm",
                algorithm_name(*algorithm)
            ),
            format!("sign `{zone}` with every algorithm of its DS records"),
        ),
        Fault::Stranger(signer) => (
            "signature_of_other_zone",
            format!("the records {label} are signed by `{signer}`, expected by `{zone}`"),
            format!("sign them with the keys of `{zone}`"),
        ),
        Fault::NoKey(tag) => (
            "signature_without_key",
            format!("the records {label} are signed with the key {tag}, which `{zone}` does not publish"),
            format!("publish the key {tag} of `{zone}` again, or sign with one that is published"),
        ),
        Fault::NotYetValid(from) => (
            "signature_not_yet_valid",
            format!("the signature of the records {label} is valid from {from} only"),
            "look at the clock of the signer, and at the clock of this machine".to_owned(),
        ),
        Fault::Expired(at) => (
            "signature_expired",
            format!("the signature of the records {label} expired at {at}"),
            again,
        ),
        Fault::Invalid(tag) => (
            "signature_invalid",
            format!("the signature of the records {label} does not verify with the key {tag}"),
            format!(
                "{again}; if the records were changed after they were signed, somebody may have tampered"
            ),
        ),
        Fault::Unusable(tag) => {
            return Err(format!(
                "the key {tag} of `{zone}`, which signs the records {label}, is of a form that cannot be used here"
            ));
        }
        Fault::TooMany => {
            return Err(format!(
                "the records {label} have more signatures or keys with the same tag than are looked at"
            ));
        }
    };
    Ok(Trouble::new(code, label, message, remedy))
}

pub(super) fn not_proven(zone: &Name, name: &Name, record_type: RecordType) -> Trouble {
    Trouble::new(
        "denial_not_proven",
        format!("{record_type} of {name}"),
        format!("the answer says that `{name}` has no {record_type} record, and `{zone}` does not prove it"),
        format!("sign `{zone}` again, and look at whether its nameservers give NSEC or NSEC3 records"),
    )
}

/// The zone above says that it is signed, and it has no key.
pub(super) fn unsigned_child(zone: &Name, ds: &[Ds], answer: &DnsAnswer) -> Trouble {
    let tags: Vec<String> = ds.iter().take(4).map(|ds| ds.tag.to_string()).collect();
    let what = match answer.result {
        DnsResult::NxDomain => "does not exist (NXDOMAIN)",
        _ => "has no DNSKEY record",
    };
    Trouble::new(
        "child_unsigned",
        format!("DNSKEY of {zone}"),
        format!(
            "the zone above says that `{zone}` is signed (DS {}), and it {what}",
            tags.join(", ")
        ),
        format!("sign `{zone}`, or have its DS records removed at the registrar"),
    )
    .said_by(&answer.answered_by)
}

/// No key of the zone is the one that the zone above names.
pub(super) fn no_key_of_ds(zone: &Name, ds: &[Ds], keys: &[Dnskey], is_anchor: bool) -> Trouble {
    let shown = |ds: &Ds| {
        format!(
            "{} {} {}",
            ds.tag,
            algorithm_name(ds.algorithm),
            digest_name(ds.digest_type)
        )
    };
    let all: Vec<String> = ds.iter().take(4).map(shown).collect();
    let tags: Vec<String> = keys.iter().take(8).map(|key| key.tag.to_string()).collect();
    let (who, remedy) = if is_anchor {
        ("the trust anchor", "correct `trust_anchor`".to_owned())
    } else {
        (
            "the DS record in the zone above",
            format!("enter the DS record of a key that `{zone}` has now at the registrar"),
        )
    };
    let same = ds.iter().find(|ds| {
        let mut keys = keys.iter();
        keys.any(|key| key.tag == ds.tag && key.algorithm == ds.algorithm)
    });
    let (code, message) = match same {
        Some(same) => (
            "ds_digest_wrong",
            format!(
                "{who} has another digest for the key {} of `{zone}` than that key has",
                same.tag
            ),
        ),
        None => (
            "ds_without_key",
            format!(
                "`{zone}` has no key that {who} names ({}); it has {}",
                all.join(", "),
                if tags.is_empty() {
                    "none".to_owned()
                } else {
                    tags.join(", ")
                }
            ),
        ),
    };
    Trouble::new(code, format!("DS of {zone}"), message, remedy)
}

/// Why nobody need expect signatures, in words.
pub(super) fn why(why: &Why) -> String {
    match why {
        Why::NoDs { zone, above } => format!("`{zone}` has no DS record in `{above}`"),
        Why::OptOut { name, zone } => {
            format!("`{zone}` does not say whether `{name}` is signed (opt-out)")
        }
        Why::Unsupported { zone, kinds } => {
            let mut all: Vec<String> = kinds
                .iter()
                .take(4)
                .map(|(algorithm, digest)| {
                    format!("{} by {}", algorithm_name(*algorithm), digest_name(*digest))
                })
                .collect();
            all.dedup();
            format!(
                "`{zone}` is signed in a way that cannot be checked: {}",
                all.join(", ")
            )
        }
        Why::Iterations { zone, iterations } => {
            format!("`{zone}` hashes names with {iterations} iterations, and resolvers make 100 at most")
        }
        Why::UnknownHash { zone, kind } => {
            format!("`{zone}` hashes names in a way that nobody knows ({kind})")
        }
    }
}
