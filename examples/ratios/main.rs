//! Time, memory and size of bbprov as ratios to a baseline that is measured in the same run, one after the other, each with
//! the limit it has to keep.
//!
//! `cargo run --release --example ratios` needs curl. Every measured thing is a process of its own, the sandbox too; what is
//! printed is the median of the rounds, and the ratio is taken round by round, so that a machine whose speed drifts does not
//! decide it. Names, such as `-- creates size`, choose what to measure.

#![expect(clippy::cast_precision_loss, reason = "counts and bytes, far below where it begins")]

mod ground;
mod measure;
mod modes;

use std::error::Error;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::time::Duration;

use ground::{Folder, Sandbox, manifest, myself};
use measure::{ROUNDS, Sample, compare, exponent, median, row, run, say};

type Outcome<T> = Result<T, Box<dyn Error>>;

const LATENCY: Duration = Duration::from_millis(50);

type Measurement = fn(&Folder, &Path) -> Outcome<()>;

/// Everything that is measured, by the name that stands for it on the command line.
const MEASUREMENTS: [(&str, Measurement); 9] = [
    ("creates", |folder, _| creates(folder, 1_000)),
    ("plan", |folder, _| plan(folder, 20_000, 1_000)),
    ("export", |folder, _| export(folder, 20_000)),
    ("processor", |folder, _| processor(folder, 5_000)),
    ("validate", |folder, _| validate(folder, 100_000)),
    ("templates", |folder, _| templates(folder)),
    ("growth", |folder, _| growth(folder)),
    ("version", version),
    ("size", |_, program| size(program)),
];

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let done = match arguments.first().map(String::as_str) {
        Some("bbprov") => return modes::as_bbprov(&arguments),
        Some("bare-parse") => modes::bare_parse(&arguments[1]),
        Some("bare-creates") => modes::bare_creates(&arguments[1], &arguments[2], &arguments[3]),
        _ => measure_all(&arguments),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            say(&format!("error: {error}"));
            ExitCode::FAILURE
        }
    }
}

/// Measures, all or only what is named.
fn measure_all(only: &[String]) -> Outcome<()> {
    if cfg!(debug_assertions) {
        return Err("only what is released is worth measuring: cargo run --release --example ratios".into());
    }
    let folder = Folder::new()?;
    let program = build()?;
    say(&format!(
        "{:<68} {:>11} {:>11} {:>6}  limit",
        format!("medians of {ROUNDS} rounds"),
        "measured",
        "baseline",
        "ratio"
    ));
    for (name, measure) in MEASUREMENTS {
        if only.is_empty() || only.iter().any(|wanted| wanted == name) {
            measure(&folder, &program)?;
        }
    }
    Ok(())
}

/// The program itself, which building an example does not build.
fn build() -> Outcome<PathBuf> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(cargo);
    command.args(["build", "--release", "--quiet", "--bin", "bbprov"]).current_dir(env!("CARGO_MANIFEST_DIR"));
    if !command.status()?.success() {
        return Err("bbprov itself could not be built".into());
    }
    let examples = std::env::current_exe()?;
    let beside = examples.parent().and_then(Path::parent).ok_or("this program stands in no folder")?;
    Ok(beside.join(format!("bbprov{}", std::env::consts::EXE_SUFFIX)))
}

/// Lets a workspace have a project.
fn prepare(sandbox: &Sandbox, folder: &Folder, workspace: &str) -> Outcome<()> {
    let file = folder.write("project.yaml", &manifest(workspace, 0..0))?;
    run(&mut sandbox.bbprov(&["apply", &file])?).map(|_| ())
}

/// An apply that creates so many repositories in a workspace of its own.
fn apply(sandbox: &Sandbox, folder: &Folder, round: usize, count: usize) -> Outcome<Sample> {
    let workspace = format!("ours-{round}");
    prepare(sandbox, folder, &workspace)?;
    let file = folder.write("repos.yaml", &manifest(&workspace, 0..count))?;
    run(&mut sandbox.bbprov(&["apply", "-j", "16", &file])?)
}

