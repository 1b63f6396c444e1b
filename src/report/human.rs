//! The plan and its outcomes for a person: a line an object, the most dangerous first, equal lines folded.

use std::fmt::Write as _;
use std::sync::Arc;

use serde_json::Value;

use crate::apply::{Account, Ended, Outcome};
use crate::output::{ADDED, ALARM, ASIDE, CHANGED, HEADING, REMOVED, printable, styled};
use crate::plan::{Change, FieldChange, Found, Plan};
use crate::resource::secret::Source;
use crate::resource::{Action, Fields, KindRef, Shape};

/// So many equal changes are listed one by one; of more, the first few.
const FOLD_ABOVE: usize = 6;
const SHOWN_OF_FOLDED: usize = 3;

/// Old and new values longer than this are cut, unless every line is wanted.
const VALUE_WIDTH: usize = 60;

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
        let _ = writeln!(text, "{} {}", styled(ALARM, "not planned:"), printable(&unread.to_string()));
    }
    if !plan.changes.is_empty() {
        text.push('\n');
    }
    for group in groups(plan, verbose) {
        group.write(&mut text, verbose);
    }
    if !plan.notes.is_empty() {
        text.push('\n');
    }
    write_notes(plan, verbose, &mut text);
    let _ = write!(text, "\n{}\n{}\n", counts_line(plan), bill_line(plan));
    text
}

fn found_line(found: &Found) -> String {
    let counts = found.counts.iter().rev().filter_map(|(section, count)| Some((section, (*count)?)));
    let counts: Vec<_> = counts.map(|(section, count)| plural(count, section)).collect();
    let counts = if counts.is_empty() { "read".to_owned() } else { format!("has {}", counts.join(" and ")) };
    format!("{} {counts}", styled(HEADING, &found.workspace))
}

/// Equal changes of equal objects.
struct Group<'a> {
    danger: Danger,
    changes: Vec<&'a Change>,
    kind_width: usize,
    width: usize,
}

/// How much a person should look at it; in the order of the plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
enum Danger {
    Alarm,
    Delete,
    Replace,
    Update,
    Create,
}

fn groups(plan: &Plan, verbose: bool) -> Vec<Group<'_>> {
    let mut groups: Vec<Group<'_>> = Vec::new();
    let mut last: std::collections::HashMap<(Danger, KindRef, String), usize> = std::collections::HashMap::new();
    for change in &plan.changes {
        let danger = match change.action {
            _ if change.alarm().is_some() => Danger::Alarm,
            Action::Delete => Danger::Delete,
            Action::Replace => Danger::Replace,
            Action::Update => Danger::Update,
            Action::Create => Danger::Create,
        };
        let kind = change.address.kind();
        let alike = format!("{} {} {:?}", change.address.workspace(), summary(change), details(change, true));
        // What is dangerous is never folded: each has its own line.
        if danger >= Danger::Update && !verbose {
            if let Some(at) = last.get(&(danger, kind, alike.clone())) {
                groups[*at].changes.push(change);
                continue;
            }
            last.insert((danger, kind, alike), groups.len());
        }
        groups.push(Group { danger, changes: vec![change], kind_width: KIND_WIDTH, width: 0 });
    }
    groups.sort_by_key(|group| group.danger);
    let shown =
        |group: &Group<'_>| if group.changes.len() > FOLD_ABOVE { SHOWN_OF_FOLDED } else { group.changes.len() };
    let kinds = groups.iter().flat_map(|group| &group.changes).map(|change| change.address.kind().name().len());
    let kind_width = kinds.max().unwrap_or_default().max(KIND_WIDTH);
    let folded = |group: &Group<'_>| group.folded_line().map_or(0, |line| line.len().saturating_sub(kind_width + 1));
    // What stands in something has a name too long for a column, and would push the others aside.
    let addresses = groups.iter().flat_map(|group| group.changes.iter().take(shown(group)));
    let addresses = addresses.filter(|change| change.address.kind().shape() == Shape::Objects);
    let addresses = addresses.map(|change| change.address.as_str().chars().count());
    let width = addresses.chain(groups.iter().map(folded)).max().unwrap_or_default().min(40);
    for group in &mut groups {
        (group.kind_width, group.width) = (kind_width, width);
    }
    groups
}

