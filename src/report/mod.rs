//! The plan and its outcomes, for people and for programs: the same model, one file a format.

pub mod explanation;
pub mod human;
pub mod json;
mod yaml;

use crate::apply::Account;
use crate::plan::Plan;

/// A way to write a plan down.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Format {
    /// For a person.
    #[default]
    Human,
    /// For a program.
    Json,
}

/// A plan, and what became of it if it was applied.
#[derive(Debug, Clone, Copy)]
pub struct Report<'a> {
    /// The plan.
    pub plan: &'a Plan,
    /// What became of it.
    pub account: Option<&'a Account>,
    /// Whether a person wants every line.
    pub verbose: bool,
}

impl Report<'_> {
    /// Writes it down.
    #[must_use]
    pub fn render(self, format: Format) -> String {
        match format {
            Format::Human => {
                let plan = human::plan(self.plan, self.verbose);
                self.account.map_or(plan.clone(), |account| plan + &human::account(self.plan, account))
            }
            Format::Json => json::document(self.plan, self.account),
        }
    }
}
