//! `bbprov explain acme/ledger`: where each value of an object comes from.

use crate::cli::ExplainFormat;
use crate::error::{Error, Exit};
use crate::manifest::explain;
use crate::report::explanation;

/// Runs the command.
pub(super) fn run(address: &str, manifests: &[String], format: ExplainFormat) -> Result<Exit, Error> {
    let traced = explain::load(manifests)?;
    let address = address.trim_end_matches('/');
    let explanations = traced.explain(address);
    if explanations.is_empty() {
        let nothing = "nothing in the manifest has such an address";
        return Err(Error::Usage(match traced.nearest(address) {
            Some(near) => format!("explain {address}: {nothing}; did you mean {near}?"),
            None => format!("explain {address}: {nothing}, which is WORKSPACE/NAME"),
        }));
    }
    let sources = &traced.manifest.sources;
    super::print(&match format {
        ExplainFormat::Human => explanation::human(&explanations, sources),
        ExplainFormat::Json => explanation::document(&explanations, sources),
    })
}
