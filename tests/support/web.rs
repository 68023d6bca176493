//! Web servers of Debian's packages, and one of axum: each as it comes, and each hardened.

use std::{
    env,
    fs::{self, File},
    io,
    net::{IpAddr, Ipv4Addr, SocketAddr, TcpStream},
    process::{self, Child, Command, Stdio},
    sync::{
        Arc,
        atomic::{AtomicU8, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use axum::{Router, http::HeaderName, response::Redirect, routing::get, serve::Listener};
use rustls::{
    ServerConfig,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
};
use tokio::{
    net::TcpListener,
    runtime::{self, Runtime},
};
use tokio_rustls::{TlsAcceptor, server::TlsStream};
use tower_http::set_header::SetResponseHeaderLayer;

use super::{
    folder::Folder,
    pki::{Authority, Issued},
};

pub const HOST: &str = "www.example.test";

/// The headers of a hardened server, whichever it is.
pub const HARDENED: [(&str, &str); 9] = [
    ("strict-transport-security", "max-age=63072000; includeSubDomains"),
    (
        "content-security-policy",
        "default-src 'self'; object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'",
    ),
    ("x-content-type-options", "nosniff"),
    ("x-frame-options", "DENY"),
    ("referrer-policy", "strict-origin-when-cross-origin"),
    ("permissions-policy", "camera=(), geolocation=(), microphone=()"),
    ("cross-origin-opener-policy", "same-origin"),
    ("cross-origin-embedder-policy", "require-corp"),
    ("cross-origin-resource-policy", "same-origin"),
];

/// Which server it is.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Kind {
    Apache,
    Axum,
    Caddy,
    Nginx,
}

/// A running server at an address of its own, with https at port 443 and http at port 80.
pub struct Web {
    folder: Folder,
    address: Ipv4Addr,
    process: Option<Child>,
    _runtime: Option<Runtime>,
}

impl Web {
    /// Starts one.
    pub fn start(kind: Kind, hardened: bool) -> Self {
        let authority = Authority::new();
        let issued = authority.issue(HOST);
        let mut web = Self {
            folder: Folder::new(),
            address: an_address(),
            process: None,
            _runtime: None,
        };
        web.folder.write("ca.pem", &authority.pem());
        web.folder.write("chain.pem", &issued.chain);
        web.folder.write("key.pem", &issued.key);
        web.folder.write("index.html", PAGE);
        match kind {
            Kind::Apache => web.run(apache(&web, hardened)),
            Kind::Axum => web._runtime = Some(axum(web.address, &issued, hardened)),
            Kind::Caddy => web.run(caddy(&web, hardened)),
            Kind::Nginx => web.run(nginx(&web, hardened)),
        }
        web.wait(kind);
        web
    }

    pub fn address(&self) -> IpAddr {
        self.address.into()
    }

    pub fn ca_pem(&self) -> String {
        self.folder.read("ca.pem")
    }

    fn run(&mut self, mut command: Command) {
        let said = File::create(self.folder.join("stderr")).unwrap();
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(said);
        self.process = Some(command.spawn().expect("the server is installed"));
    }

    fn wait(&mut self, kind: Kind) {
        let begun = Instant::now();
        for port in [80, 443] {
            let at = SocketAddr::new(self.address(), port);
            while TcpStream::connect(at).is_err() {
                let ended = self
                    .process
                    .as_mut()
                    .is_some_and(|process| process.try_wait().unwrap().is_some());
                assert!(
                    !ended && begun.elapsed() < Duration::from_secs(30),
                    "{kind:?} does not start: {}",
                    self.folder.read("stderr")
                );
                thread::sleep(Duration::from_millis(20));
            }
        }
    }
}

impl Drop for Web {
    fn drop(&mut self) {
        if let Some(process) = &mut self.process {
            // SIGKILL would leave the workers behind.
            let _ = Command::new("kill").arg(process.id().to_string()).status();
            let _ = process.wait();
        }
    }
}

/// An address of this machine's own network that nobody else has: the usual ports are free there.
fn an_address() -> Ipv4Addr {
    static NEXT: AtomicU8 = AtomicU8::new(1);
    let [_, _, high, low] = process::id().to_be_bytes();
    Ipv4Addr::new(
        127,
        64 + NEXT.fetch_add(1, Ordering::Relaxed),
        high,
        low.clamp(1, 254),
    )
}

const PAGE: &str = "<!doctype html><meta charset=utf-8><title>Example</title><h1>Example</h1>\n";

/// Reads a file of Debian's package and exchanges what ties it to the machine.
fn as_packaged(path: &str, exchange: &[(&str, String)]) -> String {
    let mut text = fs::read_to_string(path).unwrap_or_else(|e| panic!("{path}: {e}"));
    for (old, new) in exchange {
        assert!(text.contains(old), "`{old}` is not in {path}");
        text = text.replace(old, new);
    }
    text
}

fn nginx(web: &Web, hardened: bool) -> Command {
    let (folder, address) = (web.folder.path().to_str().unwrap(), web.address);
    let certificate = format!("ssl_certificate {folder}/chain.pem; ssl_certificate_key {folder}/key.pem;");
    let sites = if hardened {
        let headers: String = HARDENED
            .iter()
            .map(|(name, value)| format!("add_header {name} \"{value}\" always;\n"))
            .collect();
        format!(
            "server_tokens off;
             server {{ listen {address}:80; return 308 https://$host$request_uri; }}
             server {{ listen {address}:443 ssl http2; {certificate}
                 ssl_session_tickets off; charset utf-8; root {folder};
                 {headers} }}"
        )
    } else {
        as_packaged(
            "/etc/nginx/sites-available/default",
            &[
                (
                    "listen 80 default_server;",
                    format!("listen {address}:80; listen {address}:443 ssl; {certificate}"),
                ),
                ("listen [::]:80 default_server;", String::new()),
            ],
        )
    };
    let mut exchange = vec![
        ("pid /run/nginx.pid;", format!("pid {folder}/nginx.pid;")),
        ("/var/log/nginx/access.log", format!("{folder}/access.log")),
        ("include /etc/nginx/sites-enabled/*;", sites),
        (
            "worker_processes auto;",
            "worker_processes 1; daemon off;".to_owned(),
        ),
    ];
    if hardened {
        exchange.push((
            "ssl_protocols TLSv1 TLSv1.1 TLSv1.2 TLSv1.3;",
            "ssl_protocols TLSv1.2 TLSv1.3;".to_owned(),
        ));
    }
    let config = web
        .folder
        .write("nginx.conf", &as_packaged("/etc/nginx/nginx.conf", &exchange));
    let mut command = Command::new("nginx");
    command.args(["-c", &config, "-e", &web.folder.text("error.log")]);
    command
}

fn apache(web: &Web, hardened: bool) -> Command {
    let (folder, address) = (web.folder.path().to_str().unwrap(), web.address);
    let sites = if hardened {
        let headers: String = HARDENED
            .iter()
            .map(|(name, value)| format!("Header always set {name} \"{value}\"\n"))
            .collect();
        format!(
            "LoadModule headers_module /usr/lib/apache2/modules/mod_headers.so
             ServerTokens Prod
             ServerSignature Off
             AddDefaultCharset utf-8
             SSLProtocol -all +TLSv1.2 +TLSv1.3
             {headers}
             <Directory {folder}>
                 Require all granted
             </Directory>
             <VirtualHost *:80>
                 Redirect permanent / https://{HOST}/
             </VirtualHost>
             <VirtualHost *:443>
                 DocumentRoot {folder}
                 SSLEngine on
                 SSLCertificateFile {folder}/chain.pem
                 SSLCertificateKeyFile {folder}/key.pem
             </VirtualHost>"
        )
    } else {
        let plain = as_packaged("/etc/apache2/sites-available/000-default.conf", &[]);
        let tls = as_packaged(
            "/etc/apache2/sites-available/default-ssl.conf",
            &[
                (
                    "/etc/ssl/certs/ssl-cert-snakeoil.pem",
                    format!("{folder}/chain.pem"),
                ),
                (
                    "/etc/ssl/private/ssl-cert-snakeoil.key",
                    format!("{folder}/key.pem"),
                ),
            ],
        );
        plain + &tls
    };
    let modules = "/usr/lib/apache2/modules";
    let config = as_packaged(
        "/etc/apache2/apache2.conf",
        &[
            (
                "Include ports.conf",
                format!(
                    "Listen {address}:80\nListen {address}:443\nServerName {HOST}\n\
                     LoadModule socache_shmcb_module {modules}/mod_socache_shmcb.so\n\
                     LoadModule ssl_module {modules}/mod_ssl.so\n\
                     Include mods-available/ssl.conf\n"
                ),
            ),
            ("IncludeOptional sites-enabled/*.conf", sites),
        ],
    );
    let config = web.folder.write("apache2.conf", &config);
    let mut command = Command::new("apache2");
    command
        .args(["-d", "/etc/apache2", "-f", &config, "-DFOREGROUND"])
        .envs([
            ("APACHE_RUN_USER", "www-data"),
            ("APACHE_RUN_GROUP", "www-data"),
            ("APACHE_RUN_DIR", folder),
            ("APACHE_LOCK_DIR", folder),
            ("APACHE_LOG_DIR", folder),
            ("APACHE_PID_FILE", &web.folder.text("apache2.pid")),
        ]);
    command
}

fn caddy(web: &Web, hardened: bool) -> Command {
    let (folder, address) = (web.folder.path().to_str().unwrap(), web.address);
    let site = format!("https://{HOST} {{\n\tbind {address}\n\ttls {folder}/chain.pem {folder}/key.pem\n");
    let site = if hardened {
        let headers: String = HARDENED
            .iter()
            .map(|(name, value)| format!("\t\t{name} \"{value}\"\n"))
            .collect();
        format!("{site}\troot * {folder}\n\tfile_server\n\theader {{\n{headers}\t\t-server\n\t}}\n}}\n")
    } else {
        as_packaged("/etc/caddy/Caddyfile", &[(":80 {", site)])
    };
    let config = web
        .folder
        .write("Caddyfile", &format!("{{\n\tadmin off\n}}\n{site}"));
    let mut command = Command::new("caddy");
    command
        .args(["run", "--adapter", "caddyfile", "--config", &config])
        .env("XDG_DATA_HOME", folder)
        .env("XDG_CONFIG_HOME", folder)
        .env("HOME", env::var_os("HOME").unwrap_or_else(|| folder.into()));
    command
}

/// Serves a page over rustls, and the way to it over plain HTTP.
fn axum(address: Ipv4Addr, issued: &Issued, hardened: bool) -> Runtime {
    let mut app = Router::new().route("/", get(|| async { axum::response::Html(PAGE) }));
    if hardened {
        for (name, value) in HARDENED {
            app = app.layer(SetResponseHeaderLayer::overriding(
                HeaderName::from_static(name),
                axum::http::HeaderValue::from_static(value),
            ));
        }
    }
    let plain = Router::new().fallback(|| async { Redirect::permanent(&format!("https://{HOST}/")) });
    let chain = CertificateDer::pem_slice_iter(issued.chain.as_bytes())
        .collect::<Result<Vec<_>, _>>()
        .unwrap();
    let key = PrivateKeyDer::from_pem_slice(issued.key.as_bytes()).unwrap();
    let mut config =
        ServerConfig::builder_with_provider(Arc::new(rustls::crypto::aws_lc_rs::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(chain, key)
            .unwrap();
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let runtime = runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .unwrap();
    let bind = |port| runtime.block_on(TcpListener::bind((address, port))).unwrap();
    let over_tls = OverTls {
        listener: bind(443),
        acceptor,
    };
    let plain_listener = bind(80);
    runtime.spawn(async move { axum::serve(over_tls, app).await });
    runtime.spawn(async move { axum::serve(plain_listener, plain).await });
    runtime
}

struct OverTls {
    listener: TcpListener,
    acceptor: TlsAcceptor,
}

impl Listener for OverTls {
    type Io = TlsStream<tokio::net::TcpStream>;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Self::Io, Self::Addr) {
        loop {
            let Ok((stream, from)) = self.listener.accept().await else {
                continue;
            };
            if let Ok(stream) = self.acceptor.accept(stream).await {
                return (stream, from);
            }
        }
    }

    fn local_addr(&self) -> io::Result<Self::Addr> {
        self.listener.local_addr()
    }
}
