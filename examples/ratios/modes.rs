//! What this program does as a process that is measured: bbprov itself, and the bare baselines. Each says at its end, on
//! stderr, what it took.

use std::collections::BTreeMap;
use std::process::ExitCode;
use std::time::Duration;

use bbprov::cli::Cli;
use clap::Parser;
use futures::stream::{self, StreamExt, TryStreamExt};
use reqwest::header::{ACCEPT, ACCEPT_LANGUAGE, HeaderMap, HeaderValue};
use serde::Deserialize;

use crate::Outcome;
use crate::ground::{body, slug};

/// This program as bbprov, so that what is measured is what was just built.
pub fn as_bbprov(arguments: &[String]) -> ExitCode {
    let code = match bbprov::commands::run(Cli::parse_from(arguments)) {
        Ok(exit) => exit.code(),
        Err(error) => {
            tell(&error.to_string());
            error.code()
        }
    };
    tell_usage();
    ExitCode::from(code)
}

#[expect(clippy::print_stderr, reason = "read by the parent process")]
fn tell(text: &str) {
    eprintln!("{text}");
}

/// The largest memory this process had and the processor time it took, where the system tells it.
fn tell_usage() {
    let read = |file: &str| std::fs::read_to_string(file).unwrap_or_default();
    let status = read("/proc/self/status");
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")?.trim().strip_suffix(" kB")?.parse().ok());
    if let Some(kilobytes) = peak.filter(|kilobytes: &f64| *kilobytes > 0.0) {
        tell(&format!("peak MB: {}", kilobytes * 1024.0 / 1e6));
    }
    // Behind the name, in hundredths of a second: the 14th and 15th field, of all threads, those that have ended as well.
    let stat = read("/proc/self/stat");
    let fields = stat.rsplit_once(')').map_or("", |(_, fields)| fields).split_whitespace().skip(11);
    let ticks: f64 = fields.take(2).filter_map(|field| field.parse::<f64>().ok()).sum();
    tell(&format!("processor s: {}", ticks / 100.0));
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "only read")]
struct Manifest {
    version: u32,
    defaults: Option<BTreeMap<String, Settings>>,
    templates: Option<BTreeMap<String, Settings>>,
    workspaces: Vec<Workspace>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, clippy::struct_field_names, reason = "only read, and named by the manifest")]
struct Workspace {
    workspace: String,
    projects: Option<Vec<Project>>,
    repositories: Vec<Repository>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "only read")]
struct Project {
    key: String,
    name: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "only read")]
struct Repository {
    slug: String,
    project: String,
    is_private: Option<bool>,
    uses: Option<Vec<String>>,
}

/// What is in a manifest once and in ten thousand repositories.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "only read")]
struct Settings {
    is_private: Option<bool>,
    fork_policy: Option<String>,
    pipelines: Option<BTreeMap<String, bool>>,
    branch_restrictions: Option<Vec<BTreeMap<String, serde_json::Value>>>,
}

/// The same file, or all files of the same folder one after the other, read into plain types by the same parser and nothing
/// more.
pub fn bare_parse(path: &str) -> Outcome<()> {
    let files = match std::fs::read_dir(path) {
        Ok(entries) => entries.map(|entry| Ok(entry?.path())).collect::<Outcome<Vec<_>>>()?,
        Err(_) => vec![path.into()],
    };
    let mut manifests: Vec<Manifest> = Vec::new();
    for file in files {
        let text = std::fs::read_to_string(file)?;
        let options = serde_yaml::options! {
            with_snippet: false,
            budget: serde_yaml::budget! { max_nodes: 10_000_000, max_events: 20_000_000 },
        };
        manifests.push(serde_yaml::from_str_with_options(&text, options)?);
    }
    std::hint::black_box(&manifests);
    tell_usage();
    Ok(())
}

/// The POSTs of an apply and nothing more, sixteen at a time, by a client that is set up like ours, on the runtime that
/// `#[tokio::main]` gives.
pub fn bare_creates(api_url: &str, workspace: &str, count: &str) -> Outcome<()> {
    let count: usize = count.parse()?;
    let mut headers = HeaderMap::new();
    headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
    headers.insert(ACCEPT_LANGUAGE, HeaderValue::from_static("en"));
    let client = reqwest::Client::builder()
        .user_agent("bare")
        .default_headers(headers)
        .timeout(Duration::from_secs(30))
        .connect_timeout(Duration::from_secs(15))
        .pool_max_idle_per_host(16)
        .redirect(reqwest::redirect::Policy::none())
        .no_proxy()
        .build()?;
    let runtime = tokio::runtime::Runtime::new()?;
    let sent = stream::iter(0..count).map(|number| {
        let url = format!("{api_url}/repositories/{workspace}/{}", slug(number));
        let request = client.post(url).bearer_auth("x").json(&body());
        async move { request.send().await?.error_for_status()?.bytes().await }
    });
    runtime.block_on(sent.buffer_unordered(16).try_for_each(|_| async { Ok(()) }))?;
    tell_usage();
    Ok(())
}
