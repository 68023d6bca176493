//! A bind9 of the test's own.

use std::{
    fs::File,
    net::{IpAddr, Ipv4Addr, TcpListener, UdpSocket},
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use super::folder::Folder;

const OPTIONS: &str = r#"
options {
    directory "@folder@";
    pid-file none;
    session-keyfile none;
    managed-keys-directory "@folder@";
    listen-on port @port@ { 127.0.0.1; };
    listen-on-v6 port @port@ { @second@; };
    dnssec-validation no;
    notify no;
    empty-zones-enable no;
    check-integrity no;
    @more@
};
controls { };
"#;

/// A process that runs until it is dropped.
pub struct Named(Child);

impl Named {
    /// Starts it on a port of 127.0.0.1, and of `second` (`none` for nothing else), with `more` options, and
    /// waits until it has loaded its zones.
    pub fn start(folder: &Folder, name: &str, port: u16, second: &str, more: &str, zones: &str) -> Self {
        let options = OPTIONS
            .replace("@port@", &port.to_string())
            .replace("@second@", second)
            .replace("@more@", more)
            .replace("@folder@", folder.path().to_str().unwrap());
        let config = folder.write(&format!("{name}.conf"), &format!("{options}{zones}"));
        let log = format!("{name}.log");
        let child = Command::new("/usr/sbin/named")
            .args(["-g", "-n", "1", "-c", &config])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(File::create(folder.join(&log)).unwrap())
            .spawn()
            .expect("bind9 is installed");
        let mut named = Self(child);
        let begun = Instant::now();
        while !folder.read(&log).contains("all zones loaded") {
            let ended = named.0.try_wait().unwrap();
            assert!(
                ended.is_none() && begun.elapsed() < Duration::from_secs(20),
                "named does not start: {}",
                folder.read(&log)
            );
            thread::sleep(Duration::from_millis(20));
        }
        named
    }
}

impl Drop for Named {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A port that is free for UDP and TCP on 127.0.0.1 and on `listened`, and for UDP on `others`.
pub fn free_port(listened: &[&str], others: &[&str]) -> u16 {
    let address = |text: &&str| text.parse::<IpAddr>().unwrap();
    loop {
        let udp = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let port = udp.local_addr().unwrap().port();
        let has_tcp = |text: &&str| TcpListener::bind((address(text), port)).is_ok();
        let has_udp = |text: &&str| UdpSocket::bind((address(text), port)).is_ok();
        let own = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok();
        if own && listened.iter().all(|text| has_tcp(text) && has_udp(text)) && others.iter().all(has_udp) {
            return port;
        }
    }
}
