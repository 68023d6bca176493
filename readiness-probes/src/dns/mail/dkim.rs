//! The keys that sign the mail of the domain. RFC 6376, section 3.6.1; RFC 8301; RFC 8463.

use base64::{
    Engine, alphabet,
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig},
};
use readiness_core::{Finding, fact::RecordType};

use super::{
    answers::{Answers, Question},
    tags::{Tags, cut},
};

/// Keys of fewer bits are broken, and verifiers ignore them. RFC 8301, section 3.2.
const LEAST_BITS: usize = 1_024;

/// What keys should have. RFC 8301, section 3.2.
const GOOD_BITS: usize = 2_048;

/// The bytes of an Ed25519 key. RFC 8463, section 4.
const ED25519_BYTES: usize = 32;

const BASE64: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// Where the key of a selector stands.
pub(super) fn place(domain: &str, selector: &str) -> String {
    format!("{}._domainkey.{domain}", selector.to_ascii_lowercase())
}

/// What must be asked for a selector.
pub(super) fn wanted(domain: &str, selector: &str) -> Question {
    (place(domain, selector), RecordType::Txt)
}

/// Judges the key of a selector: its faults, and what it is for people.
pub(super) fn judge(domain: &str, selector: &str, answers: &Answers) -> (Vec<Finding>, String) {
    let place = place(domain, selector);
    let subject = format!("DKIM selector `{selector}`");
    let publish = format!("publish the public key of the signer as the TXT record of `{place}`");
    let one = |finding: Finding, gist: &str| (vec![finding.subject(subject.as_str())], gist.to_owned());
    let texts = match answers.texts(&place) {
        Ok(texts) => texts,
        Err(lost) => {
            let message = format!(
                "the TXT records of `{place}` could not be looked up: {}",
                lost.problem
            );
            let finding = Finding::unknown("dkim_not_looked_up", lost.reason, message)
                .remedy("look at the nameserver, or name another one in `nameservers`");
            return one(finding, "not looked up");
        }
    };
    let text = match texts.as_slice() {
        [text] => *text,
        [] => {
            let message = format!("`{place}` has no key: what is signed with it cannot be verified");
            return one(
                Finding::fail("dkim_key_missing", message).remedy(publish),
                "no key",
            );
        }
        several => {
            let message = format!("`{place}` has {} TXT records, expected one key", several.len());
            return one(
                Finding::fail("dkim_several", message).remedy("delete all of them but the signer's key"),
                "several keys",
            );
        }
    };
    match read(text) {
        Err(problem) => {
            let message = format!("the key at `{place}` is wrong: {problem}");
            one(
                Finding::fail("dkim_invalid", message)
                    .evidence("record", cut(text))
                    .remedy(publish),
                "wrong",
            )
        }
        Ok(Key::Revoked) => {
            let message =
                format!("the key at `{place}` is revoked (`p=` is empty): what is signed with it fails");
            one(
                Finding::fail("dkim_revoked", message)
                    .remedy("sign with another selector, and name that one here"),
                "revoked",
            )
        }
        Ok(Key::Ed25519 { is_testing }) => (testing(&place, &subject, is_testing), "Ed25519".to_owned()),
        Ok(Key::Rsa { bits, is_testing }) => {
            let mut findings = testing(&place, &subject, is_testing);
            let replace = "make a key of 2048 bits, publish it under a new selector, and sign with that";
            if bits < LEAST_BITS {
                let message = format!(
                    "the key at `{place}` has {bits} bits, expected at least {GOOD_BITS}: verifiers ignore it"
                );
                findings.push(
                    Finding::fail("dkim_key_too_short", message)
                        .remedy(replace)
                        .subject(subject.as_str()),
                );
            } else if bits < GOOD_BITS {
                let message = format!("the key at `{place}` has {bits} bits, expected at least {GOOD_BITS}");
                findings.push(
                    Finding::warn("dkim_key_short", message)
                        .remedy(replace)
                        .subject(subject.as_str()),
                );
            }
            (findings, format!("RSA {bits}"))
        }
    }
}

fn testing(place: &str, subject: &str, is_testing: bool) -> Vec<Finding> {
    let message =
        format!("the key at `{place}` is for tests (`t=y`): receivers may take signed mail as unsigned");
    let finding = Finding::warn("dkim_testing", message).subject(subject);
    let finding = finding.remedy("take `t=y` out of the record once mail is signed well");
    is_testing.then_some(finding).into_iter().collect()
}

