//! What usually stands behind a port, and which ports should not face strangers.

use readiness_core::fact::PortSet;

/// Ports behind which stands something that gives data or control away: administration, databases,
/// queues, orchestration. With what usually listens there.
const DANGER: [(u16, &str); 40] = [
    (22, "SSH"),
    (23, "Telnet"),
    (25, "SMTP"),
    (111, "the RPC port mapper"),
    (135, "Windows RPC"),
    (139, "NetBIOS"),
    (445, "SMB"),
    (1433, "SQL Server"),
    (1521, "Oracle Database"),
    (2049, "NFS"),
    (2375, "the Docker API, without TLS"),
    (2376, "the Docker API"),
    (2379, "etcd"),
    (2380, "etcd, between its members"),
    (3000, "Grafana or a development server"),
    (3306, "MySQL"),
    (3389, "Remote Desktop"),
    (4369, "the Erlang port mapper"),
    (5432, "PostgreSQL"),
    (5601, "Kibana"),
    (5672, "RabbitMQ"),
    (5900, "VNC"),
    (5984, "CouchDB"),
    (6379, "Redis"),
    (6443, "the Kubernetes API"),
    (7001, "WebLogic"),
    (8086, "InfluxDB"),
    (8500, "Consul"),
    (9000, "MinIO, PHP-FPM or SonarQube"),
    (9042, "Cassandra"),
    (9090, "Prometheus"),
    (9092, "Kafka"),
    (9200, "Elasticsearch"),
    (9300, "Elasticsearch, between its nodes"),
    (10250, "the kubelet API"),
    (10255, "the kubelet API, read-only"),
    (11211, "memcached"),
    (15672, "RabbitMQ's management"),
    (27017, "MongoDB"),
    (50070, "the HDFS NameNode"),
];

/// Others that people meet.
const COMMON: [(u16, &str); 10] = [
    (21, "FTP"),
    (53, "DNS"),
    (80, "HTTP"),
    (110, "POP3"),
    (143, "IMAP"),
    (443, "HTTPS"),
    (873, "rsync"),
    (5044, "Logstash"),
    (8080, "HTTP"),
    (8443, "HTTPS"),
];

/// The ports that should not face strangers.
pub(super) fn danger() -> PortSet {
    DANGER.iter().map(|&(port, _)| port).collect()
}

/// What usually listens on a port.
pub(super) fn service(port: u16) -> Option<&'static str> {
    DANGER
        .iter()
        .chain(&COMMON)
        .find_map(|&(other, name)| (other == port).then_some(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_port_stands_once() {
        let mut all: Vec<u16> = DANGER.iter().chain(&COMMON).map(|&(port, _)| port).collect();
        all.sort_unstable();
        let before = all.len();
        all.dedup();
        assert_eq!(all.len(), before);
        assert_eq!(danger().len(), DANGER.len());
        assert_eq!((service(6379), service(1)), (Some("Redis"), None));
    }
}
