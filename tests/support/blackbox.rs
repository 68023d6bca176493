//! nginx with a small page, and Debian's prometheus-blackbox-exporter that looks at it.

#![allow(
    dead_code,
    unreachable_pub,
    clippy::unwrap_used,
    reason = "a test and a bench use a part of it each"
)]

use std::{
    collections::HashSet,
    env,
    fmt::Write as _,
    fs::{self, File},
    net::{SocketAddr, TcpListener},
    path::PathBuf,
    process::{self, Child, Command, Stdio},
    time::{Duration, Instant},
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

/// What the page says; both look for it.
pub const SAID: &str = r#"{"status":"ok"}"#;

const NGINX: &str = r#"
daemon off;
worker_processes 1;
pid @folder@/nginx.pid;
error_log @folder@/error.log;
events { worker_connections 1024; }
http {
    log_format connection '$connection';
    access_log off;
    keepalive_requests 1000000;
    client_body_temp_path @folder@/body;
    proxy_temp_path @folder@/proxy;
    fastcgi_temp_path @folder@/fastcgi;
    uwsgi_temp_path @folder@/uwsgi;
    scgi_temp_path @folder@/scgi;
    default_type application/json;
    server {
        listen @address@;
        location / { access_log @folder@/access.log connection; return 200 '@said@'; }
        location = /sick { return 503 '{"status":"down"}'; }
        location = /other { return 200 '{"status":"none"}'; }
        location = /moved { return 302 /; }
    }
}
"#;

const BLACKBOX: &str = r#"
modules:
  page:
    prober: http
    timeout: 5s
    http:
      preferred_ip_protocol: ip4
      follow_redirects: false
      fail_if_body_not_matches_regexp: ['"status":"ok"']
"#;

/// Both, with the folder they live in; they go with the value.
pub struct Both {
    pub nginx: SocketAddr,
    pub blackbox: SocketAddr,
    folder: PathBuf,
    children: Vec<Child>,
}

impl Both {
    /// Whether the programs are there.
    pub fn are_installed() -> bool {
        let is_there = |name: &str| {
            let path = env::var_os("PATH").unwrap_or_default();
            let mut folders = env::split_paths(&path).chain(["/usr/sbin".into()]);
            folders.any(|folder| folder.join(name).is_file())
        };
        is_there("nginx") && is_there("prometheus-blackbox-exporter")
    }

    pub async fn start() -> Self {
        let [nginx, blackbox] = free_addresses();
        let folder = env::temp_dir().join(format!("readiness-blackbox-{}-{}", process::id(), nginx.port()));
        fs::create_dir(&folder).unwrap();
        let mut both = Self {
            nginx,
            blackbox,
            folder,
            children: Vec::new(),
        };
        let place = both.folder.to_str().unwrap().to_owned();
        let config = NGINX
            .replace("@folder@", &place)
            .replace("@address@", &nginx.to_string())
            .replace("@said@", SAID);
        let config = both.write("nginx.conf", &config);
        let errors = format!("{place}/error.log");
        both.spawn(Command::new("nginx").args(["-p", &place, "-c", &config, "-e", &errors]));
        let config = both.write("blackbox.yml", BLACKBOX);
        both.spawn(
            Command::new("prometheus-blackbox-exporter")
                .arg(format!("--config.file={config}"))
                .arg(format!("--web.listen-address={blackbox}")),
        );
        for (what, address) in [("nginx", nginx), ("prometheus-blackbox-exporter", blackbox)] {
            let began = Instant::now();
            while TcpStream::connect(address).await.is_err() {
                let said = fs::read_to_string(both.folder.join("stderr")).unwrap_or_default();
                assert!(
                    began.elapsed() < Duration::from_secs(60),
                    "{what} does not start: {said}"
                );
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        }
        both
    }

    fn spawn(&mut self, command: &mut Command) {
        let errors = File::options()
            .create(true)
            .append(true)
            .open(self.folder.join("stderr"))
            .unwrap();
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(errors);
        let child = command.spawn();
        self.children
            .push(child.unwrap_or_else(|e| panic!("{command:?}: {e}; install the package")));
    }

    fn write(&self, name: &str, content: &str) -> String {
        let file = self.folder.join(name);
        fs::write(&file, content).unwrap();
        file.to_str().unwrap().to_owned()
    }

    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.nginx)
    }

    /// Over how many connections the page was asked for since the last call, and how often.
    pub async fn asked(&self) -> (usize, usize) {
        let log = self.folder.join("access.log");
        // nginx writes the line of a request after it has answered.
        tokio::time::sleep(Duration::from_millis(50)).await;
        let lines = fs::read_to_string(&log).unwrap_or_default();
        // It goes on writing at the end.
        File::options()
            .write(true)
            .open(&log)
            .unwrap()
            .set_len(0)
            .unwrap();
        let connections: HashSet<&str> = lines.lines().collect();
        (connections.len(), lines.lines().count())
    }

    /// What asks blackbox over one connection that is kept.
    pub async fn asker(&self) -> Asker {
        Asker {
            stream: TcpStream::connect(self.blackbox).await.unwrap(),
            host: self.blackbox,
        }
    }
}

