//! readiness.toml: what it makes, and that each mistake names its place before anything is sent.
#![cfg(feature = "config")]

use std::path::Path;

use readiness_core::{
    Config, Described, Outcome, Priority, Probe, ProbeContext, ProbeError, ProbeInfo, Registry, Retry,
    Sources, Suite, async_trait,
};

readiness_core::probe! {
    /// The queue is short.
    pub struct Queue {
        /// The most that may wait.
        pub most: u64 = 100,
        /// What is asserted.
        pub asserts: Vec<String> = vec!["x".into()],
    }
    id: "acme.queue",
    title: "the queue is short",
    priority: High,
    references: [],
}

#[async_trait]
impl Probe for Queue {
    fn info(&self) -> &ProbeInfo {
        Self::described()
    }
    async fn run(&self, _: &ProbeContext) -> Result<Outcome, ProbeError> {
        Ok(Outcome::pass(format!("at most {}", self.most)))
    }
}

fn registry() -> Registry {
    let mut registry = Registry::new();
    registry.add_with::<Queue>(|queue| {
        if queue.asserts.is_empty() {
            return Err("`asserts` is empty: it would assert nothing".to_owned());
        }
        Ok(())
    });
    registry
}

fn read(text: &str) -> Result<Suite, String> {
    let environment = |name: &str| match name {
        "API_URL" => Some("https://joe:hunter2@api.example.com/".to_owned()),
        "TOKEN" => Some("t0ps3cret\n".to_owned()),
        _ => None,
    };
    Config::parse_with(text, "readiness.toml", &registry(), Path::new(""), &environment)
        .map(|config| config.suite(Sources::default()))
        .map_err(|e| e.to_string())
}

const GOOD: &str = r#"
catalog = "2026.1"
profile = "staging"

[targets.api]
url = { env = "API_URL" }

[targets.web]
url = "https://www.example.com"
credential = { bearer = { env = "TOKEN" } }

[look]
ca = ["ca.pem"]
nameservers = ["127.0.0.1:5300", "::1"]

[policy]
target = "95.5"
floors = { http = 80 }
fail_on = "warn"

[[require]]
probe = "acme.queue"
targets = ["api"]
with = { most = 5 }

[[require]]
probe = "acme.queue"
id = "acme.queue.all"
priority = "critical"
timeout_seconds = 3
attempts = 2

[[waiver]]
requirement = "acme.queue"
reason = "moved next week"
owner = "ops"
until = "2099-01-01"
"#;

#[test]
fn a_whole_file_becomes_a_suite() {
    let suite = read(GOOD).unwrap();
    let [first, second] = suite.requirements() else {
        panic!("two requirements")
    };
    assert_eq!((first.id(), first.targets().len()), ("acme.queue", 1));
    assert_eq!((second.id(), second.targets().len()), ("acme.queue.all", 2));
    assert_eq!(second.own_priority(), Some(Priority::Critical));
    assert_eq!(suite.own_policy().target.unwrap().to_string(), "95.50 %");
    assert!(suite.own_policy().fail_on_warn);
    let shown = format!("{suite:?}");
    assert!(
        !shown.contains("hunter2") && !shown.contains("t0ps3cret"),
        "{shown}"
    );
    let report = suite.run_blocking().unwrap();
    assert_eq!(report.results.len(), 2);
    assert_eq!(report.rows().count(), 3);
}

#[test]
fn each_mistake_names_its_place_and_what_to_do() {
    let replaced = |from: &str, to: &str| {
        assert!(GOOD.contains(from), "{from}");
        read(&GOOD.replacen(from, to, 1)).unwrap_err()
    };
    for (from, to, place, part) in [
        ("[policy]", "[policy", "16:", ""),
        (
            "\"acme.queue\"\ntargets",
            "\"acme.que\"\ntargets",
            "22:9:",
            "known are `acme.queue`",
        ),
        ("most = 5", "mots = 5", "24:10:", "unknown field `mots`"),
        ("most = 5", "most = \"many\"", "24:", "invalid type"),
        ("most = 5", "asserts = []", "24:10:", "assert nothing"),
        (
            "most = 5",
            "token = \"abcdef\"",
            "24:10:",
            "may not be written out",
        ),
        (
            "{ bearer = { env = \"TOKEN\" } }",
            "{ bearer = \"abcdef\" }",
            "10:",
            "may not be written out",
        ),
        (
            "{ env = \"TOKEN\" }",
            "{ env = \"NONE\" }",
            "10:14:",
            "`NONE` is not set",
        ),
        (
            "https://www.example.com",
            "https://joe:hunter2@www.example.com",
            "9:7:",
            "user name or password",
        ),
        ("https://www.example.com", "https://exa mple", "9:7:", "space"),
        (
            "targets = [\"api\"]",
            "targets = [\"apj\"]",
            "23:12:",
            "known are `api`, `web`",
        ),
        ("targets = [\"api\"]", "targets = []", "22:9:", "empty"),
        ("\"95.5\"", "\"195\"", "17:10:", "percentage"),
        ("\"critical\"", "\"urgent\"", "29:12:", "unknown variant"),
        (
            "attempts = 2",
            "attempts = 2\nneeded = 3",
            "32:10:",
            "expected 1 to 2",
        ),
        ("attempts = 2", "needed = 2", "31:10:", "expected 1 to 1"),
        (
            "attempts = 2",
            "attempts = 2\nneeded = 0",
            "32:10:",
            "`needed` is 0",
        ),
        (
            "attempts = 2",
            "max_age_days = 2\nmax_age_seconds = 60",
            "32:19:",
            "leave out one",
        ),
        (
            "profile = \"staging\"",
            "profile = \"prod\"",
            "3:11:",
            "known are `production`",
        ),
        ("\"2026.1\"", "\"2020.1\"", "2:11:", "known is `2026.1`"),
        ("until = \"2099-01-01\"\n", "", "33:1:", "missing field `until`"),
        ("until = \"2099-01-01\"", "until = \"soon\"", "37:9:", "no date"),
        (
            "requirement = \"acme.queue\"",
            "requirement = \"acme.qeue\"",
            "34:16:",
            "known are",
        ),
        ("\"::1\"", "\"nobody\"", "14:", "no nameserver"),
        ("id = \"acme.queue.all\"\n", "", "27:9:", "stands twice"),
        ("catalog", "catalogue", "2:1:", "unknown field"),
    ] {
        let error = replaced(from, to);
        assert!(
            error.starts_with(&format!("readiness.toml:{place}")),
            "{place} {part}: {error}"
        );
        assert!(error.contains(part), "{part}: {error}");
        assert!(
            !error.contains("hunter2") && !error.contains("abcdef") && !error.contains("4711"),
            "{error}"
        );
    }
}

