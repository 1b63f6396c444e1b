//! What became of a change, and of a whole run.

use crate::bitbucket::Error;
use crate::plan::Plan;

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
    /// Something could not be read, for reasons that say nothing against the credential: that was not planned, and so not
    /// tried.
    Incomplete(String),
    /// A limit was reached, such as `--max-requests`, or the system asked for an end: running again continues.
    Stopped(String),
    /// A credential was refused, or no new token could be fetched: nothing further can succeed with it.
    NoCredential(String),
}

impl Ended {
    /// What an error ends, if it ends more than the one change.
    pub(super) fn by(error: &Error) -> Option<Self> {
        match error {
            Error::Credential(why) => Some(Self::NoCredential(why.clone())),
            Error::NoToken(_) => Some(Self::NoCredential(error.to_string())),
            Error::Stopped { why, .. } => Some(Self::Stopped(why.clone())),
            _ => None,
        }
    }

    /// What ended already when the plan was made: that of which it could read nothing.
    #[must_use]
    pub fn of(plan: &Plan) -> Self {
        let ends = plan.unread.iter().map(|unread| match &unread.error {
            _ if unread.is_for_want_of_a_credential() => Self::NoCredential(unread.to_string()),
            Error::Stopped { .. } => Self::Stopped(unread.to_string()),
            _ => Self::Incomplete(unread.to_string()),
        });
        ends.fold(Self::Complete, Self::and)
    }

    /// Of two parts of a run, what is to be said of the whole: whatever needs a person most, with the reasons of both.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        let joined = |one: String, two: String| if one == two { one } else { format!("{one}; {two}") };
        match (self, other) {
            (Self::NoCredential(one), Self::NoCredential(two)) => Self::NoCredential(joined(one, two)),
            (Self::Stopped(one), Self::Stopped(two)) => Self::Stopped(joined(one, two)),
            (Self::Incomplete(one), Self::Incomplete(two)) => Self::Incomplete(joined(one, two)),
            (one, two) => std::cmp::max_by_key(one, two, Self::weight),
        }
    }

    fn weight(&self) -> u8 {
        match self {
            Self::Complete => 0,
            Self::Incomplete(_) => 1,
            Self::Stopped(_) => 2,
            Self::NoCredential(_) => 3,
            Self::Interrupted => 4,
        }
    }
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