/// The column of kinds is no narrower than the longest of those that are in every plan.
const KIND_WIDTH: usize = 10;

impl Group<'_> {
    /// What stands for those that are not listed one by one.
    fn folded_line(&self) -> Option<String> {
        let first = self.changes.first().filter(|_| self.changes.len() > FOLD_ABOVE)?;
        let more = self.changes.len() - SHOWN_OF_FOLDED;
        Some(format!("{} more {}", grouped(more), first.address.kind().section()))
    }

    fn write(&self, text: &mut String, verbose: bool) {
        let (sign, style) = match self.danger {
            Danger::Alarm => ("!", ALARM),
            Danger::Delete => ("-", REMOVED),
            Danger::Replace => ("±", REMOVED),
            Danger::Update => ("~", CHANGED),
            Danger::Create => ("+", ADDED),
        };
        let folded = self.changes.len() > FOLD_ABOVE;
        let shown = if folded { SHOWN_OF_FOLDED } else { self.changes.len() };
        for (at, change) in self.changes.iter().take(shown).enumerate() {
            let (kind, address) = (change.address.kind().name(), change.address.as_str());
            let line = format!(
                "  {} {kind:<kinds$} {address:<width$}  {}",
                styled(style, sign),
                summary(change),
                kinds = self.kind_width,
                width = self.width
            );
            let _ = writeln!(text, "{}", line.trim_end());
            // Of equal updates the values are shown once, under the last line.
            if at + 1 == shown && !folded {
                write_details(change, verbose, text);
            }
        }
        if folded {
            let first = self.changes[0];
            let what = self.folded_line().unwrap_or_default();
            let _ = writeln!(
                text,
                "  {} {what:<width$}  {}  {}",
                styled(style, sign),
                summary(first),
                styled(ASIDE, "-v lists them"),
                width = self.width + self.kind_width + 1
            );
            write_details(first, verbose, text);
        }
    }
}

/// A few words about a change.
fn summary(change: &Change) -> String {
    let kind = change.address.kind();
    let words = match change.action {
        Action::Create => kind.describe(&change.target()),
        Action::Delete => match kind.loss() {
            "" => "removed".to_owned(),
            loss => format!("deleted, {loss}"),
        },
        Action::Replace => match kind.loss() {
            "" => "deleted and created anew".to_owned(),
            loss => format!("deleted and created anew, {loss}"),
        },
        Action::Update => match change.alarm() {
            Some(alarm) => alarm.to_owned(),
            None => change.fields.iter().map(|field| field.name).collect::<Vec<_>>().join(", "),
        },
    };
    match &change.reason {
        Some(reason) => format!("{words}  {}", styled(ASIDE, &format!("({})", printable(reason)))),
        None => printable(&words),
    }
}

fn write_details(change: &Change, verbose: bool, text: &mut String) {
    let lines = details(change, verbose);
    let width = lines.iter().map(|(name, _)| name.len()).max().unwrap_or_default();
    for (name, what) in lines {
        let _ = writeln!(text, "        {name:<width$}  {what}");
    }
}

/// Old and new of an update; of a new object only what its line does not say, and only on request.
fn details(change: &Change, whole: bool) -> Vec<(&'static str, String)> {
    let width = if whole { usize::MAX } else { VALUE_WIDTH };
    match change.action {
        Action::Delete => Vec::new(),
        Action::Create if !whole => Vec::new(),
        Action::Create => {
            let said = change.address.kind().describe(&change.target());
            let unsaid = change.fields.iter().filter(|field| {
                let alone: Fields = [(field.name, Arc::clone(&field.to))].into_iter().collect();
                let words = change.address.kind().describe(&alone);
                words.is_empty() || !said.contains(&words)
            });
            unsaid.map(|field| (field.name, shown(&field.to, width))).collect()
        }
        Action::Update | Action::Replace => {
            let fields = change.fields.iter();
            let from = |field: &FieldChange| match change.address.kind().is_secret(field.name, &field.to) {
                true => "unseen".to_owned(),
                false => shown(&field.from, width),
            };
            fields.map(|field| (field.name, format!("{} → {}", from(field), shown(&field.to, width)))).collect()
        }
    }
}

