//! Why a run ended without doing what was asked: one variant a stage, each with its exit code.

use crate::bitbucket;
use crate::manifest::Invalid;

/// A reason to end, with the exit code that scripts rely on.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The manifest is not valid, or does not fit what exists.
    #[error("{0}")]
    Manifest(#[from] Invalid),
    /// A secret, such as a part of a credential, cannot be had from where the manifest says that it is.
    #[error("{0}")]
    NoSecret(Invalid),
    /// Bitbucket, or the way to it.
    #[error("{0}")]
    Bitbucket(#[from] bitbucket::Error),
    /// A guard refuses: the message says which, and the flag that permits it.
    #[error("{0}")]
    Guard(String),
    /// The command line makes no sense, although each flag is fine.
    #[error("{0}")]
    Usage(String),
    /// What was given as the state of Terraform is none that can be read, or holds nothing of Bitbucket.
    #[error("{0}")]
    Terraform(String),
    /// Something with a file or a stream of this machine.
    #[error("{what}: {error}")]
    Io {
        /// What was tried.
        what: String,
        /// What the system says.
        error: std::io::Error,
    },
    /// A limit was reached before there was a plan.
    #[error("stopped by {0} before there was a plan: nothing was changed")]
    Stopped(String),
    /// A limit was reached before everything was read that was to be written down.
    #[error("stopped by {0} before everything was read: nothing was written")]
    Unwritten(String),
    /// Somebody was asked and did not say yes.
    #[error("not applied: nothing was changed; only `yes` goes on")]
    Declined,
    /// Somebody interrupted before anything was changed.
    #[error("interrupted: nothing was changed")]
    Interrupted,
}

/// How a run ended that did what it could.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// Done, or nothing to do.
    Done,
    /// `--detailed-exitcode`, and changes wait.
    ChangesWait,
    /// Something could not be read, and is not in the plan.
    Incomplete,
    /// The manifest is not valid, and what is wrong with it is printed.
    Invalid,
    /// The credential was refused on the way.
    Credential,
    /// Applied, with failures.
    Failures,
    /// Stopped by a limit; the report is printed, and running again continues.
    Stopped,
    /// Interrupted; the report is printed.
    Interrupted,
}

impl Error {
    /// The exit code.
    #[must_use]
    pub fn code(&self) -> u8 {
        match self {
            Self::Manifest(_) | Self::Terraform(_) => 3,
            Self::NoSecret(_) | Self::Bitbucket(bitbucket::Error::Credential(_)) => 4,
            Self::Stopped(_) | Self::Unwritten(_) | Self::Bitbucket(bitbucket::Error::Stopped { .. }) => 6,
            Self::Bitbucket(bitbucket::Error::Setup(_)) | Self::Usage(_) => 64,
            Self::Bitbucket(_) | Self::Io { .. } => 1,
            Self::Guard(_) => 7,
            Self::Interrupted | Self::Declined => 130,
        }
    }
}

impl Exit {
    /// The exit code.
    #[must_use]
    pub fn code(self) -> u8 {
        match self {
            Self::Done => 0,
            Self::Incomplete => 1,
            Self::ChangesWait => 2,
            Self::Invalid => 3,
            Self::Credential => 4,
            Self::Failures => 5,
            Self::Stopped => 6,
            Self::Interrupted => 130,
        }
    }
}
