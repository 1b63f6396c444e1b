//! Time and memory of bbprov as ratios to a baseline that is measured in the same run, one after the other.
//!
//! `cargo run --release --example ratios` needs curl. Every measured thing is a process of its own, the sandbox too; what is
//! printed is the median of the rounds, and the ratio is taken round by round, so that a machine whose speed drifts does not
//! decide it.

use std::error::Error;
use std::fmt::Write as _;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitCode, Stdio};
use std::time::{Duration, Instant};

use bbprov::cli::Cli;
use clap::Parser;
use serde::Deserialize;

type Outcome<T> = Result<T, Box<dyn Error>>;

const ROUNDS: usize = 5;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let done = match arguments.first().map(String::as_str) {
        Some("bbprov") => return as_bbprov(&arguments),
        Some("bare-parse") => bare_parse(&arguments[1]),
        _ => measure_all(),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            say(&format!("error: {error}"));
            ExitCode::FAILURE
        }
    }
}

#[expect(clippy::print_stdout, reason = "a program of its own, whose output this is")]
fn say(text: &str) {
    println!("{text}");
}

/// This program as bbprov itself, so that what is measured is what was just built.
fn as_bbprov(arguments: &[String]) -> ExitCode {
    let code = match bbprov::commands::run(Cli::parse_from(arguments)) {
        Ok(exit) => exit.code(),
        Err(error) => error.code(),
    };
    report_peak();
    ExitCode::from(code)
}

/// The largest memory this process had, on stderr, where the system tells it.
#[expect(clippy::print_stderr, reason = "read by the parent process")]
fn report_peak() {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap_or("0 kB");
    eprintln!("peak {}", peak.trim());
}

/// The same file, read into plain types by the same parser and nothing more.
fn bare_parse(file: &str) -> Outcome<()> {
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    #[expect(dead_code, reason = "only read")]
    struct Manifest {
        version: u32,
        workspaces: Vec<Workspace>,
    }
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    #[expect(dead_code, clippy::struct_field_names, reason = "only read, and named by the manifest")]
    struct Workspace {
        workspace: String,
        projects: Vec<Project>,
        repositories: Vec<Repository>,
    }
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    #[expect(dead_code, reason = "only read")]
    struct Project {
        key: String,
    }
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    #[expect(dead_code, reason = "only read")]
    struct Repository {
        slug: String,
        project: String,
        is_private: bool,
    }
    let text = std::fs::read_to_string(file)?;
    let options = serde_yaml::options! {
        with_snippet: false,
        budget: serde_yaml::budget! { max_nodes: 10_000_000, max_events: 20_000_000 },
    };
    let manifest: Manifest = serde_yaml::from_str_with_options(&text, options)?;
    std::hint::black_box(&manifest);
    report_peak();
    Ok(())
}

/// One measured run.
#[derive(Clone, Copy)]
struct Sample {
    seconds: f64,
    peak_kb: f64,
}

fn run(command: &mut Command) -> Outcome<Sample> {
    let started = Instant::now();
    let output = command.stdin(Stdio::null()).output()?;
    let seconds = started.elapsed().as_secs_f64();
    let stderr = String::from_utf8_lossy(&output.stderr);
    if !output.status.success() {
        return Err(format!("{command:?} ended with {}: {stderr}", output.status).into());
    }
    let peak = stderr.lines().find_map(|line| line.strip_prefix("peak ")?.strip_suffix(" kB")?.trim().parse().ok());
    Ok(Sample { seconds, peak_kb: peak.unwrap_or(0.0) })
}

fn myself(arguments: &[&str]) -> Outcome<Command> {
    let mut command = Command::new(std::env::current_exe()?);
    command.args(arguments).env_clear();
    Ok(command)
}

fn median(values: impl IntoIterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.into_iter().collect();
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or_default()
}

/// Two things in turn, A B A B, and what the medians and the ratio of each round say.
fn compare(
    name: &str,
    mut measured: impl FnMut(usize) -> Outcome<Sample>,
    mut baseline: impl FnMut(usize) -> Outcome<Sample>,
) -> Outcome<()> {
    let mut rounds = Vec::new();
    for round in 0..ROUNDS {
        rounds.push((measured(round)?, baseline(round)?));
    }
    let of = |value: fn(&(Sample, Sample)) -> f64| median(rounds.iter().map(value));
    say(&format!(
        "{name:<58} {:>7.3} s  baseline {:>7.3} s  ratio {:.2}",
        of(|round| round.0.seconds),
        of(|round| round.1.seconds),
        of(|round| round.0.seconds / round.1.seconds),
    ));
    let (peak, other) = (of(|round| round.0.peak_kb) / 1024.0, of(|round| round.1.peak_kb) / 1024.0);
    if peak > 0.0 && other > 0.0 {
        say(&format!("{:<58} {peak:>7.1} MB baseline {other:>7.1} MB ratio {:.2}", "  its peak memory", peak / other));
    }
    Ok(())
}

/// A folder of our own, gone at the end.
struct Folder(PathBuf);

impl Folder {
    fn new() -> Outcome<Self> {
        let path = std::env::temp_dir().join(format!("bbprov-ratios-{}", std::process::id()));
        std::fs::create_dir_all(&path)?;
        Ok(Self(path))
    }