/// A value as a person reads it: text in quotes only where its bounds would not be seen otherwise.
fn shown(value: &Value, width: usize) -> String {
    let text = match value {
        Value::Null => return "none".to_owned(),
        Value::String(text) => {
            let plain = !text.is_empty() && text.chars().all(|c| c.is_ascii_alphanumeric() || "-_./:".contains(c));
            if plain { text.clone() } else { format!("\"{}\"", printable(text)) }
        }
        other => printable(&Source::from_json(other).map_or_else(|| other.to_string(), |from| from.to_string())),
    };
    if text.chars().count() <= width {
        return text;
    }
    format!("{}…", text.chars().take(width - 1).collect::<String>())
}

fn write_notes(plan: &Plan, verbose: bool, text: &mut String) {
    let mut by_text: Vec<(&str, Vec<&crate::plan::Note>)> = Vec::new();
    for note in &plan.notes {
        match by_text.iter_mut().find(|(words, _)| *words == note.text) {
            Some((_, notes)) => notes.push(note),
            None => by_text.push((&note.text, vec![note])),
        }
    }
    for (words, notes) in by_text {
        let shown = if verbose { notes.len() } else { SHOWN_OF_FOLDED };
        let mut names: Vec<String> = notes.iter().take(shown).map(|note| note.address.to_string()).collect();
        if notes.len() > names.len() {
            names.push(format!("{} more", notes.len() - names.len()));
        }
        let _ = writeln!(text, "  {} {}: {}", styled(ASIDE, "note"), names.join(", "), printable(words));
    }
}

fn counts_line(plan: &Plan) -> String {
    let counts = plan.counts();
    if plan.changes.is_empty() {
        return match plan.unchanged {
            0 => "Nothing is managed.".to_owned(),
            unchanged => format!("Nothing to do: {} as the manifest says.", are(unchanged)),
        };
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
    ];
    let parts = parts.into_iter().filter(|(count, ..)| *count > 0);
    let parts = parts.map(|(count, style, word)| styled(style, &format!("{} {word}", grouped(count))));
    format!("{}.", parts.collect::<Vec<_>>().join(", "))
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

/// `1,000`.
fn grouped(count: usize) -> String {
    let digits = count.to_string();
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// `1 repository`, `2 repositories`.
fn plural(count: usize, many: &str) -> String {
    if count != 1 {
        return format!("{} {many}", grouped(count));
    }
    let kind = crate::resource::KINDS.iter().find(|kind| kind.section() == many);
    let one = kind.map_or_else(|| many.strip_suffix('s').unwrap_or(many), |kind| kind.name());
    format!("1 {one}")
}

/// What became of a plan, as text: everything that is not done with its reason, and a last line with the counts.
#[must_use]
pub fn account(plan: &Plan, account: &Account) -> String {
    let plan = &plan.in_words(false);
    let mut text = String::from("\n");
    let mut skipped: Vec<(&str, Vec<&Change>)> = Vec::new();
    for (change, outcome) in plan.changes.iter().zip(&account.outcomes) {
        match outcome {
            Outcome::Done => {}
            Outcome::Failed(why) => {
                let (kind, address) = (change.address.kind().name(), change.address.as_str());
                let _ = writeln!(text, "  {} {kind} {address}\n        {}", styled(ALARM, "failed"), printable(why));
            }
            Outcome::Skipped(why) => match skipped.iter_mut().find(|(reason, _)| reason == why) {
                Some((_, changes)) => changes.push(change),
                None => skipped.push((why, vec![change])),
            },
        }
    }
    for (why, changes) in skipped {
        let mut names: Vec<_> = changes.iter().take(FOLD_ABOVE).map(|change| change.address.to_string()).collect();
        if changes.len() > names.len() {
            names.push(format!("{} more", changes.len() - names.len()));
        }
        let _ = writeln!(text, "  {} {}\n        {}", styled(CHANGED, "skipped"), names.join(", "), printable(why));
    }
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
    text
}

fn advice(account: &Account) -> Option<&'static str> {
    match account.ended {
        Ended::Interrupted => Some("Interrupted: run the same command again to continue."),
        Ended::Stopped(_) => Some("Stopped in time: run the same command again to continue."),
        Ended::NoCredential(_) => {
            Some("Mend that, and run the same command again to continue: what is done stays done.")
        }
        Ended::Complete if account.count("failed") > 0 => {
            Some("Mend what failed, and run the same command again: what is done stays done.")
        }
        Ended::Complete => None,
    }
}
