//! MariaDB, NATS, memcached, RabbitMQ and Exim, each in a folder of its own; they go with the value.

#![allow(clippy::unwrap_used, unreachable_pub, reason = "a test")]

use std::{
    fs,
    os::unix::process::CommandExt,
    path::Path,
    process::{Command, Stdio},
};

use tokio::net::TcpStream;

use crate::support::{Folder, Server, free_port, is_root, program, until};

/// Whether somebody accepts, and says something by itself where it is one that does.
pub async fn accepts(port: u16) -> bool {
    TcpStream::connect(("127.0.0.1", port)).await.is_ok()
}

/// A program that may not run as root is started as this user of its package.
pub fn as_user(user: &str, program: &Path) -> Command {
    if !is_root() {
        return Command::new(program);
    }
    let mut command = Command::new("setpriv");
    command
        .arg(format!("--reuid={user}"))
        .arg(format!("--regid={user}"))
        .args(["--clear-groups", "--"])
        .arg(program);
    command
}

pub fn give_to(user: &str, folder: &Path) {
    if is_root() {
        run(Command::new("chown").arg("-R").arg(user).arg(folder));
    }
}

pub fn run(command: &mut Command) {
    let output = command.output().unwrap_or_else(|e| panic!("{command:?}: {e}"));
    let said = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    assert!(
        output.status.success(),
        "{command:?}: {}\n{}\n{}",
        output.status,
        said(&output.stdout),
        said(&output.stderr)
    );
}

/// A server of several processes, all of which go with the test.
pub struct Group(Server);

impl Group {
    pub fn start(command: &mut Command) -> Self {
        Self(Server::start(command.process_group(0)))
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        let group = format!("-{}", self.0.0.id());
        let _ = Command::new("kill").args(["-KILL", "--", &group]).status();
    }
}

pub struct Started {
    pub port: u16,
    pub folder: Folder,
    _server: Server,
}

/// A MariaDB of the test's own, whose root logs in by this SQL.
pub async fn mariadb(init: &str, arguments: &[&str]) -> Started {
    let folder = Folder::new("mariadb");
    let data = folder.path().join("data");
    fs::create_dir(&data).unwrap();
    give_to("mysql", folder.path());
    let sbin = ["/usr/sbin".into()];
    run(as_user("mysql", &program("mariadb-install-db", &[]))
        .args([
            "--no-defaults",
            "--auth-root-authentication-method=normal",
            "--skip-test-db",
        ])
        .args(["--skip-name-resolve", "--skip-log-bin"])
        // Two that are installed at once would take each other's tables away.
        .arg(format!("--tmpdir={}", folder.path().display()))
        .arg(format!("--datadir={}", data.display())));
    let init_file = folder.path().join("init.sql");
    fs::write(&init_file, init).unwrap();
    let port = free_port();
    let server = Server::start(
        as_user("mysql", &program("mariadbd", &sbin))
            .args(["--no-defaults", "--bind-address=127.0.0.1", "--skip-name-resolve"])
            .arg(format!("--datadir={}", data.display()))
            .arg(format!("--tmpdir={}", folder.path().display()))
            .arg(format!("--socket={}", folder.path().join("s").display()))
            .arg(format!("--pid-file={}", folder.path().join("pid").display()))
            .arg(format!("--init-file={}", init_file.display()))
            .arg(format!("--port={port}"))
            .args(arguments)
            .stdout(Stdio::null())
            .stderr(Stdio::null()),
    );
    until("MariaDB", || accepts(port)).await;
    Started {
        port,
        folder,
        _server: server,
    }
}

pub async fn nats(arguments: &[&str]) -> Started {
    let folder = Folder::new("nats");
    let port = free_port();
    let server = Server::start(
        Command::new(program("nats-server", &["/usr/sbin".into()]))
            .args(["-a", "127.0.0.1", "-p", &port.to_string()])
            .args(arguments)
            .current_dir(folder.path())
            .stdout(Stdio::null())
            .stderr(Stdio::null()),
    );
    until("NATS", || accepts(port)).await;
    Started {
        port,
        folder,
        _server: server,
    }
}

pub async fn memcached(arguments: &[&str]) -> Started {
    let folder = Folder::new("memcached");
    give_to("memcache", folder.path());
    let port = free_port();
    let server = Server::start(
        as_user("memcache", &program("memcached", &[]))
            .args(["-l", "127.0.0.1", "-U", "0", "-p", &port.to_string()])
            .args(arguments)
            // SASL looks for its settings there, and is content with none.
            .env("SASL_CONF_PATH", folder.path())
            .current_dir(folder.path())
            .stdout(Stdio::null())
            .stderr(Stdio::null()),
    );
    until("memcached", || accepts(port)).await;
    Started {
        port,
        folder,
        _server: server,
    }
}

