//! The plan and its outcomes for a person: a tree in 80 columns, the most dangerous first, what is the same told once.

mod account;
mod block;
mod change;
mod layout;

use std::fmt::Write as _;

pub use account::account;
use layout::{WIDTH, by, grouped, names, plural, write_below, write_hanging};

use crate::output::{ADDED, ALARM, ASIDE, CHANGED, HEADING, REMOVED, printable, styled};
use crate::plan::{Found, Plan, Unread};
use crate::resource::{Address, Shape};

/// A plan as text. Ends with what it costs.
#[must_use]
pub fn plan(plan: &Plan, verbose: bool) -> String {
    let plan = &plan.in_words(verbose);
    let mut text = String::new();
    let mut found: Vec<&Found> = plan.found.iter().collect();
    found.sort_by(|a, b| a.workspace.cmp(&b.workspace));
    for found in found {
        let _ = writeln!(text, "{}", found_line(found));
    }
    for unread in &plan.unread {
        write_unread(unread, verbose, &mut text);
    }
    if !plan.changes.is_empty() && !text.is_empty() {
        text.push('\n');
    }
    let blocks = block::blocks(plan, verbose);
    let width = block::width(&blocks);
    for block in blocks {
        block.write(width, verbose, &mut text);
    }
    if !plan.notes.is_empty() {
        text.push('\n');
    }
    write_notes(plan, verbose, &mut text);
    text.push('\n');
    write_counts(plan, &mut text);
    let _ = writeln!(text, "{}", bill_line(plan));
    text
}

fn found_line(found: &Found) -> String {
    let counts = found.counts.iter().rev().filter_map(|(section, count)| Some((section, (*count)?)));
    let counts: Vec<_> = counts.map(|(section, count)| plural(count, section)).collect();
    let counts = if counts.is_empty() { "read".to_owned() } else { format!("has {}", counts.join(" and ")) };
    format!("{} {counts}", styled(HEADING, &found.workspace))
}

/// What is not in the plan, and why.
fn write_unread(unread: &Unread, verbose: bool, text: &mut String) {
    let lead = format!("{} ", styled(ALARM, "not planned:"));
    let is_whole = unread.sections.is_empty();
    let words = if is_whole { unread.to_string() } else { unread.why() };
    write_below(text, &lead, 13, 4, &printable(&words));
    for what in unread.what().iter().filter(|_| !is_whole && !verbose) {
        write_hanging(text, "    ", 4, &printable(what));
    }
    for (kind, within) in unread.sections.iter().filter(|_| verbose) {
        let _ = writeln!(text, "    {} of {}", kind.section(), printable(within));
    }
}

/// A thing by its object, its kind and its name there.
fn named(address: &Address) -> String {
    match address.kind().shape() {
        Shape::Objects => address.to_string(),
        _ => format!("{} {} {}", address.object(), address.kind().name(), address.short()).trim_end().to_owned(),
    }
}

fn write_notes(plan: &Plan, verbose: bool, text: &mut String) {
    /// So many are named of those of which the same is to be known.
    const NAMED: usize = 3;
    for (words, notes) in by(&plan.notes, |note| note.text.as_str()) {
        let all: Vec<String> = notes.iter().map(|note| named(&note.address)).collect();
        let names = names(&all, if verbose { all.len() } else { NAMED }, WIDTH - 7);
        let lead = format!("  {} ", styled(ASIDE, "note"));
        write_hanging(text, &lead, 7, &printable(&format!("{names}: {words}")));
    }
}

fn write_counts(plan: &Plan, text: &mut String) {
    let counts = plan.counts();
    if plan.changes.is_empty() {
        let done = match (plan.unchanged, plan.unread.is_empty()) {
            (0, true) => "Nothing is managed".to_owned(),
            (0, false) => "Nothing could be planned".to_owned(),
            (unchanged, true) => format!("Nothing to do: {} as the manifest says", are(unchanged)),
            (unchanged, false) => format!("Nothing to do in what was read: {} as the manifest says", are(unchanged)),
        };
        let unplanned = match plan.unplanned {
            0 => String::new(),
            count => format!(", and {} not planned", grouped(count)),
        };
        write_hanging(text, "", 0, &format!("{done}{unplanned}."));
        return;
    }
    let permit = format!("to delete (--allow-delete {})", counts.delete);
    let remove = format!("to remove (--allow-remove {})", counts.remove);
    let parts = [
        (counts.create, ADDED, "to create"),
        (counts.update, CHANGED, "to update"),
        (counts.replace, REMOVED, "to replace"),
        (counts.delete, REMOVED, &permit),
        (counts.remove, REMOVED, &remove),
        (plan.unchanged, ASIDE, "unchanged"),
        (plan.unplanned, ALARM, "not planned"),
    ];
    let parts = parts.into_iter().filter(|(count, ..)| *count > 0);
    let parts: Vec<_> = parts.map(|(count, style, word)| (style, format!("{} {word}", grouped(count)))).collect();
    let plain: Vec<&str> = parts.iter().map(|(_, part)| part.as_str()).collect();
    // A line is broken between parts only, so that each keeps its colour.
    let mut column = 0;
    for (at, (style, part)) in parts.iter().enumerate() {
        let end = if at + 1 == plain.len() { "." } else { "," };
        if column > 0 && column + 2 + part.len() > WIDTH {
            text.push('\n');
            column = 0;
        }
        let gap = if column > 0 { " " } else { "" };
        column += gap.len() + part.len() + 1;
        let _ = write!(text, "{gap}{}{end}", styled(*style, part));
    }
    text.push('\n');
}

fn are(count: usize) -> String {
    if count == 1 {
        "the one managed object is".to_owned()
    } else {
        format!("all {} managed objects are", grouped(count))
    }
}

fn bill_line(plan: &Plan) -> String {
    let used = plural(plan.bill.used, "requests");
    match plan.bill.to_apply {
        0 => format!("{used} used."),
        to_apply => {
            // Rounded up: a plan never promises less than it takes.
            let hourly = plan.bill.hourly.max(1);
            let percent = (to_apply * 100).div_ceil(hourly);
            let long = match plan.bill.hours() {
                0 => String::new(),
                hours => format!(": about {}", plural(hours, "hours")),
            };
            format!("{used} used; {} to apply, {percent} % of {} an hour{long}.", grouped(to_apply), grouped(hourly))
        }
    }
}
