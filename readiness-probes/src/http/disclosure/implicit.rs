//! Products named where nobody thinks of a banner: in the realm of a challenge and in a media type.

use readiness_core::{Finding, fact::Exchange};

use super::detail::{Detail, telling};
use crate::http::{
    media_type::media_type,
    syntax::{excerpt, split_unquoted, trim, unquote},
};

/// What `WWW-Authenticate` and `Content-Type` tell, where they are not allowed to.
pub(super) fn implicit(exchange: &Exchange, allowed: impl Fn(&str) -> bool) -> Vec<Finding> {
    const CHALLENGE: &str = "WWW-Authenticate";
    const TYPE: &str = "Content-Type";
    let mut findings = Vec::new();
    if !allowed(CHALLENGE) {
        let challenges = exchange.joined(CHALLENGE).unwrap_or_default();
        let realm = realms(&challenges)
            .into_iter()
            .find(|realm| product_in(realm).is_some());
        findings.extend(realm.map(|realm| {
            let text = excerpt(&realm);
            let finding = match telling(&realm) {
                Some(Detail::Version) => Finding::fail(
                    "version",
                    format!("the realm `{text}` names a version, expected what it protects"),
                )
                .remedy("name the realm after what it protects"),
                _ => Finding::note("product", format!("the realm `{text}` names the product")),
            };
            finding.subject(format!("header `{CHALLENGE}`"))
        }));
    }
    if !allowed(TYPE) {
        // Formats of Apache projects have registered types, which say nothing of the server.
        let essence = media_type(exchange)
            .filter(|essence| product_in(essence.as_bytes()).is_some_and(|product| product != "apache"));
        findings.extend(essence.map(|essence| {
            let text = excerpt(essence.as_bytes());
            Finding::note("product", format!("the type `{text}` names the product"))
                .subject(format!("header `{TYPE}`"))
        }));
    }
    findings
}

/// The values of `realm` in a list of challenges. RFC 9110, section 11.5.
fn realms(challenges: &[u8]) -> Vec<Vec<u8>> {
    split_unquoted(challenges, b',')
        .into_iter()
        .filter_map(|(_, part)| {
            let equals = part.iter().position(|&byte| byte == b'=')?;
            let (name, value) = part.split_at_checked(equals)?;
            // A scheme may stand before the first parameter.
            let name = trim(name).rsplit(|&byte| byte == b' ').next()?;
            let value = trim(value.get(1..)?);
            name.eq_ignore_ascii_case(b"realm")
                .then(|| unquote(value).unwrap_or_else(|| value.to_vec()))
        })
        .collect()
}

/// The product that a text names with one of its words.
fn product_in(text: &[u8]) -> Option<&'static str> {
    text.split(|byte| !byte.is_ascii_alphanumeric())
        .filter(|word| word.len() <= 16)
        .find_map(|word| {
            let word = word.to_ascii_lowercase();
            PRODUCTS.into_iter().find(|known| known.as_bytes() == word)
        })
}

const PRODUCTS: [&str; 38] = [
    "activemq",
    "apache",
    "artifactory",
    "confluence",
    "couchdb",
    "cpanel",
    "drupal",
    "elasticsearch",
    "gitlab",
    "glassfish",
    "grafana",
    "haproxy",
    "iis",
    "jboss",
    "jenkins",
    "jira",
    "kibana",
    "minio",
    "nagios",
    "nexus",
    "nginx",
    "openresty",
    "phpmyadmin",
    "plesk",
    "portainer",
    "prometheus",
    "rabbitmq",
    "solr",
    "splunk",
    "spring",
    "squid",
    "tomcat",
    "traefik",
    "varnish",
    "weblogic",
    "webmin",
    "wildfly",
    "zabbix",
];

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::http::samples;

    fn of(headers: &[(&str, &str)]) -> Vec<(String, String)> {
        let exchange = Exchange::new(401, headers.iter().copied());
        implicit(&exchange, |_| false)
            .into_iter()
            .map(|finding| (finding.code, finding.subject))
            .collect()
    }

    #[test]
    fn realms_that_name_a_product() {
        for (challenge, code) in [
            ("Basic realm=\"orders\"", None),
            ("Basic realm=\"api v2\"", None),
            ("Bearer", None),
            ("Bearer error=\"tomcat\"", None),
            ("Basic realm=\"Tomcat Manager Application\"", Some("product")),
            ("Basic realm=Kibana, Bearer", Some("product")),
            ("Bearer x=\"a,b\", REALM = \"Jenkins\"", Some("product")),
            ("Basic realm=\"Apache Tomcat/9.0.1\"", Some("version")),
            ("Basic realm=\"tomcats\"", None),
        ] {
            let found = of(&[("www-authenticate", challenge)]);
            let codes: Vec<&str> = found.iter().map(|(code, _)| code.as_str()).collect();
            assert_eq!(codes, Vec::from_iter(code), "{challenge}");
        }
    }

    #[test]
    fn types_that_name_a_product() {
        for (content_type, named) in [
            ("application/json", false),
            ("application/vnd.apache.arrow.stream", false),
            ("application/vnd.spring-boot.actuator.v3+json", true),
            ("application/vnd.elasticsearch+json; compatible-with=8", true),
            ("text/html; charset=tomcat", false),
        ] {
            assert_eq!(
                !of(&[("content-type", content_type)]).is_empty(),
                named,
                "{content_type}"
            );
        }
    }

    #[test]
    fn hostile_values_make_few_findings() {
        for value in samples::hostile() {
            let exchange = Exchange::new(401, [("www-authenticate", &value), ("content-type", &value)]);
            assert!(implicit(&exchange, |_| false).len() <= 2);
        }
    }

    proptest! {
        #[test]
        fn no_bytes_panic(value in proptest::collection::vec(any::<u8>(), 0..99)) {
            let exchange = Exchange::new(401, [("www-authenticate", &value), ("content-type", &value)]);
            let _ = implicit(&exchange, |_| false);
        }
    }
}