/// An apply of creates, with its plan and report, beside curl sending the same POSTs sixteen at a time.
fn creates(folder: &Folder, count: usize) -> Outcome<()> {
    let sandbox = Sandbox::start(&["--latency", "50ms"])?;
    let measured = |round: usize| apply(&sandbox, folder, round, count);
    let baseline = |round: usize| {
        let workspace = format!("curl-{round}");
        prepare(&sandbox, folder, &workspace)?;
        let config = ground::curl_config(&sandbox.api_url, &workspace, count);
        let config = folder.write("curl.config", &config)?;
        run(Command::new("curl").args(["-Z", "--parallel-max", "16", "--silent", "--config", &config]))
    };
    let rounds = compare(measured, baseline)?;
    rounds.say(&format!("apply of {count} creates, 50 ms latency, 16 at once (curl -Z)"), Sample::SECONDS, 1.10);
    for workspace in ["ours-0", "curl-0"] {
        check_created(&sandbox, folder, workspace, count)?;
    }
    Ok(())
}

/// A fast run that did not do its work is worth nothing: a workspace must hold what was to be created.
fn check_created(sandbox: &Sandbox, folder: &Folder, workspace: &str, count: usize) -> Outcome<()> {
    let file = folder.write("repos.yaml", &manifest(workspace, 0..count))?;
    run(&mut sandbox.bbprov(&["plan", "--detailed-exitcode", &file])?).map(|_| ())
}

/// A plan that has to read every page of a large workspace, beside the time that the latency of its requests takes if nothing
/// else took any: the first page, then the others eight at a time.
fn plan(folder: &Folder, existing: usize, named: usize) -> Outcome<()> {
    let seed = folder.write("seed.yaml", &manifest("large", 0..existing))?;
    let sandbox = Sandbox::start(&["--latency", "50ms", "--seed", &seed])?;
    let file = folder.write("repos.yaml", &manifest("large", (0..existing).step_by(existing / named)))?;
    let pages = existing.div_ceil(100);
    let ideal = LATENCY.as_secs_f64() * (1.0 + (pages - 1).div_ceil(8) as f64);
    let rounds = compare(
        |_| run(&mut sandbox.bbprov(&["plan", "--detailed-exitcode", "-j", "8", &file])?),
        |_| Ok(Sample { seconds: ideal, ..Sample::default() }),
    )?;
    rounds.say(&format!("plan of {named} among {existing}, 50 ms latency, 8 at once (ideal)"), Sample::SECONDS, 1.3);
    Ok(())
}

/// An export of a large workspace, beside the same as for a plan, and what it takes of memory, beside what it may.
fn export(folder: &Folder, existing: usize) -> Outcome<()> {
    const MOST: f64 = 100.0;
    let seed = folder.write("seed.yaml", &manifest("large", 0..existing))?;
    let sandbox = Sandbox::start(&["--latency", "50ms", "--seed", &seed])?;
    let ideal = LATENCY.as_secs_f64() * (1.0 + (existing.div_ceil(100) - 1).div_ceil(8) as f64);
    let rounds = compare(
        |_| run(&mut sandbox.bbprov(&["export", "large", "-j", "8"])?),
        |_| Ok(Sample { seconds: ideal, peak: MOST, ..Sample::default() }),
    )?;
    rounds.say(&format!("export of {existing}, 50 ms latency, 8 at once (ideal)"), Sample::SECONDS, 1.3);
    rounds.say(&format!("  its peak memory ({MOST} MB)"), Sample::PEAK, 1.0);
    Ok(())
}

/// What an apply costs the processor, beside a loop that sends the same bodies with the same client.
fn processor(folder: &Folder, count: usize) -> Outcome<()> {
    let sandbox = Sandbox::start(&[])?;
    let measured = |round: usize| apply(&sandbox, folder, round, count);
    let baseline = |round: usize| {
        let workspace = format!("bare-{round}");
        prepare(&sandbox, folder, &workspace)?;
        run(&mut myself(&["bare-creates", &sandbox.api_url, &workspace, &count.to_string()])?)
    };
    let rounds = compare(measured, baseline)?;
    rounds.say(&format!("processor time of {count} creates, no latency (bare loop)"), Sample::PROCESSOR, 1.5);
    check_created(&sandbox, folder, "bare-0", count)
}

/// Validation with all its rules, beside a bare parse of the same bytes.
fn validate(folder: &Folder, count: usize) -> Outcome<()> {
    let file = folder.write("large.yaml", &manifest("acme", 0..count))?;
    let rounds =
        compare(|_| run(&mut myself(&["bbprov", "validate", &file])?), |_| run(&mut myself(&["bare-parse", &file])?))?;
    rounds.say(&format!("validate {count} repositories (bare parse)"), Sample::SECONDS, 2.0);
    Ok(())
}