#[test]
fn looks_and_ages_are_read() {
    let of = |settings: &str| {
        let suite = read(&GOOD.replacen("attempts = 2", settings, 1)).unwrap();
        let requirement = &suite.requirements()[1];
        (requirement.own_retry(), requirement.own_max_age())
    };
    let second = std::time::Duration::from_secs(1);
    for (settings, retry, age) in [
        ("", Retry::attempts(1), None),
        ("attempts = 0", Retry::attempts(1), None),
        ("attempts = 3", Retry::attempts(3), None),
        ("attempts = 3\nneeded = 1", Retry::attempts(3), None),
        (
            "attempts = 3\nneeded = 3\nevery_seconds = 2",
            Retry::attempts(3).needing(3).every(2 * second),
            None,
        ),
        ("max_age_days = 2", Retry::attempts(1), Some(172_800 * second)),
        ("max_age_seconds = 90", Retry::attempts(1), Some(90 * second)),
    ] {
        assert_eq!(of(settings), (retry, age), "{settings}");
    }
}

#[test]
fn an_empty_suite_is_an_error() {
    for text in ["", "[targets.a]\nurl = \"https://a.example\""] {
        let error = read(text).unwrap_err();
        assert!(error.contains("no target") || error.contains("empty"), "{error}");
    }
}

#[test]
fn trust_stores_are_named_and_their_files_lie_beside_the_configuration() {
    let read = |trust: &str| {
        let text = GOOD.replace("ca = [\"ca.pem\"]", &format!("trust = {trust}"));
        let environment = |name: &str| {
            Some(format!(
                "https://{}.example",
                name.to_lowercase().replace('_', "-")
            ))
        };
        Config::parse_with(
            &text,
            "readiness.toml",
            &registry(),
            Path::new("/etc/shop"),
            &environment,
        )
    };
    let config = read(r#"["platform", "webpki-roots", "file:ca.pem"]"#).unwrap();
    let names: Vec<String> = config.look.trust.iter().map(ToString::to_string).collect();
    assert_eq!(names, ["platform", "webpki-roots", "file:/etc/shop/ca.pem"]);
    let error = read(r#"["java"]"#).unwrap_err().to_string();
    assert!(
        error.contains("`java` is no trust store, expected `platform`"),
        "{error}"
    );
}

#[test]
fn settings_under_a_header_of_their_own_have_their_place_too() {
    let text = |settings: &str| {
        format!(
            "[targets.api]\nurl = \"https://api.example.com\"\n[[require]]\nprobe = \"acme.queue\"\n[require.with]\nmost = 1\n\
             {settings}\n[policy]\nfour_eyes = true # asserts\n"
        )
    };
    let error = read(&text("asserts = []")).unwrap_err();
    assert!(error.starts_with("readiness.toml:7:1: "), "{error}");
    let error = read(&text("token = \"hunter2\"")).unwrap_err();
    assert!(error.starts_with("readiness.toml:7:1: `token`"), "{error}");
    assert!(!error.contains("hunter2"), "{error}");
}

#[test]
fn a_placeholder_is_no_literal_secret() {
    let text = |value: &str| {
        format!(
            "[targets.api]\nurl = \"https://api.example.com\"\n[[require]]\nprobe = \"acme.queue\"\nwith = {{ password = \
             \"{value}\" }}\n"
        )
    };
    for placeholder in ["{{credential.password}}", "Bearer {{token}}", "Token {{a_1}}"] {
        let error = read(&text(placeholder)).unwrap_err();
        assert!(
            error.contains("unknown field `password`"),
            "{placeholder}: {error}"
        );
    }
    for literal in [
        "hunter2",
        "{{}}",
        "hunter2{{token}}",
        "{{token}}hunter2",
        "Bearer hunter2",
        "Bearer {{token}} hunter2 {{token}}",
        "{{hunter2 }}",
        "Hunter {{token}}",
    ] {
        let error = read(&text(literal)).unwrap_err();
        assert!(error.contains("may not be written out"), "{literal}: {error}");
    }
}
