//! A `check` command: look at targets or at what `readiness.toml` names, print a report, exit by verdict.

mod arguments;
mod explain;
mod progress;

use std::{
    fs,
    io::{self, IsTerminal, Write},
    path::Path,
    process::ExitCode,
    sync::Arc,
};

use readiness_core::{
    Baseline, Config, ErrorChain, Event, Recording, Registry, Report, Runner, Suite, Target,
    report::TextOptions,
};
use readiness_report::{Audience, JunitDialect, MarkdownOptions};
use serde_json::json;

use self::arguments::{Arguments, Command, Format};
use crate::live::Live;

/// Runs the command line of this process with these probes.
///
/// ```no_run
/// use std::process::ExitCode;
/// use readiness_probes::{builtin, cli};
///
/// fn main() -> ExitCode {
///     let mut registry = builtin::registry();
///     // acme_probes::register(&mut registry);
///     cli::run(registry)
/// }
/// ```
///
/// Exit codes: 0 ready (also with waivers), 1 not ready, 2 inconclusive (1 with `--healthcheck`), 64 wrong
/// usage or configuration, 65 unreadable input, 70 the machine could not start, 73 an output cannot be
/// written.
pub fn run(registry: Registry) -> ExitCode {
    let arguments = match arguments::parse(std::env::args_os()) {
        Ok(arguments) => arguments,
        Err(end) => return end,
    };
    let done = arguments
        .check()
        .map_err(|problem| Stop::new(USAGE, problem))
        .and_then(|()| dispatch(&registry, &arguments));
    match done {
        Ok(code) => ExitCode::from(code),
        Err(Stop { code, problem }) => {
            let _ = writeln!(io::stderr(), "error: {problem}");
            ExitCode::from(code)
        }
    }
}

const USAGE: u8 = 64;
const INPUT: u8 = 65;
const MACHINE: u8 = 70;
const OUTPUT: u8 = 73;

/// What ends the command before a verdict.
struct Stop {
    code: u8,
    problem: String,
}

impl Stop {
    fn new(code: u8, problem: impl ToString) -> Self {
        let problem = problem.to_string();
        Self { code, problem }
    }
}

fn dispatch(registry: &Registry, arguments: &Arguments) -> Result<u8, Stop> {
    match &arguments.command {
        Some(Command::Explain { id }) => {
            let text = explain::one(registry, id).map_err(|e| Stop::new(USAGE, e))?;
            print(&text)?;
            Ok(0)
        }
        Some(Command::List) => {
            print(&explain::all(registry))?;
            Ok(0)
        }
        None => check(registry, arguments),
    }
}

fn check(registry: &Registry, arguments: &Arguments) -> Result<u8, Stop> {
    let mut suite = suite(registry, arguments)?;
    if let Some(path) = &arguments.replay {
        let recording = Recording::from_json(&read(path)?)
            .map_err(|e| Stop::new(INPUT, format!("{}: {}", path.display(), ErrorChain(&e))))?;
        suite = suite.replaying(&recording);
    }
    let runner = Runner::new().deadline(std::time::Duration::from_secs(arguments.deadline_seconds));
    let (report, recording) = look(&runner, &suite, arguments)?;
    if let Some(path) = &arguments.record {
        write(path, &recording.to_json())?;
    }
    if let Some(path) = &arguments.write_baseline {
        write(path, &Baseline::from_report(&report).to_json())?;
    }
    let report = if arguments.public {
        readiness_report::for_audience(&report, Audience::Public).into_owned()
    } else {
        report
    };
    show(&report, arguments)?;
    let code = report.verdict().exit_code();
    Ok(if arguments.healthcheck { code.min(1) } else { code })
}

fn look(runner: &Runner, suite: &Suite, arguments: &Arguments) -> Result<(Report, Recording), Stop> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|e| Stop::new(MACHINE, format!("no runtime could be started: {e}")))?;
    let mut progress = progress::Progress::new(io::stderr().is_terminal() && !arguments.healthcheck);
    let mut recording = Recording::default();
    let report = runtime.block_on(async {
        let mut events = if arguments.record.is_some() {
            runner.events_recorded(suite)
        } else {
            runner.events(suite)
        };
        while let Some(event) = events.next().await {
            match event {
                Event::Finished(report) => return Some(*report),
                Event::Recorded(seen) => recording = *seen,
                event => progress.show(&event),
            }
        }
        None
    });
    // A name that the system is still looking up holds a thread; nobody waits for it any more.
    runtime.shutdown_background();
    progress.clear();
    let report = report.ok_or_else(|| Stop::new(MACHINE, "the run ended without a report"))?;
    Ok((report, recording))
}

