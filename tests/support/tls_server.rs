//! A real nginx that speaks TLS as it is told, behind a relay that counts connections.

use std::{
    fs::File,
    net::Ipv4Addr,
    os::unix::net::UnixStream,
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use tokio::runtime::Runtime;

use super::{folder::Folder, relay::Relay};

pub struct TlsServer {
    pub relay: Relay,
    nginx: Child,
    pub folder: Folder,
    pub runtime: Runtime,
}

impl TlsServer {
    /// Starts it with an RSA and an ECDSA certificate for `localhost`, a prime of 1024 bits, and these lines of
    /// its configuration.
    pub fn open(lines: &str) -> Self {
        Self::with_curve("prime256v1", lines)
    }

    /// The same with the ECDSA key on this curve.
    pub fn with_curve(curve: &str, lines: &str) -> Self {
        let folder = Folder::new();
        certify(&folder, "rsa", &["-newkey", "rsa:2048"]);
        let group = format!("ec_paramgen_curve:{curve}");
        certify(&folder, "ecdsa", &["-newkey", "ec", "-pkeyopt", &group]);
        openssl(&["dhparam", "-dsaparam", "-out", &folder.text("dh.pem"), "1024"]);
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()
            .unwrap();
        let mut relay = runtime.block_on(Relay::bind(&[Ipv4Addr::LOCALHOST.into()]));
        let config = CONFIG
            .replace("@lines@", lines)
            .replace("@folder@", folder.path().to_str().unwrap());
        let config = folder.write("nginx.conf", &config);
        let mut nginx = Command::new("nginx")
            .args(["-p", folder.path().to_str().unwrap(), "-c", &config])
            .args(["-e", &folder.text("error.log")])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(File::create(folder.join("stderr")).unwrap())
            .spawn()
            .expect("nginx is installed");
        let begun = Instant::now();
        while UnixStream::connect(folder.join("tls.sock")).is_err() {
            let ended = nginx.try_wait().unwrap();
            assert!(
                ended.is_none() && begun.elapsed() < Duration::from_secs(20),
                "nginx does not start: {}",
                folder.read("stderr")
            );
            thread::sleep(Duration::from_millis(20));
        }
        relay.start(&runtime, &folder.join("tls.sock"));
        Self {
            relay,
            nginx,
            folder,
            runtime,
        }
    }

    /// How many connections came since the last call.
    pub fn connections(&self) -> usize {
        self.relay.taken().iter().sum()
    }
}

impl Drop for TlsServer {
    fn drop(&mut self) {
        // SIGKILL would leave the workers behind.
        let _ = Command::new("kill").arg(self.nginx.id().to_string()).status();
        let _ = self.nginx.wait();
    }
}

/// Makes a self-signed certificate: rcgen has no key on P-224.
fn certify(folder: &Folder, name: &str, key: &[&str]) {
    let (key_file, certificate) = (
        folder.text(&format!("{name}.key")),
        folder.text(&format!("{name}.pem")),
    );
    let subject = [
        "-subj",
        "/CN=localhost",
        "-addext",
        "subjectAltName=DNS:localhost",
    ];
    let out = ["-keyout", &key_file, "-out", &certificate];
    openssl(
        &[
            &["req", "-x509", "-nodes", "-days", "80"],
            &subject[..],
            key,
            &out,
        ]
        .concat(),
    );
}

fn openssl(arguments: &[&str]) {
    let made = Command::new("openssl")
        .args(arguments)
        .output()
        .expect("openssl is installed");
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
}

const CONFIG: &str = r#"
daemon off;
worker_processes 1;
pid @folder@/nginx.pid;
error_log @folder@/error.log;
events { worker_connections 512; }
http {
    access_log off;
    client_body_temp_path @folder@/body;
    proxy_temp_path @folder@/proxy;
    fastcgi_temp_path @folder@/fastcgi;
    uwsgi_temp_path @folder@/uwsgi;
    scgi_temp_path @folder@/scgi;
    server {
        listen unix:@folder@/tls.sock ssl;
        server_name localhost;
@lines@
        return 204;
    }
}
"#;
