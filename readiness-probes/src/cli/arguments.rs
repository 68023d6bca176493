use std::{
    ffi::OsString,
    net::IpAddr,
    path::{Path, PathBuf},
    process::ExitCode,
};

use clap::{Parser, Subcommand, ValueEnum};
use readiness_core::{
    Policy, Profile, Suite, Target,
    fact::{Family, PortSet},
    score::BasisPoints,
};
use serde_json::Value;

use crate::live::Live;

/// Answers with evidence: is this deployment ready for production?
#[derive(Debug, Parser)]
#[command(
    name = "check",
    args_conflicts_with_subcommands = true,
    after_help = "Exit codes: 0 ready, 1 not ready, 2 inconclusive, 64 and above wrong usage.\n\
                  A flag that is not given leaves what readiness.toml says."
)]
pub(super) struct Arguments {
    #[command(subcommand)]
    pub(super) command: Option<Command>,
    /// What to look at: https://host:port/path, host, tcp://host:port, postgres://…, redis://…
    pub(super) targets: Vec<String>,
    /// A readiness.toml
    #[arg(short, long, value_name = "FILE")]
    pub(super) config: Option<PathBuf>,
    /// The preset for the targets: web, api, security_headers, tcp, … (by their scheme unless given)
    #[arg(short, long, value_name = "NAME")]
    preset: Option<String>,
    /// What to print, and what to write to a file whose ending says nothing
    #[arg(short, long, value_enum, conflicts_with = "healthcheck")]
    pub(super) format: Option<Format>,
    /// Writes a report; the ending says in which format (.json, .xml, .md, .txt), and of .xml --format says
    /// in which dialect. May be repeated
    #[arg(short, long, value_name = "FILE")]
    pub(super) output: Vec<PathBuf>,
    /// Trusts the certificate authorities of this PEM file too. May be repeated
    #[arg(long, value_name = "FILE")]
    ca: Vec<PathBuf>,
    /// Takes this address for a name instead of asking DNS. May be repeated
    #[arg(long, value_name = "NAME=ADDRESS")]
    resolve: Vec<String>,
    /// Asks this nameserver instead of the machine's. May be repeated
    #[arg(long, value_name = "ADDRESS[:PORT]")]
    nameserver: Vec<String>,
    /// Looks over IPv4 alone
    #[arg(short = '4', conflicts_with = "ipv6")]
    ipv4: bool,
    /// Looks over IPv6 alone
    #[arg(short = '6')]
    ipv6: bool,
    /// Sends this User-Agent
    #[arg(long, value_name = "TEXT")]
    user_agent: Option<String>,
    /// Shows this client certificate (PEM, with its chain)
    #[arg(long, value_name = "FILE", requires = "client_key")]
    client_certificate: Option<PathBuf>,
    /// The key of the client certificate (PEM)
    #[arg(long, value_name = "FILE", requires = "client_certificate")]
    client_key: Option<PathBuf>,
    /// Judges the health endpoint at this path too
    #[arg(long, value_name = "PATH")]
    pub(super) health: Option<String>,
    /// The port that answers plain http, where it is not 80
    #[arg(long, value_name = "PORT")]
    pub(super) plain_port: Option<u16>,
    /// Looks for open ports other than these
    #[arg(long, value_name = "PORTS")]
    pub(super) allow_ports: Option<PortSet>,
    /// How much of TLS is looked at: quick (one handshake), standard (5 connections more: the versions), deep
    /// (about 50 more: versions, suites and groups). Quick unless given
    #[arg(long, value_name = "DEPTH", value_parser = ["quick", "standard", "deep"])]
    pub(super) tls: Option<String>,
    /// The rules to hold the targets to: production, staging or local (by their names unless given)
    #[arg(long, value_name = "NAME")]
    profile: Option<String>,
    /// Demands that this much is proven, in percent
    #[arg(long, value_name = "PERCENT")]
    target: Option<u32>,
    /// Demands that this much is judged, in percent
    #[arg(long, value_name = "PERCENT")]
    min_coverage: Option<u32>,
    /// Takes a warning for a failure
    #[arg(long)]
    fail_on_warn: bool,
    /// Compares with an earlier report (JSON)
    #[arg(long, value_name = "FILE")]
    pub(super) earlier: Option<PathBuf>,
    /// Fails if anything is worse than in the earlier report
    #[arg(long, requires = "earlier")]
    no_regression: bool,
    /// Excuses the findings of this baseline
    #[arg(long, value_name = "FILE")]
    pub(super) baseline: Option<PathBuf>,
    /// Writes the findings of this run as a baseline
    #[arg(long, value_name = "FILE")]
    pub(super) write_baseline: Option<PathBuf>,
    /// Keeps everything that was seen
    #[arg(long, value_name = "FILE", conflicts_with = "replay")]
    pub(super) record: Option<PathBuf>,
    /// Answers from a recording alone; opens no socket
    #[arg(long, value_name = "FILE")]
    pub(super) replay: Option<PathBuf>,
    /// Leaves out addresses, internal names and banners
    #[arg(long)]
    pub(super) public: bool,
    /// One line, and exit code 1 instead of 2: for a container's health check
    #[arg(long)]
    pub(super) healthcheck: bool,
    /// The seconds the run may take
    #[arg(long, value_name = "SECONDS", default_value_t = 30)]
    pub(super) deadline_seconds: u64,
    /// The width of the table, in columns
    #[arg(long, value_name = "COLUMNS")]
    pub(super) width: Option<usize>,
    /// Whether to use colour
    #[arg(long, value_enum, default_value_t = Colour::Auto)]
    color: Colour,
}

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Tells what a probe checks, why, and how to fix what it finds
    Explain {
        /// The probe's id, such as http.hsts
        id: String,
    },
    /// Lists the probes
    List,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