impl Drop for Both {
    fn drop(&mut self) {
        for child in &mut self.children {
            // SIGKILL would leave the workers of nginx behind.
            let _ = Command::new("kill").arg(child.id().to_string()).status();
            let _ = child.wait();
        }
        let _ = fs::remove_dir_all(&self.folder);
    }
}

pub struct Asker {
    stream: TcpStream,
    host: SocketAddr,
}

impl Asker {
    /// Whether blackbox says that the page at this URL is as it should be.
    pub async fn is_success(&mut self, url: &str) -> bool {
        let mut escaped = String::new();
        for byte in url.bytes() {
            write!(escaped, "%{byte:02x}").unwrap();
        }
        let host = self.host;
        let request = format!("GET /probe?module=page&target={escaped} HTTP/1.1\r\nHost: {host}\r\n\r\n");
        self.stream.write_all(request.as_bytes()).await.unwrap();
        let body = self.body().await;
        let line = body.lines().find(|line| line.starts_with("probe_success "));
        line.unwrap_or_else(|| panic!("{body}")) == "probe_success 1"
    }

    /// The next answer's body, by its length or in chunks.
    async fn body(&mut self) -> String {
        let mut read = Vec::new();
        loop {
            let text = String::from_utf8_lossy(&read);
            if let Some((head, body)) = text.split_once("\r\n\r\n") {
                let head = head.to_ascii_lowercase();
                let length = head
                    .lines()
                    .find_map(|line| line.strip_prefix("content-length: "));
                let whole = match length {
                    Some(length) => body.get(..length.trim().parse().unwrap()).map(str::to_owned),
                    None => of_chunks(body),
                };
                if let Some(whole) = whole {
                    return whole;
                }
            }
            let n = self.stream.read_buf(&mut read).await.unwrap();
            assert!(n > 0, "blackbox closed: {}", String::from_utf8_lossy(&read));
        }
    }
}

/// What chunks hold together, if they have come to their end. RFC 9112, section 7.1.
fn of_chunks(mut chunks: &str) -> Option<String> {
    let mut whole = String::new();
    loop {
        let (size, rest) = chunks.split_once("\r\n")?;
        let size = usize::from_str_radix(size, 16).unwrap();
        let data = rest.get(..size)?;
        chunks = rest.get(size..)?.strip_prefix("\r\n")?;
        if size == 0 {
            return Some(whole);
        }
        whole.push_str(data);
    }
}

/// Two addresses that nothing listens on just now.
fn free_addresses() -> [SocketAddr; 2] {
    let listeners = [(); 2].map(|()| TcpListener::bind("127.0.0.1:0").unwrap());
    listeners.map(|listener| listener.local_addr().unwrap())
}
