//! Formats of libraries and tools.

use super::*;

pub(super) const LIBRARIES: [Row; 4] = [
    Row {
        format: F::Terminus,
        examples: &[
            (
                200,
                JSON,
                r#"{"status":"ok","info":{"db":{"status":"up"}},"error":{},"details":{"db":{"status":"up"}}}"#,
                Pass,
            ),
            (
                503,
                JSON,
                r#"{"status":"error","error":{"db":{"status":"down","message":"refused"}}}"#,
                Fail,
            ),
            (
                503,
                JSON,
                r#"{"status":"shutting_down","info":{},"error":{},"details":{}}"#,
                Fail,
            ),
        ],
        near: &[
            (
                "upper case",
                200,
                JSON,
                r#"{"status":"OK","info":{"db":{"status":"up"}}}"#,
                As(F::Generic, Pass),
            ),
            (
                "a part in upper case",
                200,
                JSON,
                r#"{"status":"ok","details":{"db":{"status":"UP"}}}"#,
                As(F::Generic, Pass),
            ),
            (
                "a part that does not know",
                200,
                JSON,
                r#"{"status":"ok","details":{"db":{"status":"unknown"}}}"#,
                As(F::Generic, Pass),
            ),
            (
                "details that are a text",
                200,
                JSON,
                r#"{"status":"ok","details":"all well"}"#,
                As(F::Generic, Pass),
            ),
            (
                "the status alone",
                200,
                JSON,
                r#"{"status":"ok"}"#,
                As(F::Generic, Pass),
            ),
            (
                "shutting down, and nothing else",
                503,
                JSON,
                r#"{"status":"shutting_down"}"#,
                Nothing,
            ),
            (
                "up instead of ok, with times",
                200,
                JSON,
                r#"{"status":"up","details":{"db":{"status":"up","timestamp":"2026-11-20T08:00:00Z"}}}"#,
                As(F::Alexliesenfeld, Pass),
            ),
        ],
    },
    Row {
        format: F::Alexliesenfeld,
        examples: &[
            (
                503,
                JSON,
                r#"{"status":"down","details":{"db":{"status":"down","timestamp":"2026-11-20T08:00:00Z","error":"refused"},"mq":{"status":"up","timestamp":"2026-11-20T08:00:00Z"}}}"#,
                Fail,
            ),
            (
                200,
                JSON,
                r#"{"status":"up","details":{"db":{"status":"up","timestamp":"2026-11-20T08:00:00Z"}}}"#,
                Pass,
            ),
            (
                503,
                JSON,
                r#"{"status":"unknown","details":{"db":{"status":"unknown","timestamp":"0001-01-01T00:00:00Z"}}}"#,
                Unknown,
            ),
        ],
        near: &[
            (
                "a part without a time",
                200,
                JSON,
                r#"{"status":"up","details":{"db":{"status":"up"}}}"#,
                As(F::Generic, Pass),
            ),
            (
                "upper case",
                200,
                JSON,
                r#"{"status":"UP","details":{"db":{"status":"up","timestamp":"x"}}}"#,
                As(F::Spring, Pass),
            ),
            (
                "no details",
                200,
                JSON,
                r#"{"status":"up","details":{}}"#,
                As(F::Generic, Pass),
            ),
            (
                "details left out",
                200,
                JSON,
                r#"{"status":"up"}"#,
                As(F::Generic, Pass),
            ),
            (
                "details that are a list",
                200,
                JSON,
                r#"{"status":"down","details":[]}"#,
                As(F::Generic, Fail),
            ),
            (
                "unknown, and no details",
                503,
                JSON,
                r#"{"status":"unknown"}"#,
                Nothing,
            ),
        ],
    },
    Row {
        format: F::HealthGo,
        examples: &[
            (
                200,
                JSON,
                r#"{"status":"OK","timestamp":"2026-11-20T08:00:00Z","component":{"name":"shop","version":"v1"}}"#,
                Pass,
            ),
            (
                200,
                JSON,
                r#"{"status":"Partially Available","timestamp":"x","component":{},"failures":{"mail":"refused"}}"#,
                Warn,
            ),
            (
                503,
                JSON,
                r#"{"status":"Unavailable","timestamp":"x","component":{},"failures":{"db":"refused"}}"#,
                Fail,
            ),
            (
                503,
                JSON,
                r#"{"status":"Timeout during health check","timestamp":"x","component":{}}"#,
                Fail,
            ),
        ],
        near: &[
            (
                "no component",
                200,
                JSON,
                r#"{"status":"OK","timestamp":"x"}"#,
                As(F::Generic, Pass),
            ),
            (
                "no time",
                503,
                JSON,
                r#"{"status":"Unavailable","component":{}}"#,
                Nothing,
            ),
            (
                "a component that is a text",
                200,
                JSON,
                r#"{"status":"OK","timestamp":"x","component":"shop"}"#,
                As(F::Generic, Pass),
            ),
            (
                "lower case",
                200,
                JSON,
                r#"{"status":"ok","timestamp":"x","component":{}}"#,
                As(F::Generic, Pass),
            ),
            (
                "another word",
                200,
                JSON,
                r#"{"status":"Partly Available","timestamp":"x","component":{}}"#,
                Nothing,
            ),
        ],
    },
    Row {
        format: F::Goss,
        examples: &[
            (
                503,
                JSON,
                r#"{"results":[{"successful":false,"resource-type":"Port","resource-id":"tcp:22","property":"listening"}],"summary":{"failed-count":1,"test-count":1}}"#,
                Fail,
            ),
            (200, JSON, r#"{"results":[],"summary":{"failed-count":0}}"#, Pass),
        ],
        near: &[
            (
                "a count that is a text",
                200,
                JSON,
                r#"{"results":[],"summary":{"failed-count":"0"}}"#,
                Nothing,
            ),
            (
                "a count with a part",
                200,
                JSON,
                r#"{"results":[],"summary":{"failed-count":0.5}}"#,
                Nothing,
            ),
            (
                "a count below nothing",
                200,
                JSON,
                r#"{"results":[],"summary":{"failed-count":-1}}"#,
                Nothing,
            ),
            (
                "another spelling",
                200,
                JSON,
                r#"{"results":[],"summary":{"failed_count":0}}"#,
                Nothing,
            ),
            (
                "results that are an object",
                200,
                JSON,
                r#"{"results":{},"summary":{"failed-count":0}}"#,
                Nothing,
            ),
            (
                "no summary, and a status",
                200,
                JSON,
                r#"{"results":[],"status":"ok"}"#,
                As(F::Generic, Pass),
            ),
        ],
    },
];
