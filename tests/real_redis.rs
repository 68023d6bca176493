//! `dep.redis` against Redis itself.

#[path = "support/system.rs"]
mod support;

use std::{
    process::{Command, Stdio},
    time::Duration,
};

use readiness_probes::{Outcome, Target, live::Live};
use serde_json::json;
use tokio::net::TcpStream;

use self::support::{Folder, Server, codes, free_port, judged, program, until};

const PASSWORD: &str = "s3cr3t-pw-4711";

async fn redis(arguments: &[&str]) -> (u16, Server, Folder) {
    let folder = Folder::new("redis");
    let port = free_port();
    let server = Server::start(
        Command::new(program("redis-server", &[]))
            .args(["--bind", "127.0.0.1", "--save", "", "--appendonly", "no"])
            .args(["--port", &port.to_string()])
            .args(arguments)
            .current_dir(folder.path())
            .stdout(Stdio::null()),
    );
    until("Redis", || async {
        TcpStream::connect(("127.0.0.1", port)).await.is_ok()
    })
    .await;
    (port, server, folder)
}

async fn seen(url: &str, port: u16) -> Outcome {
    let target = Target::parse(&url.replace("{}", &port.to_string())).unwrap();
    judged(
        Live::new().sources().unwrap(),
        "dep.redis",
        json!({}),
        &target,
        PASSWORD,
    )
    .await
}

#[tokio::test]
async fn an_open_server_answers() {
    let (port, _server, _folder) = redis(&[]).await;
    let outcome = seen("redis://127.0.0.1:{}", port).await;
    assert!(outcome.status.is_pass(), "{outcome:?}");
    assert_eq!(outcome.summary, format!("127.0.0.1:{port}: PING answered"));
    // A password where none is needed: clients that send AUTH cannot work.
    let outcome = seen(&format!("redis://:{PASSWORD}@127.0.0.1:{{}}"), port).await;
    assert!(outcome.status.is_fail());
    assert_eq!(codes(&outcome), ["log_in_refused", "open_without_authentication"]);
}

#[tokio::test]
async fn a_locked_server_wants_its_password() {
    let (port, _server, _folder) = redis(&["--requirepass", PASSWORD]).await;
    let outcome = seen(&format!("redis://:{PASSWORD}@127.0.0.1:{{}}"), port).await;
    assert!(outcome.status.is_pass(), "{outcome:?}");
    assert_eq!(
        outcome.summary,
        format!("127.0.0.1:{port}: log-in and PING answered")
    );
    let outcome = seen(&format!("redis://default:{PASSWORD}@127.0.0.1:{{}}"), port).await;
    assert!(outcome.status.is_pass(), "{outcome:?}");
    let outcome = seen("redis://127.0.0.1:{}", port).await;
    assert!(outcome.status.is_unknown());
    assert_eq!(codes(&outcome), ["credential_missing"]);
    let outcome = seen("redis://:wr0ng-pw@127.0.0.1:{}", port).await;
    assert!(outcome.status.is_fail());
    assert_eq!(codes(&outcome), ["log_in_refused"]);
    assert!(outcome.summary.contains("WRONGPASS"), "{}", outcome.summary);
}

#[tokio::test]
async fn a_stopped_server_is_refused_and_a_frozen_one_silent() {
    let (port, server, _folder) = redis(&[]).await;
    let id = server.0.id().to_string();
    assert!(
        Command::new("kill")
            .args(["-STOP", &id])
            .status()
            .unwrap()
            .success()
    );
    let outcome = tokio::time::timeout(Duration::from_secs(15), seen("redis://127.0.0.1:{}", port))
        .await
        .unwrap();
    assert!(outcome.status.is_fail());
    assert_eq!(codes(&outcome), ["no_answer"]);
    drop(server);
    let outcome = seen("redis://127.0.0.1:{}", port).await;
    assert!(outcome.status.is_fail());
    assert_eq!(outcome.summary, format!("127.0.0.1:{port}: connection refused"));
}
