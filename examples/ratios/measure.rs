//! Running things in turn, and what is said of them.

use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::Outcome;

/// Odd, so that there is a median.
pub const ROUNDS: usize = 5;

/// What to do before every run: let the machine come to rest.
const PAUSE: Duration = Duration::from_millis(100);

/// One measured run.
#[derive(Debug, Clone, Copy, Default)]
pub struct Sample {
    pub seconds: f64,
    /// Megabytes at the most; nothing if the process did not say.
    pub peak: f64,
    /// Seconds of processor time, of the program and of the system for it; nothing if the process did not say.
    pub processor: f64,
}

/// What of a sample is compared, and how it is written.
pub type Aspect = (fn(&Sample) -> f64, &'static str);

impl Sample {
    pub const SECONDS: Aspect = (|sample| sample.seconds, "s");
    pub const MILLISECONDS: Aspect = (|sample| sample.seconds * 1e3, "ms");
    pub const PEAK: Aspect = (|sample| sample.peak, "MB");
    pub const PROCESSOR: Aspect = (|sample| sample.processor, "s");
}

#[expect(clippy::print_stdout, reason = "a program of its own, whose output this is")]
pub fn say(text: &str) {
    println!("{text}");
}

/// Runs a process to its end, which must be a good one.
pub fn run(command: &mut Command) -> Outcome<Sample> {
    let started = Instant::now();
    let output = command.stdin(Stdio::null()).output()?;
    let seconds = started.elapsed().as_secs_f64();
    let stderr = String::from_utf8_lossy(&output.stderr);
    if !output.status.success() {
        let stdout = String::from_utf8_lossy(&output.stdout);
        return Err(format!("{command:?} ended with {}: {stdout}{stderr}", output.status).into());
    }
    let told = |what: &str| stderr.lines().find_map(|line| line.strip_prefix(what)?.trim().parse().ok());
    Ok(Sample { seconds, peak: told("peak MB:").unwrap_or(0.0), processor: told("processor s:").unwrap_or(0.0) })
}

pub fn median(values: impl IntoIterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.into_iter().collect();
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or_default()
}

/// What was measured, and beside it the baseline, round by round.
pub struct Rounds(Vec<(Sample, Sample)>);

/// Two things in turn, A B A B.
pub fn compare(
    mut measured: impl FnMut(usize) -> Outcome<Sample>,
    mut baseline: impl FnMut(usize) -> Outcome<Sample>,
) -> Outcome<Rounds> {
    let mut rounds = Vec::new();
    for round in 0..ROUNDS {
        std::thread::sleep(PAUSE);
        let sample = measured(round)?;
        std::thread::sleep(PAUSE);
        rounds.push((sample, baseline(round)?));
    }
    Ok(Rounds(rounds))
}

impl Rounds {
    /// The median of an aspect of what was measured.
    pub fn median(&self, (aspect, _): Aspect) -> f64 {
        median(self.0.iter().map(|(measured, _)| aspect(measured)))
    }

    /// Says the medians of an aspect, and that of the ratios.
    pub fn say(&self, name: &str, (aspect, unit): Aspect, limit: f64) {
        let written = |value: f64| format!("{value:.3} {unit}");
        let measured = written(median(self.0.iter().map(|(measured, _)| aspect(measured))));
        let baseline = written(median(self.0.iter().map(|(_, baseline)| aspect(baseline))));
        let ratios = self.0.iter().map(|(measured, baseline)| aspect(measured) / aspect(baseline));
        row(name, &measured, &baseline, median(ratios), limit);
    }
}

/// One line of what is printed.
pub fn row(name: &str, measured: &str, baseline: &str, ratio: f64, limit: f64) {
    let verdict = if ratio <= limit { "met" } else { "MISSED" };
    say(&format!("{name:<68} {measured:>11} {baseline:>11} {ratio:>6.2}  ≤ {limit:.2}  {verdict}"));
}

/// How one thing grows with another: with this power of it, which is the slope of their logarithms.
pub fn exponent(points: &[(f64, f64)]) -> f64 {
    let (sizes, times): (Vec<f64>, Vec<f64>) = points.iter().map(|(size, time)| (size.ln(), time.ln())).unzip();
    let mean = |values: &[f64]| values.iter().sum::<f64>() / values.len() as f64;
    let (size, time) = (mean(&sizes), mean(&times));
    let joint: f64 = sizes.iter().zip(&times).map(|(x, y)| (x - size) * (y - time)).sum();
    joint / sizes.iter().map(|x| (x - size).powi(2)).sum::<f64>()
}
