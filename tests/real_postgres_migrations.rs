//! `dep.postgres_migrations` against PostgreSQL itself, with tables as the tools make them.

#[path = "support/cluster.rs"]
mod cluster;
#[path = "support/system.rs"]
mod support;

use std::process::Command;

use readiness_probes::{Outcome, Target, live::Live};
use serde_json::{Value, json};

use self::{
    cluster::{Cluster, PASSWORD, owner, run, tool},
    support::{codes, judged},
};

async fn seen(cluster: &Cluster, user: &str, settings: Value) -> Outcome {
    let url = format!("postgres://{user}@127.0.0.1:{}/postgres", cluster.port);
    let target = Target::parse(&url).unwrap();
    let sources = Live::new().sources().unwrap();
    judged(sources, "dep.postgres_migrations", settings, &target, PASSWORD).await
}

fn psql(cluster: &Cluster, sql: &str) {
    run(Command::new(tool("psql"))
        .env("PGPASSWORD", PASSWORD)
        .args(["-h", "127.0.0.1", "-p", &cluster.port.to_string()])
        .args([
            "-U",
            "shopkeeper",
            "-d",
            "postgres",
            "-q",
            "-v",
            "ON_ERROR_STOP=1",
            "-c",
            sql,
        ]));
}

/// The tables, as the tools make them.
const TABLES: &str = r#"
CREATE TABLE _sqlx_migrations (version BIGINT PRIMARY KEY, description TEXT NOT NULL,
    installed_on TIMESTAMPTZ NOT NULL DEFAULT now(), success BOOLEAN NOT NULL, checksum BYTEA NOT NULL,
    execution_time BIGINT NOT NULL);
INSERT INTO _sqlx_migrations VALUES (9, 'a', now(), true, '', 1), (10, 'b', now(), true, '', 1);
CREATE TABLE __diesel_schema_migrations (version VARCHAR(50) PRIMARY KEY, run_on TIMESTAMP DEFAULT now());
INSERT INTO __diesel_schema_migrations VALUES ('00000000000000'), ('20260102030405');
CREATE TABLE refinery_schema_history (version INT4 PRIMARY KEY, name VARCHAR(255), applied_on VARCHAR(255),
    checksum VARCHAR(255));
INSERT INTO refinery_schema_history VALUES (1, 'a', '', ''), (12, 'b', '', '');
CREATE TABLE flyway_schema_history (installed_rank INT PRIMARY KEY, version VARCHAR(50),
    description VARCHAR(200), type VARCHAR(20), script VARCHAR(1000), checksum INT, installed_by VARCHAR(100),
    installed_on TIMESTAMP DEFAULT now(), execution_time INT, success BOOLEAN);
INSERT INTO flyway_schema_history VALUES (1, '1.9', '', 'SQL', '', 0, '', now(), 1, true),
    (2, '1.10', '', 'SQL', '', 0, '', now(), 1, true), (3, NULL, '', 'SQL', 'R__v.sql', 0, '', now(), 1, true),
    (4, '1.2', '', 'SQL', '', 0, '', now(), 1, true);
CREATE SCHEMA go; CREATE TABLE go.schema_migrations (version BIGINT PRIMARY KEY, dirty BOOLEAN NOT NULL);
INSERT INTO go.schema_migrations VALUES (7, true);
CREATE TABLE schema_migrations (version VARCHAR PRIMARY KEY);
INSERT INTO schema_migrations VALUES ('9'), ('20250101000000'), ('20260101000000');
CREATE TABLE django_migrations (id BIGSERIAL PRIMARY KEY, app VARCHAR(255), name VARCHAR(255),
    applied TIMESTAMPTZ DEFAULT now());
INSERT INTO django_migrations (app, name) VALUES ('shop', '0001_initial'), ('shop', '0002_cart'),
    ('o''hara', '0009_x'), ('auth', '0012_alter');
CREATE TABLE alembic_version (version_num VARCHAR(32) PRIMARY KEY);
INSERT INTO alembic_version VALUES ('ae1027a6acf');
CREATE TABLE seaql_migrations (version VARCHAR PRIMARY KEY, applied_at BIGINT);
INSERT INTO seaql_migrations VALUES ('m20240101_000001_create', 1), ('m20240101_000002_alter', 1);
CREATE SCHEMA "Odd ""Schema"; CREATE TABLE "Odd ""Schema"."x""; DROP TABLE alembic_version; --" ("Ver sion" INT);
INSERT INTO "Odd ""Schema"."x""; DROP TABLE alembic_version; --" VALUES (3), (4);
CREATE ROLE guest LOGIN;
"#;