    fn write(&self, name: &str, text: &str) -> Outcome<String> {
        let path = self.0.join(name);
        std::fs::write(&path, text)?;
        Ok(path.display().to_string())
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// A sandbox in a process of its own.
struct Sandbox {
    process: Child,
    api_url: String,
    token_url: String,
}

impl Sandbox {
    fn start(arguments: &[&str]) -> Outcome<Self> {
        let mut command = myself(&["bbprov", "sandbox", "--quiet", "--listen", "127.0.0.1:0"])?;
        let mut process = command.args(arguments).stdout(Stdio::piped()).spawn()?;
        let stdout = process.stdout.take().ok_or("the sandbox has no output")?;
        let mut lines = BufReader::new(stdout).lines();
        let mut value = || -> Outcome<String> {
            let line = lines.next().ok_or("the sandbox did not start")??;
            Ok(line.split_once('=').ok_or("the sandbox printed no environment")?.1.to_owned())
        };
        let (api_url, token_url) = (value()?, value()?);
        Ok(Self { process, api_url, token_url })
    }

    /// bbprov, led here.
    fn bbprov(&self, arguments: &[&str]) -> Outcome<Command> {
        let mut command = myself(&[&["bbprov"], arguments].concat())?;
        command.env("BITBUCKET_API_URL", &self.api_url).env("BITBUCKET_TOKEN_URL", &self.token_url);
        command.env("BITBUCKET_OAUTH_CLIENT_ID", "id").env("BITBUCKET_OAUTH_CLIENT_SECRET", "secret");
        Ok(command)
    }
}

impl Drop for Sandbox {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn manifest(workspace: &str, repositories: usize) -> String {
    let mut text =
        format!("version: 1\nworkspaces:\n  - workspace: {workspace}\n    projects: [{{key: P}}]\n    repositories:\n");
    for number in 0..repositories {
        let _ = writeln!(text, "      - slug: service-{number:06}\n        project: P\n        is_private: true");
    }
    text
}

fn measure_all() -> Outcome<()> {
    let folder = Folder::new()?;
    say(&format!("medians of {ROUNDS} rounds"));
    creates(&folder, 200)?;
    validate(&folder, 100_000)
}

/// An apply of creates, with its plan and report, beside curl sending the same POSTs sixteen at a time.
fn creates(folder: &Folder, count: usize) -> Outcome<()> {
    let sandbox = Sandbox::start(&["--latency", "50ms"])?;
    let first = |workspace: &str| -> Outcome<()> {
        let only_project = format!("version: 1\nworkspaces: [{{workspace: {workspace}, projects: [{{key: P}}]}}]");
        let file = folder.write("project.yaml", &only_project)?;
        run(&mut sandbox.bbprov(&["apply", &file])?).map(|_| ())
    };
    let measured = |round: usize| {
        let workspace = format!("ours-{round}");
        first(&workspace)?;
        let file = folder.write("repos.yaml", &manifest(&workspace, count))?;
        run(&mut sandbox.bbprov(&["apply", "-j", "16", &file])?)
    };
    let baseline = |round: usize| {
        let workspace = format!("curl-{round}");
        first(&workspace)?;
        let config = curl_config(&sandbox.api_url, &workspace, count);
        let config = folder.write("curl.config", &config)?;
        run(Command::new("curl").args(["-Z", "--parallel-max", "16", "--silent", "--config", &config]))
    };
    compare(&format!("apply of {count} creates, 50 ms latency, 16 at once (curl -Z)"), measured, baseline)?;
    check_created(&sandbox, folder, count)
}

/// A fast run that did not do its work is worth nothing: both workspaces must hold what was to be created.
fn check_created(sandbox: &Sandbox, folder: &Folder, count: usize) -> Outcome<()> {
    for workspace in ["ours-0", "curl-0"] {
        let file = folder.write("repos.yaml", &manifest(workspace, count))?;
        let output = sandbox.bbprov(&["plan", "--detailed-exitcode", &file])?.output()?;
        if output.status.code() != Some(0) {
            return Err(format!("{workspace} is not whole: {}", String::from_utf8_lossy(&output.stdout)).into());
        }
    }
    Ok(())
}

fn curl_config(api_url: &str, workspace: &str, count: usize) -> String {
    let requests: Vec<String> = (0..count)
        .map(|number| {
            format!(
                "url = \"{api_url}/repositories/{workspace}/service-{number:06}\"\nrequest = \"POST\"\n\
                 header = \"Authorization: Bearer x\"\nheader = \"Content-Type: application/json\"\noutput = \"/dev/null\"\n\
                 data = \"{{\\\"scm\\\":\\\"git\\\",\\\"project\\\":{{\\\"key\\\":\\\"P\\\"}},\\\"is_private\\\":true}}\"\n"
            )
        })
        .collect();
    requests.join("next\n")
}

/// Validation with all its rules, beside a bare parse of the same bytes.
fn validate(folder: &Folder, count: usize) -> Outcome<()> {
    let text = manifest("acme", count);
    let file = folder.write("large.yaml", &text)?;
    let megabytes = Path::new(&file).metadata()?.len() / 1_000_000;
    let name = format!("validate {count} repositories, {megabytes} MB (bare parse)");
    let pause = Duration::from_millis(100);
    compare(
        &name,
        |_| {
            std::thread::sleep(pause);
            run(&mut myself(&["bbprov", "validate", &file])?)
        },
        |_| {
            std::thread::sleep(pause);
            run(&mut myself(&["bare-parse", &file])?)
        },
    )
}
