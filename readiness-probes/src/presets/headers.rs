//! Which headers a suite asks for, as data.

use std::fmt;

use readiness_core::Priority;
use serde_json::{Value, json};

/// A named list of checks of headers, with the settings each is made with.
///
/// The presets `web`, `api` and `security_headers` take the name of one as their setting `headers`;
/// [`presets::headers`](super::headers()) makes a suite of one. It prints as the table of what it asks.
///
/// ```
/// use readiness_probes::presets::HeaderProfile;
/// let strict = HeaderProfile::named("strict")?;
/// assert!(strict.checks.iter().any(|check| check.id == "http.hsts"));
/// println!("{strict}");
/// # Ok::<(), String>(())
/// ```
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct HeaderProfile {
    /// Its name, in lower case.
    pub name: &'static str,
    /// What it is for, in a few words.
    pub about: &'static str,
    /// What it asks.
    pub checks: &'static [HeaderCheck],
}

/// One check of a [`HeaderProfile`].
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct HeaderCheck {
    /// The id of the probe.
    pub id: &'static str,
    /// Its settings as a JSON object; the probe's own defaults where it is empty.
    pub settings: &'static str,
    /// How much it matters here; `None` leaves that to the probe.
    pub priority: Option<Priority>,
}

impl HeaderProfile {
    /// Every profile.
    pub const ALL: [Self; 5] = [
        Self {
            name: "recommended",
            about: "what every page should send, judged by what browsers do",
            checks: RECOMMENDED,
        },
        Self {
            name: "strict",
            about: "a page that can send everything: nothing unsafe, every policy present",
            checks: STRICT,
        },
        Self {
            name: "api",
            about: "the headers that matter to programs",
            checks: API,
        },
        Self {
            name: "owasp",
            about: "asks for the same headers as the OWASP Secure Headers Project, HSTS, CSP and referrers as strong",
            checks: OWASP,
        },
        Self {
            name: "observatory",
            about: "`recommended`, and the grade of the MDN HTTP Observatory beside it",
            checks: OBSERVATORY,
        },
    ];

    /// The profile of this name.
    ///
    /// # Errors
    /// In words, listing the known names.
    pub fn named(name: &str) -> Result<Self, String> {
        Self::ALL
            .into_iter()
            .find(|profile| profile.name == name)
            .ok_or_else(|| {
                let name: String = name.chars().take(60).collect();
                let known: Vec<String> = Self::ALL
                    .iter()
                    .map(|profile| format!("`{}`", profile.name))
                    .collect();
                format!("`headers` is `{name}`; known are {}", known.join(", "))
            })
    }
}

impl HeaderCheck {
    const fn usual(id: &'static str) -> Self {
        Self {
            id,
            settings: "",
            priority: None,
        }
    }

    const fn with(id: &'static str, settings: &'static str) -> Self {
        Self {
            id,
            settings,
            priority: None,
        }
    }

    const fn counts(mut self, priority: Priority) -> Self {
        self.priority = Some(priority);
        self
    }

    /// The settings as the registry takes them.
    pub(super) fn value(&self) -> Result<Value, String> {
        if self.settings.is_empty() {
            return Ok(json!({}));
        }
        serde_json::from_str(self.settings).map_err(|e| format!("the settings of `{}`: {e}", self.id))
    }
}

impl fmt::Display for HeaderProfile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}: {}", self.name, self.about)?;
        for check in self.checks {
            write!(f, "  {}", check.id)?;
            if !check.settings.is_empty() {
                write!(f, " {}", check.settings)?;
            }
            match check.priority {
                Some(priority) => writeln!(f, " ({priority})")?,
                None => writeln!(f)?,
            }
        }
        Ok(())
    }
}

const RECOMMENDED: &[HeaderCheck] = &[
    HeaderCheck::usual("http.hsts"),
    #[cfg(feature = "csp")]
    HeaderCheck::usual("http.csp"),
    HeaderCheck::usual("http.framing"),
    HeaderCheck::usual("http.nosniff"),
    HeaderCheck::usual("http.referrer_policy"),
    HeaderCheck::usual("http.permissions_policy"),
    HeaderCheck::usual("http.cross_origin_isolation"),
    HeaderCheck::usual("http.cookies"),
    HeaderCheck::usual("http.disclosure"),
    HeaderCheck::usual("http.current_headers"),
    HeaderCheck::usual("http.reporting_endpoints"),
];

