//! A shop behind a real nginx, with a relay before it that counts who comes.

use std::{
    fs::File,
    net::IpAddr,
    os::unix::net::UnixStream,
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use tokio::runtime::Runtime;

use super::{folder::Folder, pki::Authority, relay::Relay};

pub const HOST: &str = "shop.example.test";

/// How the shop is run.
#[derive(Clone, Copy, Eq, PartialEq)]
pub enum Care {
    /// As one would wish.
    Hardened,
    /// As one often meets it.
    Faulty,
}

pub struct Shop {
    pub folder: Folder,
    pub tls: Relay,
    pub plain: Relay,
    addresses: Vec<IpAddr>,
    nginx: Child,
    pub runtime: Runtime,
}

impl Shop {
    /// Starts it, to be reached at these addresses. Both ports of nginx are sockets in a folder, so that no
    /// other test can take them.
    pub fn open(care: Care, http2: bool, addresses: &[&str]) -> Self {
        let addresses: Vec<IpAddr> = addresses.iter().map(|text| text.parse().unwrap()).collect();
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()
            .unwrap();
        let mut tls = runtime.block_on(Relay::bind(&addresses));
        let mut plain = runtime.block_on(Relay::bind(&addresses));

        let folder = Folder::new();
        let authority = Authority::new();
        let issued = match care {
            Care::Hardened => authority.issue(HOST),
            Care::Faulty => authority.issue_expired(HOST),
        };
        folder.write("ca.pem", &authority.pem());
        folder.write("chain.pem", &issued.chain);
        folder.write("key.pem", &issued.key);
        let server = match care {
            Care::Hardened => HARDENED,
            Care::Faulty => FAULTY,
        };
        let config = COMMON.replace("@server@", server);
        let config = config
            .replace("@folder@", folder.path().to_str().unwrap())
            .replace("@http2@", if http2 { " http2" } else { "" })
            .replace("@host@", HOST)
            .replace("@port@", &tls.port.to_string());
        let config = folder.write("nginx.conf", &config);
        let errors = File::create(folder.join("stderr")).unwrap();
        let mut nginx = Command::new("nginx")
            .args(["-p", folder.path().to_str().unwrap(), "-c", &config])
            .args(["-e", &folder.text("error.log")])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(errors)
            .spawn()
            .expect("nginx is installed");
        let begun = Instant::now();
        while UnixStream::connect(folder.join("plain.sock")).is_err() {
            let ended = nginx.try_wait().unwrap();
            assert!(
                ended.is_none() && begun.elapsed() < Duration::from_secs(20),
                "nginx does not start: {}",
                folder.read("stderr")
            );
            thread::sleep(Duration::from_millis(20));
        }
        tls.start(&runtime, &folder.join("tls.sock"));
        plain.start(&runtime, &folder.join("plain.sock"));
        Self {
            folder,
            tls,
            plain,
            addresses,
            nginx,
            runtime,
        }
    }

    pub fn url(&self) -> String {
        format!("https://{HOST}:{}/", self.tls.port)
    }

    pub fn ca_pem(&self) -> String {
        self.folder.read("ca.pem")
    }

    /// What `check` is told of it, but for the way to resolve its name.
    pub fn arguments_without_addresses(&self) -> Vec<String> {
        let plain_port = self.plain.port.to_string();
        let ca = self.folder.text("ca.pem");
        let url = self.url();
        [
            "--ca",
            &ca,
            "--plain-port",
            &plain_port,
            "--health",
            "/healthz",
            &url,
        ]
        .map(str::to_owned)
        .to_vec()
    }

    /// What `check` is told of it.
    pub fn arguments(&self) -> Vec<String> {
        let mut all = self.arguments_without_addresses();
        for address in &self.addresses {
            all.extend(["--resolve".to_owned(), format!("{HOST}={address}")]);
        }
        all
    }
}

impl Drop for Shop {
    fn drop(&mut self) {
        // SIGKILL would leave the workers behind.
        let _ = Command::new("kill").arg(self.nginx.id().to_string()).status();
        let _ = self.nginx.wait();
    }
}

const COMMON: &str = r#"
daemon off;
worker_processes 1;
pid @folder@/nginx.pid;
error_log @folder@/error.log;
events { worker_connections 256; }
http {
    access_log off;
    client_body_temp_path @folder@/body;
    proxy_temp_path @folder@/proxy;
    fastcgi_temp_path @folder@/fastcgi;
    uwsgi_temp_path @folder@/uwsgi;
    scgi_temp_path @folder@/scgi;
    ssl_certificate @folder@/chain.pem;
    ssl_certificate_key @folder@/key.pem;
    default_type text/html;
    charset utf-8;
@server@
}
"#;

const HARDENED: &str = r#"
    server_tokens off;
    server {
        listen unix:@folder@/plain.sock;
        return 308 https://@host@:@port@$request_uri;
    }
    server {
        listen unix:@folder@/tls.sock ssl@http2@;
        ssl_protocols TLSv1.2 TLSv1.3;
        ssl_session_tickets off;
        add_header Strict-Transport-Security "max-age=63072000; includeSubDomains" always;
        add_header Content-Security-Policy "default-src 'self'; object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'" always;
        add_header X-Content-Type-Options nosniff always;
        add_header Referrer-Policy strict-origin-when-cross-origin always;
        add_header Permissions-Policy "camera=(), geolocation=(), microphone=()" always;
        add_header Cross-Origin-Opener-Policy same-origin always;
        add_header Cross-Origin-Embedder-Policy require-corp always;
        add_header Cross-Origin-Resource-Policy same-origin always;
        add_header Set-Cookie "__Host-session=a1b2c3d4e5; Path=/; Secure; HttpOnly; SameSite=Lax" always;
        location / { return 200 "<!doctype html><title>Shop</title><h1>Shop</h1>"; }
        location = /healthz {
            types { }
            default_type application/health+json;
            return 200 '{"status":"pass","checks":{"orders-db":[{"status":"pass"}]}}';
        }
    }
"#;

const FAULTY: &str = r#"
    server {
        listen unix:@folder@/plain.sock;
        return 302 https://@host@:@port@$request_uri;
    }
    server {
        listen unix:@folder@/tls.sock ssl@http2@;
        ssl_protocols TLSv1.2;
        add_header Strict-Transport-Security "max-age=300" always;
        add_header Set-Cookie "session=a1b2c3d4e5; Path=/" always;
        location / { return 200 "<!doctype html><title>Shop</title><h1>Shop</h1>"; }
    }
"#;