/// A RabbitMQ in a folder of its own, and the port mapper that its runtime asks for.
pub struct Rabbit {
    pub port: u16,
    // In this order: the mapper outlives who asks it.
    _server: Group,
    _mapper: Server,
    _folder: Folder,
}

pub async fn rabbit(conf: &str) -> Rabbit {
    let folder = Folder::new("rabbit");
    give_to("rabbitmq", folder.path());
    let (port, inner, mapper_port) = (free_port(), free_port(), free_port());
    let scene = |command: &mut Command| {
        command
            .env("HOME", folder.path())
            .env("ERL_EPMD_ADDRESS", "127.0.0.1")
            .env("ERL_EPMD_PORT", mapper_port.to_string())
            .current_dir(folder.path())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
    };
    let mut command = as_user("rabbitmq", &program("epmd", &[]));
    scene(&mut command);
    let mapper = Server::start(&mut command);
    until("the port mapper", || accepts(mapper_port)).await;
    let folders = ["/usr/lib/rabbitmq/bin".into()];
    // The one in the path is a wrapper that writes into the machine's own folders.
    let own = Path::new("/usr/lib/rabbitmq/bin/rabbitmq-server");
    let server = if own.is_file() {
        own.to_path_buf()
    } else {
        program("rabbitmq-server", &folders)
    };
    let mut command = as_user("rabbitmq", &server);
    scene(&mut command);
    let path = |name: &str| folder.path().join(name);
    fs::write(path("env"), "").unwrap();
    fs::write(path("rabbitmq.conf"), conf).unwrap();
    command
        .env("RABBITMQ_NODENAME", format!("readiness-{port}@localhost"))
        .env("RABBITMQ_NODE_IP_ADDRESS", "127.0.0.1")
        .env("RABBITMQ_NODE_PORT", port.to_string())
        .env("RABBITMQ_DIST_PORT", inner.to_string())
        .env("RABBITMQ_LOGS", "-");
    for (name, file) in [
        ("RABBITMQ_BASE", "."),
        ("RABBITMQ_CONFIG_FILE", "rabbitmq"),
        ("RABBITMQ_CONF_ENV_FILE", "env"),
        ("RABBITMQ_ENABLED_PLUGINS_FILE", "plugins"),
        ("RABBITMQ_FEATURE_FLAGS_FILE", "flags"),
        ("RABBITMQ_GENERATED_CONFIG_DIR", "generated"),
        ("RABBITMQ_LOG_BASE", "log"),
        ("RABBITMQ_MNESIA_BASE", "mnesia"),
        ("RABBITMQ_PID_FILE", "pid"),
        ("RABBITMQ_SCHEMA_DIR", "schema"),
    ] {
        command.env(name, path(file));
    }
    let server = Group::start(&mut command);
    until("RabbitMQ", || accepts(port)).await;
    Rabbit {
        port,
        _server: server,
        _mapper: mapper,
        _folder: folder,
    }
}

/// An Exim that takes no mail.
pub async fn exim(settings: &str) -> Started {
    use std::os::unix::fs::PermissionsExt;
    let folder = Folder::new("exim");
    let path = folder.path();
    for name in ["spool", "log"] {
        fs::create_dir(path.join(name)).unwrap();
    }
    let root = path.display();
    let conf = format!(
        "primary_hostname = mx.example.test\nspool_directory = {root}/spool\nlog_file_path = {root}/log/%slog\n\
         pid_file_path = {root}/exim.pid\nlocal_interfaces = 127.0.0.1\nhost_lookup =\n\
         rfc1413_query_timeout = 0s\nkeep_environment =\ntls_advertise_hosts =\n{settings}\n"
    );
    give_to("Debian-exim", path);
    // Exim takes its settings only from a file that nobody else could have written.
    let conf_path = path.join("exim.conf");
    fs::write(&conf_path, conf).unwrap();
    fs::set_permissions(&conf_path, fs::Permissions::from_mode(0o644)).unwrap();
    let port = free_port();
    let server = Server::start(
        Command::new(program("exim4", &["/usr/sbin".into()]))
            .arg("-C")
            .arg(&conf_path)
            .args(["-bdf", "-oX", &port.to_string()])
            .stdout(Stdio::null())
            .stderr(Stdio::null()),
    );
    until("Exim", || accepts(port)).await;
    Started {
        port,
        folder,
        _server: server,
    }
}
