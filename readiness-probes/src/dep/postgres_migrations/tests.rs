use readiness_core::{
    Profile, Target,
    fact::{Endpoint, LocalRoute, PortState, Route, TcpFacts},
    testing::Facts,
};

use super::{
    super::{PostgresFacts, PostgresSession},
    *,
};

const URL: &str = "postgres://app:s3cr3t@10.0.0.7/shop";

fn probe(tool: MigrationTool) -> PostgresMigrations {
    PostgresMigrations {
        tool: Some(tool),
        ..PostgresMigrations::default()
    }
}

fn exactly(version: &str) -> PostgresMigrations {
    PostgresMigrations {
        version: version.to_owned(),
        ..probe(MigrationTool::Sqlx)
    }
}

fn at_least(version: &str) -> PostgresMigrations {
    PostgresMigrations {
        at_least: version.to_owned(),
        ..probe(MigrationTool::Sqlx)
    }
}

fn judged(probe: &PostgresMigrations, end: PostgresEnd, seen: Option<LedgerSeen>) -> Outcome {
    let target = Target::parse(URL).unwrap();
    let address = target.address().unwrap();
    let endpoint = Endpoint::new((address, target.port()).into(), target.host(), false);
    let session = PostgresSession::new(
        endpoint,
        target.origin(),
        TlsUse::Prefer,
        target.credential(),
        "shop",
    );
    let facts = PostgresFacts::new(TcpFacts::new(PortState::Open, 300), end);
    Facts::new()
        .with(LocalRoute::new(address), Route::new(true))
        .with(
            LedgerLook::new(session, probe.ledger()),
            LedgerFacts::new(facts, seen),
        )
        .profile(Profile::local())
        .judge(probe, &target)
}

fn read(versions: &[&str], failed: &[&str]) -> Option<LedgerSeen> {
    let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
    Some(LedgerSeen::Read {
        versions: names(versions),
        failed: names(failed),
    })
}

fn codes(outcome: &Outcome) -> Vec<&str> {
    outcome
        .findings
        .iter()
        .map(|finding| finding.code.as_str())
        .collect()
}

#[test]
fn versions_are_held_to_what_is_expected() {
    for (probe, found, expected) in [
        (exactly("20260102"), &["20260102"][..], &[][..]),
        (exactly("20260102"), &["20260101"], &["behind"]),
        (exactly("20260102"), &["20260103"], &["ahead"]),
        (exactly("20260102"), &[], &["nothing_applied"]),
        (exactly("ae1027a6acf"), &["ae1027a6acf"], &[]),
        (exactly("ae1027a6acf"), &["1975ea83b712"], &["other_version"]),
        (
            exactly("ae1027a6acf"),
            &["ae1027a6acf", "1975ea83b712"],
            &["several_heads"],
        ),
        (at_least("20260102"), &["20260102"], &[]),
        (at_least("20260102"), &["20260103"], &[]),
        (at_least("20260102"), &["20260101"], &["behind"]),
        (at_least("0010_order"), &["0011_any"], &[]),
        (at_least("0010_order"), &["0010_cart"], &["other_version"]),
        (at_least("1.10"), &["1.9"], &["behind"]),
        (at_least("10"), &["x"], &["other_version"]),
    ] {
        let outcome = judged(&probe, PostgresEnd::Answered, read(found, &[]));
        assert_eq!(codes(&outcome), expected, "{found:?} {probe:?}");
        assert_eq!(outcome.status.is_pass(), expected.is_empty());
    }
    let outcome = judged(
        &exactly("20260102"),
        PostgresEnd::Answered,
        read(&["20260102"], &[]),
    );
    assert_eq!(outcome.summary, "10.0.0.7:5432: the database is at `20260102`");
    let outcome = judged(
        &at_least("20260102"),
        PostgresEnd::Answered,
        read(&["20260101"], &[]),
    );
    assert_eq!(
        outcome.summary,
        "10.0.0.7:5432: the database is only at `20260101`, expected at least `20260102`"
    );
    assert_eq!(outcome.findings[0].subject, "table `_sqlx_migrations`");
}

