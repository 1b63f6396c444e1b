//! The table of everything that the sandbox answers. What each path does is said by the module that has it: to add one,
//! name its `ROUTES` here.

use super::operation::Route;
use super::{account, branches, projects, repositories, sections};

/// Every route there is, module by module.
pub(super) const TABLE: &[&[Route]] = &[
    account::ROUTES,
    repositories::ROUTES,
    branches::ROUTES,
    projects::ROUTES,
    sections::members::ROUTES,
    sections::permissions::ROUTES,
    sections::branch_restrictions::ROUTES,
    sections::webhooks::ROUTES,
    sections::hook_events::ROUTES,
    sections::default_reviewers::ROUTES,
    sections::branching_model::ROUTES,
    sections::override_settings::ROUTES,
    sections::pipelines_config::ROUTES,
    sections::variables::ROUTES,
    sections::deploy_keys::ROUTES,
    sections::environments::ROUTES,
    sections::schedules::ROUTES,
    sections::ssh::ROUTES,
];