#[derive(Debug, Eq, PartialEq)]
enum Key {
    Ed25519 { is_testing: bool },
    Revoked,
    Rsa { bits: usize, is_testing: bool },
}

fn read(text: &str) -> Result<Key, String> {
    let tags = Tags::parse(text)?;
    if let Some(version) = tags.get("v") {
        // RFC 6376, section 3.6.1: the version may be left out, and stands first where it is there.
        if version != "DKIM1" || tags.names().next() != Some("v") {
            return Err(format!("it does not begin with `v=DKIM1` (`v={}`)", cut(version)));
        }
    }
    let key = tags.get("p").ok_or("it has no key (`p=`)")?;
    let lists = |name: &str, wanted: &[&str]| {
        tags.get(name)
            .is_none_or(|value| value.split(':').any(|one| wanted.contains(&one.trim())))
    };
    if !lists("s", &["*", "email"]) {
        return Err("it is not for mail (`s=`)".into());
    }
    if !lists("h", &["sha256"]) {
        return Err("it does not allow SHA-256 (`h=`)".into());
    }
    let key: String = key.chars().filter(|c| !c.is_ascii_whitespace()).collect();
    if key.is_empty() {
        return Ok(Key::Revoked);
    }
    let bytes = BASE64
        .decode(&key)
        .map_err(|_| "its `p=` is no base64".to_owned())?;
    let is_testing = tags
        .get("t")
        .is_some_and(|flags| flags.split(':').any(|flag| flag.trim() == "y"));
    match tags.get("k").unwrap_or("rsa") {
        "rsa" => {
            let bits = rsa_bits(&bytes).ok_or("its `p=` holds no RSA key")?;
            Ok(Key::Rsa { bits, is_testing })
        }
        "ed25519" if bytes.len() == ED25519_BYTES => Ok(Key::Ed25519 { is_testing }),
        "ed25519" => Err(format!(
            "its Ed25519 key has {} bytes, expected {ED25519_BYTES}",
            bytes.len()
        )),
        other => Err(format!("its kind of key is unknown (`k={}`)", cut(other))),
    }
}

const INTEGER: u8 = 0x02;
const BIT_STRING: u8 = 0x03;
const SEQUENCE: u8 = 0x30;

/// The length of the modulus of a key: a SubjectPublicKeyInfo (RFC 5280, section 4.1) as most write it, or the
/// bare RSAPublicKey (RFC 8017, appendix A.1.1).
fn rsa_bits(der: &[u8]) -> Option<usize> {
    let (outer, _) = element(SEQUENCE, der)?;
    if let Some((_, rest)) = element(SEQUENCE, outer) {
        let (bits, _) = element(BIT_STRING, rest)?;
        let (key, _) = element(SEQUENCE, bits.strip_prefix(&[0])?)?;
        return modulus_bits(key);
    }
    modulus_bits(outer)
}

fn modulus_bits(key: &[u8]) -> Option<usize> {
    let (modulus, rest) = element(INTEGER, key)?;
    element(INTEGER, rest)?;
    let significant = modulus.iter().skip_while(|byte| **byte == 0).count();
    let first = modulus.iter().find(|byte| **byte != 0)?;
    let unused = usize::try_from(first.leading_zeros()).ok()?;
    (significant * 8).checked_sub(unused)
}