#[tokio::test]
async fn each_tool_has_its_table() {
    let cluster = Cluster::new(
        "host all shopkeeper 127.0.0.1/32 scram-sha-256\nhost all guest 127.0.0.1/32 trust\n",
        "ssl = off\n",
    );
    let _server = cluster.start();
    cluster.ready().await;
    let outcome = seen(&cluster, &owner(), json!({ "tool": "sqlx", "version": "10" })).await;
    assert_eq!(codes(&outcome), ["no_table"], "{outcome:?}");
    assert!(outcome.status.is_fail());

    psql(&cluster, TABLES);
    for (settings, word, expected, found) in [
        (json!({ "tool": "sqlx", "version": "10" }), "pass", &[][..], "10"),
        (
            json!({ "tool": "sqlx", "at_least": "11" }),
            "fail",
            &["behind"],
            "10",
        ),
        (
            json!({ "tool": "sqlx", "version": "9" }),
            "fail",
            &["ahead"],
            "10",
        ),
        (
            json!({ "tool": "diesel", "version": "20260102030405" }),
            "pass",
            &[],
            "20260102030405",
        ),
        (json!({ "tool": "refinery", "at_least": "12" }), "pass", &[], "12"),
        (
            json!({ "tool": "flyway", "version": "1.10" }),
            "pass",
            &[],
            "1.10",
        ),
        (
            json!({ "tool": "golang_migrate", "schema": "go", "version": "7" }),
            "fail",
            &["failed_migration"],
            "7",
        ),
        (
            json!({ "tool": "rails", "version": "20260101000000" }),
            "pass",
            &[],
            "20260101000000",
        ),
        (
            json!({ "tool": "dbmate", "at_least": "20270101000000" }),
            "fail",
            &["behind"],
            "20260101000000",
        ),
        (
            json!({ "tool": "django", "app": "shop", "version": "0002_cart" }),
            "pass",
            &[],
            "0002_cart",
        ),
        (
            json!({ "tool": "django", "app": "o'hara", "at_least": "0009_x" }),
            "pass",
            &[],
            "0009_x",
        ),
        (
            json!({ "tool": "django", "app": "nobody", "version": "0001" }),
            "fail",
            &["nothing_applied"],
            "",
        ),
        (
            json!({ "tool": "alembic", "version": "ae1027a6acf" }),
            "pass",
            &[],
            "ae1027a6acf",
        ),
        (
            json!({ "tool": "alembic", "version": "1975ea83b712" }),
            "fail",
            &["other_version"],
            "ae1027a6acf",
        ),
        (
            json!({ "tool": "sea_orm", "version": "m20240101_000002_alter" }),
            "pass",
            &[],
            "m20240101_000002_alter",
        ),
        (
            json!({
                "schema": "Odd \"Schema", "table": "x\"; DROP TABLE alembic_version; --",
                "column": "Ver sion", "version": "4",
            }),
            "pass",
            &[],
            "4",
        ),
    ] {
        let outcome = seen(&cluster, &owner(), settings.clone()).await;
        assert_eq!(
            (outcome.status.word(), codes(&outcome)),
            (word, expected.to_vec()),
            "{settings}: {outcome:?}"
        );
        let version = outcome
            .evidence
            .iter()
            .find(|evidence| evidence.label == "version");
        assert_eq!(version.unwrap().value, found, "{settings}");
    }

    psql(&cluster, "INSERT INTO alembic_version VALUES ('1975ea83b712')");
    psql(
        &cluster,
        "UPDATE _sqlx_migrations SET success = false WHERE version = 10",
    );
    for (user, settings, word, expected) in [
        (
            &*owner(),
            json!({ "tool": "alembic", "version": "ae1027a6acf" }),
            "fail",
            &["several_heads"][..],
        ),
        (
            &*owner(),
            json!({ "tool": "sqlx", "at_least": "9" }),
            "fail",
            &["failed_migration"],
        ),
        // golang-migrate's table is not what Rails left.
        (
            &*owner(),
            json!({ "tool": "golang_migrate", "version": "7" }),
            "fail",
            &["no_column"],
        ),
        (
            "guest",
            json!({ "tool": "sqlx", "version": "9" }),
            "unknown",
            &["not_permitted"],
        ),
        (
            "shopkeeper:wr0ng-pw",
            json!({ "tool": "sqlx", "version": "9" }),
            "fail",
            &["wrong_password"],
        ),
    ] {
        let outcome = seen(&cluster, user, settings.clone()).await;
        assert_eq!(
            (outcome.status.word(), codes(&outcome)),
            (word, expected.to_vec()),
            "{settings}: {outcome:?}"
        );
    }
}
