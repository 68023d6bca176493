//! The smallest way to take readiness: TCP alone, without nameservers, TLS or HTTP.

#[cfg(test)]
mod tests {
    use std::{net::Ipv4Addr, sync::Arc, time::Duration};

    use readiness_probes::{Suite, Target, builtin, gate, live::Live, presets};
    use tokio::net::TcpListener;

    #[tokio::test]
    async fn the_gate_opens_for_a_name() {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let suite = presets::tcp(&format!("localhost:{port}")).expect("a suite");
        let passed = gate(suite).within(Duration::from_secs(5)).await;
        passed.expect("the port is open");
    }

    #[tokio::test]
    async fn the_gate_opens_for_a_name_that_the_program_resolves() {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let sources = Live::new()
            .resolve("db.internal", Ipv4Addr::LOCALHOST.into())
            .sources();
        let target = Target::parse_as(&format!("db.internal:{port}"), "tcp").expect("a target");
        let mut suite = Suite::new(sources.expect("sources"));
        for requirement in builtin::registry()
            .preset("tcp", &Arc::new(target), &Default::default())
            .expect("a preset")
        {
            suite.add(requirement).expect("a requirement");
        }
        let passed = gate(suite).within(Duration::from_secs(5)).await;
        passed.expect("the port is open");
    }

    #[tokio::test]
    async fn a_closed_port_is_named() {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a port");
        let port = listener.local_addr().expect("an address").port();
        drop(listener);
        let suite = presets::tcp(&format!("localhost:{port}")).expect("a suite");
        let error = gate(suite)
            .within(Duration::from_millis(300))
            .await
            .expect_err("nobody listens");
        assert!(error.to_string().contains("refused"), "{error}");
    }
}