const API: &[HeaderCheck] = &[
    HeaderCheck::usual("http.hsts"),
    HeaderCheck::usual("http.nosniff"),
    HeaderCheck::usual("http.cookies"),
    HeaderCheck::usual("http.disclosure"),
    HeaderCheck::usual("http.current_headers"),
];

/// A year of HSTS, `unsafe` nowhere, and what is else free to leave out is not.
const STRICT: &[HeaderCheck] = &[
    HeaderCheck::with("http.hsts", r#"{"min_max_age_seconds":31536000}"#),
    #[cfg(feature = "csp")]
    HeaderCheck::with("http.csp", r#"{"strict":true}"#),
    HeaderCheck::usual("http.framing"),
    HeaderCheck::usual("http.nosniff"),
    HeaderCheck::with("http.referrer_policy", r#"{"required":true}"#),
    HeaderCheck::with("http.permissions_policy", r#"{"required":true}"#).counts(Priority::Low),
    HeaderCheck::with(
        "http.cross_origin_isolation",
        r#"{"require_coop":true,"require_coep":true,"require_corp":true}"#,
    )
    .counts(Priority::Low),
    HeaderCheck::with(
        "http.cookies",
        r#"{"judge_balancers":true,"max_session_days":30}"#,
    ),
    HeaderCheck::usual("http.disclosure").counts(Priority::Low),
    HeaderCheck::usual("http.current_headers").counts(Priority::Low),
    HeaderCheck::usual("http.reporting_endpoints").counts(Priority::Low),
    #[cfg(feature = "html")]
    HeaderCheck::usual("http.no_mixed_content").counts(Priority::Low),
    #[cfg(feature = "html")]
    HeaderCheck::usual("http.subresource_integrity").counts(Priority::Low),
];

/// Values that are as strong as the proposed ones pass, and stronger ones too, as far as a setting can tell: which
/// features a page switches off, and who may frame it, is its own affair. What the project proposes for caching,
/// logging out, DNS prefetching and Flash depends on the page, or on nothing that is left; it is not asked for.
const OWASP: &[HeaderCheck] = &[
    HeaderCheck::with(
        "http.hsts",
        r#"{"min_max_age_seconds":63072000,"include_subdomains":true}"#,
    ),
    #[cfg(feature = "csp")]
    HeaderCheck::with("http.csp", r#"{"strict":true}"#),
    HeaderCheck::usual("http.framing"),
    HeaderCheck::usual("http.nosniff"),
    HeaderCheck::with(
        "http.referrer_policy",
        r#"{"required":true,"allowed":["no-referrer","same-origin"]}"#,
    ),
    HeaderCheck::with("http.permissions_policy", r#"{"required":true}"#).counts(Priority::Low),
    HeaderCheck::with(
        "http.cross_origin_isolation",
        r#"{"require_coop":true,"require_coep":true,"require_corp":true}"#,
    )
    .counts(Priority::Low),
    HeaderCheck::usual("http.cookies"),
    HeaderCheck::usual("http.disclosure").counts(Priority::Low),
    HeaderCheck::usual("http.current_headers").counts(Priority::Low),
];

const OBSERVATORY: &[HeaderCheck] = &[
    HeaderCheck::usual("http.hsts"),
    #[cfg(feature = "csp")]
    HeaderCheck::usual("http.csp"),
    HeaderCheck::usual("http.framing"),
    HeaderCheck::usual("http.nosniff"),
    HeaderCheck::usual("http.referrer_policy"),
    HeaderCheck::usual("http.permissions_policy"),
    HeaderCheck::usual("http.cross_origin_isolation"),
    HeaderCheck::usual("http.cookies"),
    HeaderCheck::usual("http.disclosure"),
    HeaderCheck::usual("http.current_headers"),
    HeaderCheck::usual("http.reporting_endpoints"),
    HeaderCheck::usual("http.observatory"),
];

#[cfg(test)]
mod tests {
    use std::{collections::BTreeSet, sync::Arc};

    use readiness_core::{Requirement, Status, Suite, Target};

    use super::*;
    use crate::{builtin, live::InProcess};

    fn made(preset: &str, settings: &Value) -> Result<Vec<Requirement>, String> {
        let target = Arc::new(Target::parse("https://example.com/").unwrap());
        builtin::registry()
            .preset(preset, &target, settings)
            .map_err(|e| e.to_string())
    }

    fn ids(requirements: &[Requirement]) -> Vec<&str> {
        requirements.iter().map(Requirement::id).collect()
    }

    #[test]
    fn every_profile_can_be_made_in_every_preset() {
        for profile in HeaderProfile::ALL {
            let wanted: Vec<&str> = profile.checks.iter().map(|check| check.id).collect();
            assert_eq!(
                wanted.iter().collect::<BTreeSet<_>>().len(),
                wanted.len(),
                "{}",
                profile.name
            );
            for preset in ["web", "api", "security_headers"] {
                let list = made(preset, &json!({ "headers": profile.name })).unwrap();
                let found = ids(&list);
                assert!(
                    wanted.iter().all(|id| found.contains(id)),
                    "{preset} {}",
                    profile.name
                );
                let whole = preset == "security_headers";
                assert_eq!(found.len() == wanted.len(), whole, "{preset} {}", profile.name);
            }
            assert_eq!(HeaderProfile::named(profile.name), Ok(profile));
            assert!(profile.to_string().lines().count() == 1 + wanted.len());
        }
    }

    #[test]
    fn each_preset_has_its_usual_profile() {
        for (preset, profile) in [
            ("web", "recommended"),
            ("api", "api"),
            ("security_headers", "recommended"),
        ] {
            let (usual, named) = (
                made(preset, &Value::Null),
                made(preset, &json!({ "headers": profile })),
            );
            assert_eq!(ids(&usual.unwrap()), ids(&named.unwrap()), "{preset}");
        }
        let recommended = HeaderProfile::named("recommended").unwrap().checks;
        let observatory = HeaderProfile::named("observatory").unwrap().checks;
        assert_eq!(observatory.split_last().unwrap().1, recommended);
        assert_eq!(observatory.last().unwrap().id, "http.observatory");
    }

    #[test]
    fn an_unknown_name_lists_the_known_ones() {
        for preset in ["web", "api", "security_headers"] {
            let problem = made(preset, &json!({ "headers": "strickt" })).unwrap_err();
            for name in ["strickt", "recommended", "strict", "api", "owasp", "observatory"] {
                assert!(problem.contains(&format!("`{name}`")), "{problem}");
            }
            assert!(
                made(preset, &json!({ "header": "strict" }))
                    .unwrap_err()
                    .contains("header")
            );
            assert!(made(preset, &json!({ "headers": 3 })).is_err());
        }
    }

    #[test]
    fn the_plain_port_reaches_whoever_asks_for_it() {
        let list = made("web", &json!({ "headers": "observatory", "plain_port": 8080 })).unwrap();
        for id in ["http.hsts", "http.https_redirect", "http.observatory"] {
            let requirement = list.iter().find(|requirement| requirement.id() == id).unwrap();
            assert!(
                format!("{:?}", requirement.probe()).contains("plain_port: 8080"),
                "{id}"
            );
        }
        // The profile's own settings stay.
        let list = made("web", &json!({ "headers": "strict", "plain_port": 8080 })).unwrap();
        let hsts = format!(
            "{:?}",
            list.iter().find(|one| one.id() == "http.hsts").unwrap().probe()
        );
        assert!(
            hsts.contains("plain_port: 8080") && hsts.contains("31536000"),
            "{hsts}"
        );
    }

    /// The ids that do not pass on a page with these headers.
    fn broken(profile: &str, headers: &[(&str, &str)]) -> Vec<String> {
        let headers: Vec<(String, String)> = headers
            .iter()
            .map(|(name, value)| ((*name).into(), (*value).into()))
            .collect();
        let service = InProcess::from_fn(move |_| {
            let add = |response: http::response::Builder, (name, value): &(String, String)| {
                response.header(name, value)
            };
            let response = headers.iter().fold(http::Response::builder(), add);
            async move { response.body(b"<title>Shop</title>".to_vec()).unwrap() }
        });
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        let report = runtime.block_on(service.run(headers_of("https://example.com/", profile)));
        let holds = |status: &Status| status.is_pass() || status.is_not_applicable();
        let broken = report.results.iter().filter(|result| !holds(&result.status));
        broken.map(|result| result.id.clone()).collect()
    }

    fn headers_of(url: &str, profile: &str) -> Suite {
        let target = Arc::new(Target::parse(url).unwrap());
        let settings = json!({ "headers": profile });
        let list = builtin::registry()
            .preset("security_headers", &target, &settings)
            .unwrap();
        list.into_iter()
            .fold(Suite::default(), |suite, one| suite.with(one).unwrap())
    }

    const KEPT: [(&str, &str); 8] = [
        ("content-type", "text/html; charset=utf-8"),
        ("strict-transport-security", "max-age=63072000; includeSubDomains"),
        (
            "content-security-policy",
            "default-src 'self'; object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'",
        ),
        ("x-content-type-options", "nosniff"),
        ("referrer-policy", "no-referrer"),
        ("permissions-policy", "camera=(), microphone=()"),
        ("cross-origin-opener-policy", "same-origin"),
        ("cross-origin-resource-policy", "same-origin"),
    ];

    #[test]
    fn what_a_profile_demands_more() {
        let with = |more: &[(&'static str, &'static str)]| [&KEPT[..], more].concat();
        let coep = ("cross-origin-embedder-policy", "require-corp");
        let without = |name: &str| -> Vec<(&str, &str)> {
            with(&[coep])
                .into_iter()
                .filter(|(known, _)| *known != name)
                .collect()
        };
        for profile in ["strict", "owasp"] {
            assert_eq!(broken(profile, &with(&[coep])), Vec::<String>::new(), "{profile}");
            for (name, id) in [
                ("cross-origin-embedder-policy", "http.cross_origin_isolation"),
                ("cross-origin-opener-policy", "http.cross_origin_isolation"),
                ("cross-origin-resource-policy", "http.cross_origin_isolation"),
                ("permissions-policy", "http.permissions_policy"),
                ("referrer-policy", "http.referrer_policy"),
            ] {
                assert_eq!(broken(profile, &without(name)), [id], "{profile} without {name}");
                assert_eq!(
                    broken("recommended", &without(name)),
                    Vec::<String>::new(),
                    "{name}"
                );
            }
        }
        let half = |name: &str, value: &'static str| -> Vec<(&str, &str)> {
            let replaced = |(known, old)| (known, if known == name { value } else { old });
            with(&[coep]).into_iter().map(replaced).collect()
        };
        for (value, strict) in [
            ("max-age=31535999; includeSubDomains", true),
            ("max-age=63071999; includeSubDomains", false),
            ("max-age=63072000", false),
        ] {
            let age = half("strict-transport-security", value);
            assert_eq!(broken("owasp", &age), ["http.hsts"], "{value}");
            assert_eq!(broken("strict", &age) == ["http.hsts"], strict, "{value}");
            assert_eq!(broken("recommended", &age), Vec::<String>::new());
        }
        let referrer = half("referrer-policy", "strict-origin-when-cross-origin");
        assert_eq!(broken("owasp", &referrer), ["http.referrer_policy"]);
        assert_eq!(broken("strict", &referrer), Vec::<String>::new());
        #[cfg(feature = "csp")]
        {
            let styles = "default-src 'self'; style-src 'unsafe-inline'; object-src 'none'; base-uri 'none'; \
                form-action 'self'; frame-ancestors 'none'";
            let styles = half("content-security-policy", styles);
            for profile in ["strict", "owasp"] {
                assert_eq!(broken(profile, &styles), ["http.csp"], "{profile}");
            }
            assert_eq!(broken("recommended", &styles), Vec::<String>::new());
        }
    }

    #[test]
    fn stronger_values_are_as_good() {
        // Two years with subdomains, which exact comparison with the proposed value would refuse.
        let mut headers = KEPT.to_vec();
        headers.push(("cross-origin-embedder-policy", "credentialless"));
        for header in &mut headers {
            if header.0 == "strict-transport-security" {
                header.1 = "max-age=63072000; includeSubDomains; preload";
            }
        }
        assert_eq!(broken("owasp", &headers), Vec::<String>::new());
    }
}