#[test]
fn failed_migrations_fail_whatever_the_version_is() {
    let outcome = judged(&at_least("1"), PostgresEnd::Answered, read(&["3"], &["4", "5"]));
    assert!(outcome.status.is_fail());
    assert_eq!(codes(&outcome), ["failed_migration", "failed_migration"]);
    assert_eq!(outcome.findings[1].subject, "migration `5`");
    let outcome = judged(&exactly("4"), PostgresEnd::Answered, read(&["3"], &["4"]));
    assert_eq!(codes(&outcome), ["failed_migration", "behind"]);
}

#[test]
fn a_table_that_cannot_be_read_has_its_reason() {
    for (sqlstate, word, code) in [
        ("42P01", "fail", "no_table"),
        ("42703", "fail", "no_column"),
        ("42501", "unknown", "not_permitted"),
        ("57014", "unknown", "not_read"),
        ("", "unknown", "not_read"),
    ] {
        let error = ServerError::new(sqlstate, "no");
        let seen = Some(LedgerSeen::Refused(error));
        let outcome = judged(&exactly("1"), PostgresEnd::Answered, seen);
        assert_eq!((outcome.status.word(), codes(&outcome)), (word, vec![code]));
        assert!(
            outcome.summary.contains("_sqlx_migrations"),
            "{}",
            outcome.summary
        );
    }
}

#[test]
fn a_session_that_came_to_nothing_is_judged_as_one() {
    let error = ServerError::new("28P01", "password authentication failed");
    let outcome = judged(&exactly("1"), PostgresEnd::Error(error), None);
    assert!(outcome.status.is_fail());
    assert_eq!(codes(&outcome)[0], "wrong_password");
    let outcome = judged(&exactly("1"), PostgresEnd::CredentialMissing, None);
    assert!(outcome.status.is_unknown());
    // An answer without the table is no pass.
    assert!(
        judged(&exactly("1"), PostgresEnd::Answered, None)
            .status
            .is_unknown()
    );
}

#[test]
fn settings_are_checked() {
    for probe in [exactly("1"), at_least("V1"), exactly("ae10")] {
        assert_eq!(probe.check(), Ok(()));
    }
    let own = PostgresMigrations {
        tool: None,
        table: "t".repeat(63),
        column: "v".to_owned(),
        ..exactly("1")
    };
    assert_eq!(own.check(), Ok(()));
    let django = |app: &str| PostgresMigrations {
        tool: Some(MigrationTool::Django),
        app: app.to_owned(),
        ..exactly("0001_initial")
    };
    assert_eq!(django("shop").check(), Ok(()));
    for (probe, part) in [
        (probe(MigrationTool::Sqlx), "a version is missing"),
        (
            PostgresMigrations {
                at_least: "2".to_owned(),
                ..exactly("1")
            },
            "one of them",
        ),
        (at_least("head"), "begins with a number"),
        (
            PostgresMigrations {
                tool: Some(MigrationTool::Alembic),
                ..at_least("1")
            },
            "no order",
        ),
        (
            PostgresMigrations {
                tool: None,
                ..exactly("1")
            },
            "name the `tool`",
        ),
        (
            PostgresMigrations {
                column: String::new(),
                ..own.clone()
            },
            "name the `tool`",
        ),
        (
            PostgresMigrations {
                table: "t".repeat(64),
                ..own.clone()
            },
            "at most 63 bytes",
        ),
        (
            PostgresMigrations {
                schema: "a\0b".to_owned(),
                ..own
            },
            "no control characters",
        ),
        (django(""), "`app` is missing"),
        (
            PostgresMigrations {
                app: "shop".to_owned(),
                ..exactly("1")
            },
            "Django alone",
        ),
    ] {
        let problem = probe.check().unwrap_err();
        assert!(problem.contains(part), "{problem}");
    }
}