pub(super) enum Format {
    Text,
    Json,
    Junit,
    JunitStrict,
    Markdown,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
enum Colour {
    Auto,
    Always,
    Never,
}

impl Format {
    pub(super) fn of_file(path: &Path) -> Option<Self> {
        match path.extension()?.to_str()?.to_ascii_lowercase().as_str() {
            "json" => Some(Self::Json),
            "xml" => Some(Self::Junit),
            "md" => Some(Self::Markdown),
            "txt" => Some(Self::Text),
            _ => None,
        }
    }

    /// Whether the two differ in dialect at most.
    fn is_kin_of(self, other: Self) -> bool {
        let plain = |format| match format {
            Self::JunitStrict => Self::Junit,
            format => format,
        };
        plain(self) == plain(other)
    }
}

/// Reads the command line; help and mistakes end the command.
pub(super) fn parse(arguments: impl IntoIterator<Item = OsString>) -> Result<Arguments, ExitCode> {
    Arguments::try_parse_from(arguments).map_err(|e| {
        let _ = e.print();
        if e.use_stderr() {
            ExitCode::from(super::USAGE)
        } else {
            ExitCode::SUCCESS
        }
    })
}

impl Arguments {
    /// Refuses what would be dropped without a word.
    pub(super) fn check(&self) -> Result<(), String> {
        let of_web = [
            ("--health", self.health.is_some(), "health_path"),
            ("--plain-port", self.plain_port.is_some(), "plain_port"),
            ("--allow-ports", self.allow_ports.is_some(), "allowed_ports"),
            ("--tls", self.tls.is_some(), "tls"),
        ];
        if self.targets.is_empty() && self.preset.is_some() {
            return Err(
                "`--preset` is for targets of the command line, and none is given; in a readiness.toml \
                 write `[[preset]]` with `use`"
                    .to_owned(),
            );
        }
        // Text that names no target has an error of its own, later.
        let takes_settings = |text: &String| {
            Target::parse(text).map_or(true, |target| matches!(self.preset_name(&target), "web" | "api"))
        };
        if self.targets.iter().any(takes_settings) {
            return Ok(());
        }
        match of_web.into_iter().find(|(_, is_given, _)| *is_given) {
            Some((flag, _, setting)) => Err(format!(
                "`{flag}` is for targets of the command line with the preset `web` or `api`, and none is \
                 given; in a readiness.toml write `with = {{ {setting} = … }}` under `[[preset]]`"
            )),
            None => Ok(()),
        }
    }

