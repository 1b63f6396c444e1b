//! Account → text: what became of a plan.

use std::fmt::Write as _;

use super::block::FOLD_ABOVE;
use super::layout::{WIDTH, by, grouped, names, plural, write_below, write_hanging};
use super::named;
use crate::apply::{Account, Ended, Outcome};
use crate::output::{ADDED, ALARM, CHANGED, printable, styled};
use crate::plan::{Change, Plan, Unread};
use crate::resource::{KindRef, Shape};

/// What became of a plan, as text: everything that is not done with its reason, and a last line with the counts.
#[must_use]
pub fn account(plan: &Plan, account: &Account) -> String {
    let plan = &plan.in_words(false);
    let mut text = String::from("\n");
    write_failed(plan, account, &mut text);
    write_skipped(plan, account, &mut text);
    if text.len() > 1 {
        text.push('\n');
    }
    let parts = [("done", ADDED), ("failed", ALARM), ("skipped", CHANGED)].map(|(status, style)| {
        let count = account.count(status);
        (count > 0).then(|| styled(style, &format!("{} {status}", grouped(count))))
    });
    let parts: Vec<_> = parts.into_iter().flatten().collect();
    let parts = if parts.is_empty() { "nothing done".to_owned() } else { parts.join(", ") };
    let _ = writeln!(text, "{parts}, in {}.", plural(account.requests, "requests"));
    if let Some(advice) = advice(account) {
        let _ = writeln!(text, "{advice}");
    }
    if !plan.unread.is_empty() {
        let what: Vec<String> = plan.unread.iter().flat_map(Unread::what).collect();
        let lead = format!("{} ", styled(ALARM, "Not planned,"));
        let words = format!("since it could not be read: {}.", what.join("; "));
        write_below(&mut text, &lead, 13, 4, &printable(&words));
    }
    text
}

/// What failed, under the object that it is about.
fn write_failed(plan: &Plan, account: &Account, text: &mut String) {
    let outcomes = plan.changes.iter().zip(&account.outcomes);
    let failed = outcomes.filter_map(|(change, outcome)| match outcome {
        Outcome::Failed(why) => Some((change, why.as_str())),
        Outcome::Done | Outcome::Skipped(_) => None,
    });
    let mut by_object = by(failed, |(change, _)| (change.address.object(), change.address.object_kind()));
    by_object.sort_by_key(|((object, kind), _)| (kind.map(KindRef::rank), *object));
    for ((object, _), failed) in by_object {
        let (own, within): (Vec<_>, Vec<_>) = failed.into_iter().partition(|(change, _)| is_object(change));
        let failed = styled(ALARM, "failed");
        for (change, why) in own {
            let _ = writeln!(text, "  {failed} {} {object}", change.address.kind().name());
            write_hanging(text, "        ", 8, &printable(why));
        }
        let Some((first, _)) = within.first() else { continue };
        let kind = first.address.object_kind().map_or("workspace", |kind| kind.name());
        let _ = writeln!(text, "  {failed} in {kind} {object}");
        for (change, why) in within {
            let (kind, short) = (change.address.kind().name(), change.address.short());
            let _ = writeln!(text, "      {}", printable(format!("{kind} {short}").trim_end()));
            write_hanging(text, "        ", 8, &printable(why));
        }
    }
}

/// What was skipped, by the reason.
fn write_skipped(plan: &Plan, account: &Account, text: &mut String) {
    let outcomes = plan.changes.iter().zip(&account.outcomes);
    let skipped = outcomes.filter_map(|(change, outcome)| match outcome {
        Outcome::Skipped(why) => Some((why.as_str(), change)),
        Outcome::Done | Outcome::Failed(_) => None,
    });
    for (why, skipped) in by(skipped, |(why, _)| *why) {
        let changes = skipped.into_iter().map(|(_, change)| change);
        let _ = write!(text, "  {} ", styled(CHANGED, "skipped"));
        write_hanging(text, "", 10, &printable(&names(&in_objects(changes), FOLD_ABOVE, WIDTH - 10)));
        write_hanging(text, "        ", 8, &printable(why));
    }
}

/// The names of changes, and where there are several in one object its name and their number.
fn in_objects<'a>(changes: impl Iterator<Item = &'a Change>) -> Vec<String> {
    let objects = by(changes, |change| (change.address.object(), change.address.object_kind()));
    let name = |((object, _), changes): ((&str, _), Vec<&Change>)| match changes.as_slice() {
        [change] => named(&change.address),
        changes => {
            let within = changes.iter().filter(|change| !is_object(change)).count();
            let own = if within < changes.len() { format!("{object} with ") } else { String::new() };
            let of = if own.is_empty() { format!(" in {object}") } else { String::new() };
            format!("{own}{}{of}", plural(within, "changes"))
        }
    };
    objects.into_iter().map(name).collect()
}

fn is_object(change: &Change) -> bool {
    change.address.kind().shape() == Shape::Objects
}

fn advice(account: &Account) -> Option<&'static str> {
    let undone = account.count("done") < account.outcomes.len();
    match account.ended {
        Ended::Interrupted => Some("Interrupted: run the same command again to continue."),
        Ended::Stopped(_) => Some("Stopped in time: run the same command again to continue."),
        Ended::NoCredential(_) if undone => {
            Some("Mend that, and run the same command again to continue: what is done stays done.")
        }
        _ if account.count("failed") > 0 => {
            Some("Mend what failed, and run the same command again: what is done stays done.")
        }
        _ => None,
    }
}
