//! What is meant for everybody.

use super::*;

pub(super) const GENERAL: [Row; 2] = [
    Row {
        format: F::Inadarei,
        examples: &[
            (
                200,
                JSON,
                r#"{"status":"warn","releaseId":"2026.11.3","checks":{"ledger:connections":[{"componentType":"datastore","observedValue":91,"observedUnit":"percent","status":"warn","time":"2026-11-20T08:00:00Z"}]}}"#,
                Warn,
            ),
            (200, JSON, r#"{"status":"pass"}"#, Pass),
            (503, JSON, r#"{"status":"FAIL","serviceId":"f03e"}"#, Fail),
            (200, HEALTH_JSON, r#"{"status":"UP"}"#, Pass),
            (
                503,
                "Application/Health+JSON; charset=utf-8",
                r#"{"status":"Down","x":1}"#,
                Fail,
            ),
            (
                200,
                JSON,
                r#"{"status":"ok","checks":{"a":{"status":"pass"}}}"#,
                Pass,
            ),
        ],
        near: &[
            (
                "bare in upper case",
                200,
                JSON,
                r#"{"status":"PASS"}"#,
                As(F::Generic, Pass),
            ),
            (
                "bare with a word that only others use",
                200,
                JSON,
                r#"{"status":"ok"}"#,
                As(F::Generic, Pass),
            ),
            (
                "a key it does not know",
                200,
                JSON,
                r#"{"status":"pass","uptime":3}"#,
                As(F::Generic, Pass),
            ),
            (
                "checks that hold numbers",
                200,
                JSON,
                r#"{"status":"ok","checks":{"a":1}}"#,
                As(F::Generic, Pass),
            ),
            (
                "lists of texts",
                200,
                JSON,
                r#"{"status":"ok","checks":{"a":["pass"]}}"#,
                As(F::Generic, Pass),
            ),
            (
                "a word it does not know",
                200,
                JSON,
                r#"{"status":"fine","version":"1"}"#,
                Nothing,
            ),
            (
                "the content type alone",
                200,
                HEALTH_JSON,
                r#"{"status":"fine"}"#,
                Nothing,
            ),
            (
                "a key spelt otherwise",
                200,
                JSON,
                r#"{"status":"ok","release_id":"1"}"#,
                As(F::Generic, Pass),
            ),
        ],
    },
    Row {
        format: F::Generic,
        examples: &[
            (200, JSON, r#"{"status":"ok"}"#, Pass),
            (200, JSON, r#"{"state":"GREEN","nodes":3}"#, Pass),
            (200, JSON, r#"{"health":"yellow"}"#, Warn),
            (503, JSON, r#"{"healthy":false}"#, Fail),
            (503, JSON, r#"{"ok":true,"ready":false}"#, Fail),
            (200, JSON, r#"{"status":"alive","uptime":3}"#, Pass),
        ],
        near: &[
            ("a number", 200, JSON, r#"{"status":200}"#, Nothing),
            (
                "a word nobody knows",
                200,
                JSON,
                r#"{"status":"starting"}"#,
                Nothing,
            ),
            (
                "a text where a truth is meant",
                200,
                JSON,
                r#"{"healthy":"yes"}"#,
                Nothing,
            ),
            ("another name", 200, JSON, r#"{"message":"ok"}"#, Nothing),
            ("in a list", 200, JSON, r#"["ok"]"#, Nothing),
            (
                "one level down",
                200,
                JSON,
                r#"{"data":{"status":"ok"}}"#,
                Nothing,
            ),
            ("cut short", 200, JSON, r#"{"status":"ok""#, Broken),
            ("no quotes", 200, JSON, "{status: ok}", Broken),
            ("a page", 200, JSON, "<!doctype html><p>ok", Html),
            (
                "the word of the draft alone",
                200,
                JSON,
                r#"{"status":"pass"}"#,
                As(F::Inadarei, Pass),
            ),
        ],
    },
];