/// Validation of what is spread over ten files and stands on a template, beside a bare parse of the same bytes: how time grows
/// with it, and the memory that the largest takes.
fn templates(folder: &Folder) -> Outcome<()> {
    const FILES: usize = 10;
    const COUNTS: [usize; 3] = [10_000, 30_000, 100_000];
    let mut points = Vec::new();
    for count in COUNTS {
        let files = folder.write_all(&format!("templates-{count}"), &ground::with_templates(count, FILES))?;
        let rounds = compare(
            |_| run(&mut myself(&["bbprov", "validate", &files])?),
            |_| run(&mut myself(&["bare-parse", &files])?),
        )?;
        points.push((count as f64, rounds.median(Sample::SECONDS)));
        if count == COUNTS[COUNTS.len() - 1] {
            let name = format!("validate {count} repositories in {FILES} files, with a template (bare parse)");
            rounds.say(&name, Sample::SECONDS, 2.0);
            let peak = rounds.median(Sample::PEAK);
            row("  its peak memory", &format!("{peak:.1} MB"), "150.0 MB", peak / 150.0, 1.0);
        }
    }
    let seconds = format!("{:.3} s", points.last().map_or(0.0, |(_, seconds)| *seconds));
    row("  the exponent of its growth from 10000 on", &seconds, "1.00", exponent(&points), 1.1);
    Ok(())
}

/// Plans of workspaces that grow tenfold: how time grows with them, and the memory that the largest takes.
fn growth(folder: &Folder) -> Outcome<()> {
    const COUNTS: [usize; 3] = [1_000, 10_000, 100_000];
    let workspace = |count: usize| format!("with-{count}");
    let manifests: Vec<String> = COUNTS.iter().map(|count| manifest(&workspace(*count), 0..*count)).collect();
    let seeds = folder.write_all("seeds", &manifests)?;
    let sandbox = Sandbox::start(&["--seed", &seeds])?;
    let mut points = Vec::new();
    let mut peak = 0.0;
    for (count, text) in COUNTS.into_iter().zip(&manifests) {
        let file = folder.write("repos.yaml", text)?;
        let mut samples = Vec::new();
        for _ in 0..ROUNDS {
            samples.push(run(&mut sandbox.bbprov(&["plan", "--detailed-exitcode", &file])?)?);
        }
        points.push((count as f64, median(samples.iter().map(|sample| sample.seconds))));
        peak = median(samples.iter().map(|sample| sample.peak));
    }
    let seconds = format!("{:.3} s", points.last().map_or(0.0, |(_, seconds)| *seconds));
    row("plan of 1000, 10000, 100000 that exist (exponent of its growth)", &seconds, "1.00", exponent(&points), 1.1);
    let megabytes = manifests.last().map_or(0.0, |text| text.len() as f64 / 1e6);
    let (name, allowed) =
        (format!("  its peak memory (3 x {megabytes:.1} MB of manifest + 60 MB)"), 3.0 * megabytes + 60.0);
    row(&name, &format!("{peak:.1} MB"), &format!("{allowed:.1} MB"), peak / allowed, 1.0);
    Ok(())
}

/// How long it takes until the program does anything at all, beside one that does nothing.
fn version(folder: &Folder, program: &Path) -> Outcome<()> {
    const TIMES: usize = 50;
    let (empty, what) = ground::empty_program(folder)?;
    let many = |command: &mut Command| -> Outcome<Sample> {
        let mut all = Vec::new();
        for _ in 0..TIMES {
            all.push(run(command)?.seconds);
        }
        Ok(Sample { seconds: median(all), ..Sample::default() })
    };
    let rounds =
        compare(|_| many(Command::new(program).arg("--version").env_clear()), |_| many(&mut Command::new(&empty)))?;
    rounds.say(&format!("bbprov --version ({what}, {TIMES} times)"), Sample::MILLISECONDS, 3.0);
    Ok(())
}

fn size(program: &Path) -> Outcome<()> {
    let megabytes = program.metadata()?.len() as f64 / 1e6;
    row("size of the program", &format!("{megabytes:.2} MB"), "9.00 MB", megabytes / 9.0, 1.0);
    Ok(())
}
