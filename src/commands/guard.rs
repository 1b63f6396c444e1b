//! What is only done if somebody says so twice: in the manifest, and on the command line.

use std::collections::BTreeMap;

use crate::cli::ApplyArgs;
use crate::error::Error;
use crate::plan::{Change, Plan};

/// So large a part of a section may be removed unasked: one of these.
const PART: usize = 4;

/// Checks a plan before anything is written.
///
/// # Errors
/// What it would do and nobody permitted, with the number, the limit and the flag that permits it.
pub(super) fn check(plan: &Plan, args: &ApplyArgs) -> Result<(), Error> {
    deletions(plan, args.allow_delete)?;
    removals(plan, args.allow_remove)?;
    public(plan, args.allow_public)
}

/// Deletions need to be permitted by number, so that one bad edit cannot take everything away.
fn deletions(plan: &Plan, allowed: usize) -> Result<(), Error> {
    let deletions = plan.counts().delete;
    if deletions <= allowed {
        return Ok(());
    }
    Err(refusal(
        &format!("the plan deletes {deletions}, and --allow-delete permits {allowed}"),
        &format!("--allow-delete {deletions}"),
    ))
}

/// A small part of a section may be removed, so that one bad edit cannot empty them all.
fn removals(plan: &Plan, allowed: Option<usize>) -> Result<(), Error> {
    let all = plan.counts().remove;
    let flag = format!("--allow-remove {all}");
    if let Some(allowed) = allowed {
        let refused = || refusal(&format!("the plan removes {all}, and --allow-remove permits {allowed}"), &flag);
        return if all <= allowed { Ok(()) } else { Err(refused()) };
    }
    let mut removed: BTreeMap<(&str, &str), (usize, usize)> = BTreeMap::new();
    for change in plan.changes.iter().filter(|change| change.is_removal()) {
        let (parent, kind) = (change.address.parent(), change.address.kind());
        let holds = plan.sizes.get(&(parent.into(), kind)).copied().unwrap_or_default();
        removed.entry((parent, kind.section())).or_insert((0, holds)).0 += 1;
    }
    match removed.iter().find(|(_, (removed, holds))| *removed > holds / PART) {
        None => Ok(()),
        Some(((parent, section), (removed, holds))) => Err(refusal(
            &format!(
                "the plan removes {all}, of them {removed} of the {holds} {section} of {parent}, and unasked no more than a \
                 quarter of a section goes"
            ),
            &flag,
        )),
    }
}

/// What was for some becomes visible to everybody.
fn public(plan: &Plan, allowed: bool) -> Result<(), Error> {
    let alarming: Vec<&Change> = plan.changes.iter().filter(|change| change.alarm().is_some()).collect();
    match alarming.as_slice() {
        [first, rest @ ..] if !allowed => {
            let more = if rest.is_empty() { String::new() } else { format!(", and {} more", rest.len()) };
            let (kind, address) = (first.address.kind().name(), &first.address);
            let what = format!("{kind} {address} {}{more}", first.alarm().unwrap_or_default());
            Err(refusal(&what, "--allow-public"))
        }
        _ => Ok(()),
    }
}

fn refusal(what: &str, flag: &str) -> Error {
    Error::Guard(format!("{what}: nothing was changed; if that is what you want, run it again with {flag}"))
}