fn suite(registry: &Registry, arguments: &Arguments) -> Result<Suite, Stop> {
    let usage = |problem: String| Stop::new(USAGE, problem);
    let mut live = Live::new();
    let mut suite = match &arguments.config {
        Some(path) => {
            let config = Config::read(path, registry).map_err(|e| usage(e.to_string()))?;
            live = live
                .settings(&config.look)
                .map_err(|e| usage(ErrorChain(&e).to_string()))?;
            config.suite(readiness_core::Sources::default())
        }
        None => Suite::default(),
    };
    for text in &arguments.targets {
        let target = Target::parse(text).map_err(|e| usage(e.to_string()))?;
        let target = Arc::new(with_label_of_its_own(target, &suite).map_err(usage)?);
        let (preset, settings) = arguments.preset_for(&target);
        let requirements = registry
            .preset(preset, &target, &settings)
            .map_err(|e| usage(e.to_string()))?;
        for requirement in requirements {
            suite.add(requirement).map_err(|e| usage(e.to_string()))?;
        }
    }
    suite
        .check()
        .map_err(|e| usage(format!("{e}; name a target, or a file with --config")))?;
    suite = arguments.policy(suite).map_err(usage)?;
    if let Some(path) = &arguments.baseline {
        let baseline = Baseline::from_json(&read(path)?)
            .map_err(|e| Stop::new(INPUT, format!("{}: {}", path.display(), ErrorChain(&e))))?;
        suite = suite.baseline(baseline);
    }
    if let Some(path) = &arguments.earlier {
        let earlier = readiness_report::from_json(&read(path)?)
            .map_err(|e| Stop::new(INPUT, format!("{}: {}", path.display(), ErrorChain(&e))))?;
        suite = suite.earlier(earlier);
    }
    if arguments.replay.is_some() {
        return Ok(suite);
    }
    let live = arguments.live(live).map_err(usage)?;
    let sources = live
        .sources_for(&suite)
        .map_err(|e| usage(ErrorChain(&e).to_string()))?;
    Ok(suite.with_sources(sources))
}

/// Results are keyed by label. Where two targets would have the same, as two URLs of one host have, the later
/// one is called by its path too, and else by its scheme.
fn with_label_of_its_own(target: Target, suite: &Suite) -> Result<Target, String> {
    let others = || suite.requirements().iter().flat_map(|r| r.targets());
    let is_free = |label: &str| !others().any(|other| other.label() == label);
    let shown = target.to_string();
    if !is_free(target.label()) && others().any(|other| other.to_string() == shown) {
        return Err(format!(
            "target `{shown}` is given twice; to look at it twice, give it two names in a readiness.toml"
        ));
    }
    let path = target.path().trim_end_matches('/');
    let labels = [
        target.label().to_owned(),
        format!("{}{path}", target.label()),
        format!("{}://{}{path}", target.scheme(), target.label()),
    ];
    match labels.into_iter().find(|label| is_free(label)) {
        Some(label) => Ok(target.labelled(label)),
        None => Err(format!(
            "target `{shown}` has the name of another one; give it one of its own in a readiness.toml"
        )),
    }
}

fn show(report: &Report, arguments: &Arguments) -> Result<(), Stop> {
    for path in &arguments.output {
        write(path, &render(report, arguments.format_of(path), arguments))?;
    }
    if arguments.healthcheck {
        // Docker keeps the first 4,096 bytes.
        return print(&summary_line(report));
    }
    match arguments.format {
        Some(_) if arguments.format_is_in_a_file() => print(&format!("{}\n", report.verdict())),
        format => print(&render(report, format.unwrap_or(Format::Text), arguments)),
    }
}

fn summary_line(report: &Report) -> String {
    let mut line = format!("{}", report.verdict());
    for reason in &report.decision.because {
        line.push_str("; ");
        line.push_str(reason);
    }
    let mut line: String = line
        .chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect();
    let mut end = line.len().min(4000);
    while !line.is_char_boundary(end) {
        end -= 1;
    }
    line.truncate(end);
    line.push('\n');
    line
}

fn render(report: &Report, format: Format, arguments: &Arguments) -> String {
    match format {
        Format::Text => {
            let to_terminal = io::stdout().is_terminal() && arguments.output.is_empty();
            let options = TextOptions::default()
                .width(arguments.width.unwrap_or(80))
                .colour(arguments.colour(to_terminal));
            report.to_text(options)
        }
        Format::Json => readiness_report::to_json(report),
        Format::Junit => readiness_report::to_junit(report, JunitDialect::Common),
        Format::JunitStrict => readiness_report::to_junit(report, JunitDialect::Strict),
        Format::Markdown => readiness_report::to_markdown(report, MarkdownOptions::default()),
    }
}

fn print(text: &str) -> Result<(), Stop> {
    let mut stdout = io::stdout();
    // A reader that has gone (`check … | head`) is no fault of the run.
    match stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush()) {
        Err(e) if e.kind() != io::ErrorKind::BrokenPipe => {
            Err(Stop::new(OUTPUT, format!("standard output: {e}")))
        }
        _ => Ok(()),
    }
}

fn read(path: &Path) -> Result<String, Stop> {
    fs::read_to_string(path).map_err(|e| Stop::new(INPUT, format!("{} cannot be read: {e}", path.display())))
}

fn write(path: &Path, text: &str) -> Result<(), Stop> {
    fs::write(path, text).map_err(|e| Stop::new(OUTPUT, format!("{} cannot be written: {e}", path.display())))
}

/// The settings of the presets `web` and `api` that the command line gives.
fn web_settings(arguments: &Arguments) -> serde_json::Value {
    json!({
        "health_path": arguments.health,
        "plain_port": arguments.plain_port,
        "allowed_ports": arguments.allow_ports,
        "tls": arguments.tls,
    })
}
