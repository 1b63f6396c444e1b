//! What a workspace has paid for: Bitbucket's plans, and the 402 of those who need more (api.md §5.1, §5.2).

use std::collections::BTreeSet;

use hyper::StatusCode;

use super::answer::{Answer, Refusal};

/// How many users can have access for nothing.
const FREE: usize = 5;

/// What Bitbucket calls a plan, which is something else in this crate.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Subscription {
    /// For five users.
    Free,
    /// For any number of users.
    Standard,
    /// With all that there is.
    #[default]
    Premium,
}

impl Subscription {
    /// Refuses what would give access to more people than are paid for. These are all that have it `before` and `after`.
    pub(super) fn check_users(self, before: &BTreeSet<String>, after: &BTreeSet<String>) -> Result<(), Refusal> {
        if self != Self::Free || after.len() <= FREE || after.len() == before.len() {
            return Ok(());
        }
        Err(more_needed(
            "You have reached your plan's user limit and must upgrade before giving access to additional users.",
        ))
    }

    /// Refuses what is for Premium. How Bitbucket says so is not known: this is what it says of users.
    pub(super) fn check_premium(self, what: &str) -> Result<(), Refusal> {
        match self {
            Self::Premium => Ok(()),
            Self::Free | Self::Standard => Err(more_needed(&format!("{what} is part of the Premium plan."))),
        }
    }
}

fn more_needed(message: &str) -> Refusal {
    Refusal::from(Answer::error(StatusCode::PAYMENT_REQUIRED, message))
}
