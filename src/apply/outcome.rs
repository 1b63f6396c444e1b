//! What became of a change.

/// One for every change of a plan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// It is as it shall be.
    Done,
    /// It was tried, and this is why it is not as it shall be.
    Failed(String),
    /// It was not tried, and this is why.
    Skipped(String),
}

impl Outcome {
    /// The word for it in every report.
    #[must_use]
    pub fn status(&self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Failed(_) => "failed",
            Self::Skipped(_) => "skipped",
        }
    }

    /// Why, if it is not done.
    #[must_use]
    pub fn error(&self) -> Option<&str> {
        match self {
            Self::Done => None,
            Self::Failed(why) | Self::Skipped(why) => Some(why),
        }
    }
}

/// What ended a run before every change was tried.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ended {
    /// Every change was tried, or skipped because of another.
    Complete,
    /// Somebody interrupted it.
    Interrupted,
    /// A limit was reached, such as `--max-requests`, or the system asked for an end: running again continues.
    Stopped(String),
    /// The credential was refused, or no new token could be fetched: nothing further can succeed.
    NoCredential(String),
}

/// An account of a whole run: an outcome for each change, in the order of the plan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    /// The outcomes.
    pub outcomes: Vec<Outcome>,
    /// What ended it.
    pub ended: Ended,
    /// How many requests it took.
    pub requests: usize,
}

impl Account {
    /// How many changes ended this way: `done`, `failed` or `skipped`.
    #[must_use]
    pub fn count(&self, status: &str) -> usize {
        self.outcomes.iter().filter(|outcome| outcome.status() == status).count()
    }
}
