//! Secrets and addresses of people in label values. A finding names the label and shows nothing of the value.

use super::{
    super::syntax::excerpt,
    faults::{Faults, Weight, family},
    page::{Family, Labels},
};

/// Looks at every label of a family, also at those of exemplars.
pub(super) fn judge(family_: &Family<'_>, faults: &mut Faults) {
    for sample in &family_.samples {
        of_labels(&sample.labels, family_, sample.line, faults);
        if let Some(exemplar) = &sample.exemplar {
            of_labels(&exemplar.labels, family_, sample.line, faults);
        }
    }
}

fn of_labels(labels: &Labels<'_>, family_: &Family<'_>, line: usize, faults: &mut Faults) {
    for (name, value) in labels {
        let (code, weight, what) = if is_secret(value) {
            ("secret_in_label", Weight::Fail, "a secret")
        } else if holds_email(value) {
            ("email_in_label", Weight::Warn, "an e-mail address")
        } else {
            continue;
        };
        let subject = format!("{}, label `{}`", family(family_.name), excerpt(name.as_bytes()));
        faults.add(code, weight, subject, || {
            format!("line {line}: expected a value that everybody may see, found what looks like {what}")
        });
    }
}

/// Whether it has the shape of a secret that its issuer documents.
fn is_secret(value: &str) -> bool {
    /// A prefix, and how many characters of a token follow it at least.
    const PREFIXES: [(&str, usize); 11] = [
        ("AKIA", 16),
        ("ASIA", 16),
        ("AIza", 35),
        ("ghp_", 36),
        ("github_pat_", 22),
        ("glpat-", 20),
        ("sk_live_", 16),
        ("rk_live_", 16),
        ("xoxb-", 20),
        ("xoxp-", 20),
        ("npm_", 36),
    ];
    let is_word = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.');
    value.contains("-----BEGIN ") && value.contains("PRIVATE KEY")
        || has_password(value)
        || value.split(|c| !is_word(c)).any(|word| {
            is_token(word)
                || PREFIXES
                    .iter()
                    .any(|(prefix, least)| word.strip_prefix(prefix).is_some_and(|rest| rest.len() >= *least))
        })
}

/// A JSON Web Token: three parts, of which the first is an object. RFC 7519, section 3.1.
fn is_token(word: &str) -> bool {
    let mut parts = word.split('.');
    word.starts_with("eyJ")
        && word.len() > 30
        && parts.by_ref().take(3).filter(|part| part.len() > 3).count() == 3
        && parts.next().is_none()
}

/// A URL with a password before its host. RFC 3986, section 3.2.1.
fn has_password(value: &str) -> bool {
    value.split("://").skip(1).any(|rest| {
        let end = rest.find(['/', '?', '#', ' ']).unwrap_or(rest.len());
        let authority = rest.get(..end).unwrap_or_default();
        let user = authority.rsplit_once('@').map(|(user, _)| user);
        user.and_then(|user| user.split_once(':'))
            .is_some_and(|(_, password)| {
                !password.is_empty() && !matches!(password, "[redacted]" | "***" | "xxxxx")
            })
    })
}

/// Whether there is an `@` between a name and a domain with a dot.
fn holds_email(value: &str) -> bool {
    let is_local = |byte: u8| byte.is_ascii_alphanumeric() || b"._%+-".contains(&byte);
    let mut before: Option<&str> = None;
    for part in value.split('@') {
        let ends_as_name = before.is_some_and(|text| text.bytes().next_back().is_some_and(is_local));
        if ends_as_name {
            let is_domain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-');
            let end = part.find(|c| !is_domain(c)).unwrap_or(part.len());
            let domain = part.get(..end).unwrap_or_default().trim_end_matches(['.', '-']);
            let top = domain.rsplit_once('.').map(|(_, top)| top);
            if top.is_some_and(|top| top.len() >= 2 && top.bytes().all(|byte| byte.is_ascii_alphabetic()))
                && !domain.starts_with(['.', '-'])
            {
                return true;
            }
        }
        before = Some(part);
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_have_a_known_shape() {
        for secret in [
            "AKIAIOSFODNN7EXAMPLE",
            "key=AKIAIOSFODNN7EXAMPLE",
            "Bearer eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl",
            "postgres://app:hunter2@db.internal/app",
            "-----BEGIN EC PRIVATE KEY-----",
        ] {
            assert!(is_secret(secret), "{secret}");
        }
        for other in [
            "",
            "GET",
            "/api/v1/users",
            "https://example.com/a:b@c",
            "https://user@example.com/",
            "postgres://app:[redacted]@db/",
            "eyJ",
            "AKIA",
            "sha256:9f86d081884c7d65",
            "1.2.3",
            "a.b.c.d",
            "550e8400-e29b-41d4-a716-446655440000",
        ] {
            assert!(!is_secret(other), "{other}");
        }
    }

    #[test]
    fn addresses_of_people_have_a_domain() {
        for address in [
            "joe@example.com",
            "<joe.x+y@mail.example.org>",
            "a@b@example.com",
            "user=joe@example.com.",
        ] {
            assert!(holds_email(address), "{address}");
        }
        for other in [
            "",
            "@",
            "a@",
            "@example.com",
            "a@b",
            "a@1.2",
            "root@localhost",
            "x @example.com",
            "pkg@1.2.3",
        ] {
            assert!(!holds_email(other), "{other}");
        }
    }
}
