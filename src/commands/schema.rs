//! `bbprov schema`: the JSON Schemas that `schemas/` holds.

use crate::cli::SchemaName;
use crate::diagnostic::diagnostics_schema;
use crate::error::{Error, Exit};
use crate::manifest::schema::manifest_schema;
use crate::report::json::plan_schema;

/// Runs the command.
pub(super) fn run(which: SchemaName) -> Result<Exit, Error> {
    let schema = match which {
        SchemaName::Manifest => manifest_schema(),
        SchemaName::Plan => plan_schema(),
        SchemaName::Diagnostics => diagnostics_schema(),
    };
    super::print(&format!("{schema:#}\n"))
}
