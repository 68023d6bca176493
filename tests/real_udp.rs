//! The questions over UDP, asked of servers of Debian's packages on their usual ports, each in a network
//! namespace of its own.

#[path = "support/namespace.rs"]
mod namespace;
#[path = "support/system.rs"]
mod support;

use std::{
    fs,
    path::PathBuf,
    process::{Command, Stdio},
};

use readiness_probes::{
    Target,
    fact::{UdpAnswer, UdpAsk, UdpProtocol, UdpState, UdpSweep},
    live::Live,
    testing::Looks,
};
use serde_json::{Value, json};

use self::{
    namespace::inside,
    support::{Folder, Server, codes, judged, program, until},
};

fn run<F: Future>(future: F) -> F::Output {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(future)
}

async fn ask(protocol: UdpProtocol) -> UdpAnswer {
    let ask = UdpAsk::new(protocol.port(), protocol);
    let key = UdpSweep::new("127.0.0.1".parse().unwrap(), vec![ask]);
    let looks = Looks::new(Live::new().sources().unwrap());
    looks.observe(key).await.unwrap().answers[0].clone()
}

/// The answer of a server that has just been started.
async fn answer(protocol: UdpProtocol) -> UdpAnswer {
    until(&format!("an answer of {protocol}"), || async {
        ask(protocol).await.state == UdpState::Answered
    })
    .await;
    ask(protocol).await
}

async fn exposure(settings: Value) -> readiness_probes::Outcome {
    let target = Target::parse("tcp://127.0.0.1:9").unwrap();
    let sources = Live::new().sources().unwrap();
    judged(sources, "net.udp_exposure", settings, &target, "").await
}

fn server(name: &str) -> Command {
    let folders: Vec<PathBuf> = ["/usr/sbin", "/usr/bin", "/sbin"]
        .iter()
        .map(PathBuf::from)
        .collect();
    let mut command = Command::new(program(name, &folders));
    command.stdout(Stdio::null()).stderr(Stdio::null());
    command
}

#[test]
fn nothing_listens_and_every_port_is_closed() {
    inside("nothing_listens_and_every_port_is_closed", "", || {
        let outcome = run(exposure(json!({})));
        assert!(outcome.status.is_pass(), "{outcome:?}");
        assert_eq!(
            outcome.summary,
            "no UDP port answered: 12 closed, 0 open or filtered"
        );
    });
}

#[test]
fn what_is_dropped_is_never_closed() {
    let drop = "nft add table inet t && \
        nft 'add chain inet t i { type filter hook input priority 0; }' && \
        nft add rule inet t i meta l4proto udp drop && ";
    inside("what_is_dropped_is_never_closed", drop, || {
        // The target's own port refuses a connection: the host is there.
        let outcome = run(exposure(json!({})));
        assert!(outcome.status.is_pass(), "{outcome:?}");
        assert_eq!(
            outcome.summary,
            "no UDP port answered: 0 closed, 12 open or filtered"
        );
    });
}

#[test]
fn what_this_machine_does_not_let_out_is_not_known() {
    let drop = "nft add table inet t && \
        nft 'add chain inet t o { type filter hook output priority 0; }' && \
        nft add rule inet t o udp dport 161 drop && ";
    inside("what_this_machine_does_not_let_out_is_not_known", drop, || {
        let outcome = run(exposure(json!({})));
        assert!(outcome.status.is_unknown(), "{outcome:?}");
        assert_eq!(codes(&outcome), ["not_sent"]);
    });
}

#[test]
fn memcached_answers_and_amplifies() {
    inside("memcached_answers_and_amplifies", "", || {
        let _server =
            Server::start(server("memcached").args(["-u", "nobody", "-l", "127.0.0.1", "-U", "11211"]));
        run(async {
            let answer = answer(UdpProtocol::Memcached).await;
            assert!(answer.head.to_lossy().contains("STAT pid"), "{answer:?}");
            let outcome = exposure(json!({})).await;
            assert_eq!(codes(&outcome), ["unexpected_answer", "amplifies"], "{outcome:?}");
            assert_eq!(outcome.findings[0].subject, "UDP port 11211");
            // Bound to loopback alone: from inside nobody else reaches it.
            let outcome = exposure(json!({ "mode": "inside" })).await;
            assert!(outcome.status.is_pass(), "{outcome:?}");
        });
    });
}

#[test]
fn an_snmp_agent_with_the_public_community_is_named() {
    inside("an_snmp_agent_with_the_public_community_is_named", "", || {
        let folder = Folder::new("snmp");
        let file = folder.path().join("snmpd.conf");
        fs::write(
            &file,
            "agentaddress udp:127.0.0.1:161\nrocommunity public default\n",
        )
        .unwrap();
        let mut command = server("snmpd");
        command
            .args(["-f", "-C", "-c"])
            .arg(&file)
            .env("SNMP_PERSISTENT_DIR", folder.path());
        let _server = Server::start(&mut command);
        run(async {
            answer(UdpProtocol::Snmp).await;
            let outcome = exposure(json!({ "allowed": [161] })).await;
            assert_eq!(codes(&outcome), ["public_community"], "{outcome:?}");
        });
    });
}

#[test]
fn the_port_mapper_answers() {
    inside("the_port_mapper_answers", "", || {
        let _server = Server::start(server("rpcbind").args(["-f", "-w", "-h", "127.0.0.1"]));
        run(async {
            let answer = answer(UdpProtocol::Portmapper).await;
            // The number of our call, and that this is a reply (1).
            assert_eq!(&answer.head.as_bytes()[..8], b"rd\0\0\0\0\0\x01", "{answer:?}");
            let outcome = exposure(json!({ "mode": "both" })).await;
            assert_eq!(codes(&outcome)[0], "unexpected_answer", "{outcome:?}");
            assert_eq!(outcome.findings[0].subject, "UDP port 111");
        });
    });
}

#[test]
fn a_file_server_answers_from_another_port() {
    inside("a_file_server_answers_from_another_port", "", || {
        let folder = Folder::new("tftp");
        let mut command = server("in.tftpd");
        command
            .args([
                "--foreground",
                "--address",
                "127.0.0.1:69",
                "--user",
                "root",
                "--secure",
            ])
            .arg(folder.path());
        let _server = Server::start(&mut command);
        run(async {
            let answer = answer(UdpProtocol::Tftp).await;
            // An error (5), as there is no such file.
            assert_eq!(&answer.head.as_bytes()[..2], [0, 5], "{answer:?}");
        });
    });
}

#[test]
fn a_nameserver_answers_and_does_not_amplify() {
    inside("a_nameserver_answers_and_does_not_amplify", "", || {
        let folder = Folder::new("named-udp");
        let at = folder.path().display();
        let file = folder.path().join("named.conf");
        let conf = format!(
            "options {{ directory \"{at}\"; pid-file none; session-keyfile none; listen-on {{ 127.0.0.1; }}; \
             listen-on-v6 {{ none; }}; recursion no; }};\ncontrols {{ }};\n"
        );
        fs::write(&file, conf).unwrap();
        let mut command = server("named");
        let _server = Server::start(command.arg("-g").arg("-c").arg(&file));
        run(async {
            answer(UdpProtocol::Dns).await;
            let outcome = exposure(json!({ "allowed": [53], "required": [53] })).await;
            assert!(outcome.status.is_pass(), "{outcome:?}");
            assert_eq!(outcome.summary, "answers over UDP: 53");
        });
    });
}
