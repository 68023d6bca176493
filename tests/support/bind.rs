//! A nameserver of Debian's bind9, as a process of its own.

use std::{
    fs::File,
    net::{TcpListener, UdpSocket},
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
    recursion no;
    dnssec-validation no;
    notify no;
    allow-transfer { none; };
    empty-zones-enable no;
    check-integrity no;
};
controls { };
"#;

/// A process that runs until it is dropped.
pub struct Named(Child);

impl Named {
    /// Starts it with these zones, on 127.0.0.1 and on this address of IPv6, and waits until they are loaded.
    pub fn start(folder: &Folder, name: &str, port: u16, second: &str, zones: &str) -> Self {
        let options = OPTIONS
            .replace("@port@", &port.to_string())
            .replace("@second@", second)
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

/// A port that is free for UDP and TCP on all these addresses.
pub fn free_port(addresses: &[&str]) -> u16 {
    loop {
        let udp = UdpSocket::bind((addresses[0], 0)).unwrap();
        let port = udp.local_addr().unwrap().port();
        let has_tcp = addresses
            .iter()
            .map(|address| TcpListener::bind((*address, port)).is_ok());
        let has_udp = addresses
            .iter()
            .skip(1)
            .map(|address| UdpSocket::bind((*address, port)).is_ok());
        if has_tcp.chain(has_udp).all(|free| free) {
            return port;
        }
    }
}