    /// What a file holds: what its ending says, else what `--format` says, else text.
    pub(super) fn format_of(&self, path: &Path) -> Format {
        match (Format::of_file(path), self.format) {
            (Some(by_ending), Some(asked)) if asked.is_kin_of(by_ending) => asked,
            (by_ending, asked) => by_ending.or(asked).unwrap_or(Format::Text),
        }
    }

    /// Whether what `--format` asks for stands in a file, and need not be printed.
    pub(super) fn format_is_in_a_file(&self) -> bool {
        let mut formats = self.output.iter().map(|path| self.format_of(path));
        formats.any(|format| Some(format) == self.format)
    }

    fn preset_name(&self, target: &Target) -> &str {
        let by_scheme = match target.scheme() {
            "http" | "https" => "web",
            "postgres" | "postgresql" => "postgres",
            "redis" | "rediss" => "redis",
            _ => "tcp",
        };
        self.preset.as_deref().unwrap_or(by_scheme)
    }

    pub(super) fn preset_for(&self, target: &Target) -> (&str, Value) {
        let preset = self.preset_name(target);
        let settings = match preset {
            "web" | "api" => super::web_settings(self),
            _ => Value::Null,
        };
        (preset, settings)
    }

    pub(super) fn policy(&self, mut suite: Suite) -> Result<Suite, String> {
        if let Some(profile) = &self.profile {
            suite = suite.profile(profile.parse::<Profile>()?);
        }
        let points = |percent: u32| match percent {
            0..=100 => Ok(BasisPoints::new(percent * 100)),
            _ => Err(format!("{percent} is no percentage; write 0 to 100")),
        };
        let mut policy: Policy = suite.own_policy().clone();
        if let Some(target) = self.target {
            policy.target = Some(points(target)?);
        }
        if let Some(coverage) = self.min_coverage {
            policy.min_coverage = Some(points(coverage)?);
        }
        policy.fail_on_warn |= self.fail_on_warn;
        policy.no_regression |= self.no_regression;
        Ok(suite.policy(policy))
    }

    pub(super) fn live(&self, mut live: Live) -> Result<Live, String> {
        for path in &self.ca {
            live = live.ca_file(path);
        }
        for text in &self.resolve {
            let parsed = text.split_once('=').and_then(|(name, address)| {
                let address = address.trim_matches(['[', ']']).parse::<IpAddr>().ok()?;
                (!name.is_empty()).then_some((name, address))
            });
            let (name, address) = parsed.ok_or_else(|| {
                format!("--resolve `{text}`: expected NAME=ADDRESS, such as api.example.com=192.0.2.1")
            })?;
            live = live.resolve(name, address);
        }
        if !self.nameserver.is_empty() {
            let servers = self.nameserver.iter().map(|text| {
                let with_port = text.parse().ok();
                with_port
                    .or_else(|| Some((text.trim_matches(['[', ']']).parse::<IpAddr>().ok()?, 53).into()))
                    .ok_or_else(|| format!("--nameserver `{text}`: expected an address, or address:port"))
            });
            live = live.nameservers(servers.collect::<Result<_, _>>()?);
        }
        if self.ipv4 {
            live = live.only(Family::V4);
        }
        if self.ipv6 {
            live = live.only(Family::V6);
        }
        if let Some(text) = &self.user_agent {
            live = live.user_agent(text.as_str());
        }
        if let (Some(certificate), Some(key)) = (&self.client_certificate, &self.client_key) {
            live = live
                .client_certificate_files(certificate, key)
                .map_err(|e| readiness_core::ErrorChain(&e).to_string())?;
        }
        Ok(live)
    }

    pub(super) fn colour(&self, to_terminal: bool) -> bool {
        match self.color {
            Colour::Always => true,
            Colour::Never => false,
            // https://no-color.org
            Colour::Auto => to_terminal && std::env::var_os("NO_COLOR").is_none_or(|v| v.is_empty()),
        }
    }
}
