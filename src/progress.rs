//! What happens while a run reads and applies, as events, and how a person watches them on stderr.
//!
//! The stages emit [`Event`]s to whoever [`Listen`]s and never print. The only user of indicatif.

use std::io::IsTerminal;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant, SystemTime};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressState, ProgressStyle};

use crate::resource::Address;

/// Something that happened.
#[derive(Debug, Clone)]
pub enum Event {
    /// So many pages of a workspace's lists are to be read.
    Pages {
        /// How many more than were known.
        more: usize,
    },
    /// One of them was read.
    PageRead,
    /// So many changes are to be made.
    Changes {
        /// How many.
        count: usize,
    },
    /// One of them was done, or failed.
    Changed {
        /// The object.
        address: Address,
        /// What became of it, in a word or with the error.
        what: String,
        /// Whether it went wrong.
        failed: bool,
    },
    /// Nobody sends anything until then.
    Waiting {
        /// When it goes on.
        until: Instant,
        /// For what.
        why: &'static str,
    },
    /// Somebody asked to stop: what is on its way is finished.
    Stopping,
    /// A person should know this.
    Warning(String),
}

/// Somebody who wants to know what happens. Called from any thread, and must not wait.
pub trait Listen: Send + Sync {
    /// Takes note.
    fn event(&self, event: Event);
}

/// Nobody listens.
impl Listen for () {
    fn event(&self, _: Event) {}
}

/// When progress is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum When {
    /// A bar on a terminal; lines where a CI system keeps a log; nothing into a pipe.
    #[default]
    Auto,
    /// A bar on a terminal, lines elsewhere.
    Always,
    /// Never.
    Never,
}

/// Progress for a person: one bar on a terminal, or now and then a line.
pub struct Progress {
    shown: Option<Shown>,
    verbose: bool,
    quiet: bool,
}

struct Shown {
    bar: ProgressBar,
    terminal: bool,
    last_line: Mutex<Instant>,
    wait: Arc<Mutex<Option<Wait>>>,
}

/// What everybody waits for.
#[derive(Debug, Clone, Copy)]
struct Wait {
    until: Instant,
    why: &'static str,
}

impl Wait {
    /// For the end of a line that is drawn again and again.
    fn short(self) -> String {
        let left = self.until.saturating_duration_since(Instant::now());
        match left.as_secs() {
            _ if left.is_zero() => String::new(),
            0..120 => format!("  {}, {}s left", self.why, left.as_secs() + 1),
            _ => format!("  {} until {} UTC", self.why, self.clock()),
        }
    }

    /// For a line of a log.
    fn line(self) -> String {
        let left = self.until.saturating_duration_since(Instant::now());
        let left = Duration::from_secs(left.as_secs() + u64::from(left.subsec_nanos() > 0));
        format!("waiting for {} until {} UTC, {}", self.why, self.clock(), humantime::format_duration(left))
    }

    fn clock(self) -> String {
        let at = SystemTime::now() + self.until.saturating_duration_since(Instant::now());
        let date = humantime::format_rfc3339_seconds(at).to_string();
        date.split(['T', 'Z']).nth(1).unwrap_or_default().to_owned()
    }
}

/// In a log, one line for so long is enough.
const LINE_EVERY: Duration = Duration::from_secs(5);

impl Progress {
    /// Decides how to show it: `log` says that stderr is kept as a log, as CI systems do.
    #[must_use]
    pub fn new(when: When, log: bool, verbose: bool, quiet: bool) -> Self {
        let terminal = std::io::stderr().is_terminal();
        let shown = match when {
            When::Never => false,
            When::Always => true,
            When::Auto => !quiet && (terminal || log),
        };
        let target = if terminal { ProgressDrawTarget::stderr_with_hz(10) } else { ProgressDrawTarget::hidden() };
        let shown = shown.then(|| {
            let bar = ProgressBar::with_draw_target(Some(0), target);
            let wait = Arc::default();
            bar.set_style(style(&wait));
            if terminal {
                // It turns while an answer takes its time, and shows nothing of a run that is over before a person looks.
                bar.enable_steady_tick(Duration::from_millis(100));
            }
            Shown { bar, terminal, last_line: Mutex::new(Instant::now()), wait }
        });
        Self { shown, verbose, quiet }
    }

    /// Takes the bar away, before anything is printed where it stood.
    pub fn finish(&self) {
        if let Some(shown) = &self.shown {
            shown.bar.finish_and_clear();
        }
    }

    /// Prints a line to stderr, above the bar if there is one.
    fn line(&self, text: &str) {
        match &self.shown {
            Some(shown) if shown.terminal => shown.bar.suspend(|| crate::output::say(text)),
            _ => crate::output::say(text),
        }
    }

    fn begin(&self, what: &'static str, more: usize) {
        let Some(shown) = &self.shown else { return };
        if shown.bar.message() != what {
            shown.bar.reset();
            shown.bar.set_length(0);
            shown.bar.set_message(what);
        }
        shown.bar.inc_length(more as u64);
    }

    fn step(&self) {
        let Some(shown) = &self.shown else { return };
        shown.bar.inc(1);
        if shown.terminal {
            return;
        }
        let Ok(mut last) = shown.last_line.lock() else { return };
        if last.elapsed() >= LINE_EVERY {
            *last = Instant::now();
            let (done, all) = (shown.bar.position(), shown.bar.length().unwrap_or_default());
            crate::output::say(&format!("{}: {done} of {all}", shown.bar.message()));
        }
    }
}

fn style(wait: &Arc<Mutex<Option<Wait>>>) -> ProgressStyle {
    let wait = Arc::clone(wait);
    let style =
        ProgressStyle::with_template("{spinner:.cyan} {msg}  {wide_bar:.cyan/dim}  {pos} of {len}  {elapsed}{wait}");
    style.unwrap_or_else(|_| ProgressStyle::default_bar()).progress_chars("━━─").with_key(
        "wait",
        move |_: &ProgressState, text: &mut dyn std::fmt::Write| {
            let wait = wait.lock().ok().and_then(|wait| *wait);
            let _ = text.write_str(&wait.map(Wait::short).unwrap_or_default());
        },
    )
}

impl Listen for Progress {
    fn event(&self, event: Event) {
        match event {
            Event::Pages { more } => self.begin("reading", more),
            Event::PageRead => self.step(),
            Event::Changes { count } => self.begin("applying", count),
            Event::Changed { address, what, failed } => {
                // What failed is told at the end, all together. In a log it is told when it happens as well.
                if self.verbose || failed && self.shown.as_ref().is_some_and(|shown| !shown.terminal) {
                    self.line(&format!("{} {address}: {what}", address.kind().name()));
                }
                self.step();
            }
            Event::Waiting { until, why } => {
                let wait = Wait { until, why };
                match &self.shown {
                    Some(shown) if shown.terminal => drop(shown.wait.lock().map(|mut shown| *shown = Some(wait))),
                    Some(_) => self.line(&wait.line()),
                    None => {}
                }
            }
            Event::Stopping => {
                if !self.quiet {
                    self.line("stopping: what is on its way is finished first; Ctrl-C again leaves it");
                }
            }
            Event::Warning(text) => self.line(&format!("warning: {text}")),
        }
    }
}