/// The content of the element with this tag, and what follows it.
fn element(tag: u8, der: &[u8]) -> Option<(&[u8], &[u8])> {
    let (&found, rest) = der.split_first()?;
    let (&first, rest) = rest.split_first()?;
    let (length, rest) = match first {
        0..=0x7f => (usize::from(first), rest),
        0x81..=0x83 => {
            let (digits, rest) = rest.split_at_checked(usize::from(first & 0x7f))?;
            let length = digits.iter().fold(0, |sum, byte| sum << 8 | usize::from(*byte));
            (length, rest)
        }
        _ => return None,
    };
    (found == tag).then(|| rest.split_at_checked(length)).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// An RSA key of so many bits, as it stands in `p=`.
    pub(in super::super) fn rsa(bits: usize) -> String {
        fn wrap(tag: u8, content: &[u8]) -> Vec<u8> {
            let length = u16::try_from(content.len()).unwrap().to_be_bytes();
            [&[tag, 0x82], length.as_slice(), content].concat()
        }
        let mut modulus = vec![0; bits.div_ceil(8) + 1];
        let top = modulus.len() - bits.div_ceil(8);
        modulus[top] = 1 << ((bits - 1) % 8);
        let key = [wrap(INTEGER, &modulus), wrap(INTEGER, &[1, 0, 1])].concat();
        let bits = [vec![0], wrap(SEQUENCE, &key)].concat();
        // 1.2.840.113549.1.1.1, NULL
        let algorithm = [6, 9, 42, 134, 72, 134, 247, 13, 1, 1, 1, 5, 0];
        let info = [wrap(SEQUENCE, &algorithm), wrap(BIT_STRING, &bits)].concat();
        BASE64.encode(wrap(SEQUENCE, &info))
    }

    fn judged(text: Option<&str>) -> (Vec<Finding>, String) {
        use readiness_core::fact::{DnsAnswer, DnsRecord, DnsResult, RecordData};

        let mut answer = DnsAnswer::new(DnsResult::NoData, "test");
        answer.records = text
            .map(|text| DnsRecord::new("s._domainkey.a.example", 60, RecordData::Txt(text.into())))
            .into_iter()
            .collect();
        let mut answers = Answers::default();
        answers.insert("s._domainkey.a.example", RecordType::Txt, Ok(answer));
        judge("a.example", "S", &answers)
    }

    #[test]
    fn keys_have_a_length() {
        for (bits, wanted) in [
            (512, "dkim_key_too_short"),
            (1_023, "dkim_key_too_short"),
            (1_024, "dkim_key_short"),
            (2_047, "dkim_key_short"),
            (2_048, ""),
            (4_096, ""),
        ] {
            let (findings, gist) = judged(Some(&format!("v=DKIM1; k=rsa; p={}", rsa(bits))));
            let codes: Vec<&str> = findings.iter().map(|finding| &*finding.code).collect();
            assert_eq!(
                (codes.join(" "), gist),
                (wanted.to_owned(), format!("RSA {bits}"))
            );
        }
        let ed = BASE64.encode([7; 32]);
        let (findings, gist) = judged(Some(&format!("k=ed25519; p={ed}")));
        assert_eq!((findings.len(), gist.as_str()), (0, "Ed25519"));
        // The bare key of RFC 8017 does as well.
        let bare = [&[SEQUENCE, 8, INTEGER, 1, 0x80, INTEGER, 3, 1, 0, 1][..]].concat();
        assert_eq!(rsa_bits(&bare), Some(8));
    }

    #[test]
    fn what_is_wrong_with_a_key_is_told() {
        let good = rsa(2_048);
        let [testing, other_service, sha1, late, v2, k] = [
            format!("v=DKIM1; t=s:y; p={good}"),
            format!("v=DKIM1; s=tlsrpt; p={good}"),
            format!("v=DKIM1; h=sha1; p={good}"),
            format!("p={good}; v=DKIM1"),
            format!("v=DKIM2; p={good}"),
            format!("v=DKIM1; k=dsa; p={good}"),
        ];
        for (text, wanted) in [
            (None, "dkim_key_missing"),
            (Some("v=DKIM1; p="), "dkim_revoked"),
            (Some("v=DKIM1; p= ; "), "dkim_revoked"),
            (Some("v=DKIM1; k=rsa"), "dkim_invalid"),
            (Some("v=spf1 -all"), "dkim_invalid"),
            (Some("v=DKIM1; p=!!!"), "dkim_invalid"),
            (Some("v=DKIM1; p=AAAA"), "dkim_invalid"),
            (Some("v=DKIM1; k=ed25519; p=AAAA"), "dkim_invalid"),
            (Some(&testing), "dkim_testing"),
            (Some(&other_service), "dkim_invalid"),
            (Some(&sha1), "dkim_invalid"),
            (Some(&late), "dkim_invalid"),
            (Some(&v2), "dkim_invalid"),
            (Some(&k), "dkim_invalid"),
        ] {
            let (findings, _) = judged(text);
            let codes: Vec<&str> = findings.iter().map(|finding| &*finding.code).collect();
            assert_eq!(codes, [wanted], "{text:?}");
            assert_eq!(findings[0].subject, "DKIM selector `S`");
        }
    }

    proptest::proptest! {
        #[test]
        fn no_key_panics(bytes in proptest::collection::vec(proptest::num::u8::ANY, 0..60), text in "[ -~]{0,60}") {
            let _ = rsa_bits(&bytes);
            let _ = read(&text);
            let _ = read(&format!("p={}", BASE64.encode(&bytes)));
        }
    }
}
