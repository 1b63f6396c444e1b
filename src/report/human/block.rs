//! Plan → blocks: what happens to an object and in it, and once for many to which the same happens.

use std::collections::{BTreeMap, HashMap};
use std::fmt::Write as _;

use super::change::{Danger, aside, details, summary};
use super::layout::{BELOW, Row, WIDTH, by_the_way, cut_name, grouped, length, names, wrapped};
use crate::output::printable;
use crate::plan::{Change, Plan};
use crate::resource::{KindRef, Shape};

/// So many lines that say the same of different objects are written down; of more, one that speaks for all.
pub(super) const FOLD_ABOVE: usize = 6;

/// Names push what stands beside them no further than this.
const WIDEST: usize = 40;

/// What happens to an object and in it.
pub(super) struct Block<'a> {
    /// The kind of the object; nothing for a workspace.
    kind: Option<KindRef>,
    workspace: &'a str,
    /// Its whole name, and those of all others to which the same happens.
    names: Vec<&'a str>,
    /// What happens to the object itself.
    own: Option<&'a Change>,
    /// What happens in it.
    within: Vec<&'a Change>,
}

/// The blocks of a plan, the most dangerous first. What is dangerous is never folded, and nothing is if the `whole` is wanted.
pub(super) fn blocks(plan: &Plan, whole: bool) -> Vec<Block<'_>> {
    let mut blocks = by_object(plan);
    if !whole {
        // What is left of some after that may be all that happens to others.
        blocks = alike(shared(alike(blocks)));
    }
    for block in &mut blocks {
        block.names.sort_unstable();
        block.within.sort_by_key(|change| Danger::of(change));
    }
    blocks.sort_by(|a, b| a.order().cmp(&b.order()));
    blocks
}

/// How wide the labels of some blocks are whose objects something happens to, beside each other.
pub(super) fn width(blocks: &[Block<'_>]) -> usize {
    let changed = blocks.iter().filter(|block| block.own.is_some());
    changed.map(|block| length(&block.label())).filter(|length| *length <= WIDEST).max().unwrap_or_default()
}

fn by_object(plan: &Plan) -> Vec<Block<'_>> {
    let mut blocks: Vec<Block<'_>> = Vec::new();
    let mut places: HashMap<(Option<KindRef>, &str), usize> = HashMap::new();
    for change in &plan.changes {
        let (kind, name, workspace) =
            (change.address.object_kind(), change.address.object(), change.address.workspace());
        let at = *places.entry((kind, name)).or_insert(blocks.len());
        if at == blocks.len() {
            blocks.push(Block { kind, workspace, names: vec![name], own: None, within: Vec::new() });
        }
        match name == change.address.as_str() {
            true => blocks[at].own = Some(change),
            false => blocks[at].within.push(change),
        }
    }
    blocks
}

/// What is the same in different objects: all that a person could read of it, but for the object's name.
fn likeness(change: &Change) -> String {
    let (kind, short) = (change.address.kind().rank(), change.address.short());
    format!("{kind} {short} {} {} {:?}", change.action, summary(change), details(change, true))
}

/// Joins the blocks of objects to which exactly the same happens, if that saves lines worth speaking of.
fn alike(blocks: Vec<Block<'_>>) -> Vec<Block<'_>> {
    let keys: Vec<Option<String>> = blocks.iter().map(Block::likeness).collect();
    let mut counts: HashMap<&str, usize> = HashMap::new();
    for (block, key) in blocks.iter().zip(&keys) {
        if let Some(key) = key {
            *counts.entry(key).or_default() += block.names.len();
        }
    }
    let mut joined: Vec<Block<'_>> = Vec::new();
    let mut first: HashMap<&str, usize> = HashMap::new();
    for (block, key) in blocks.into_iter().zip(&keys) {
        let count = key.as_deref().and_then(|key| counts.get(key)).copied().unwrap_or_default();
        match key.as_deref().filter(|_| count > 1 && count * (1 + block.within.len()) > FOLD_ABOVE) {
            Some(key) => match first.get(key) {
                Some(at) => joined[*at].names.extend(block.names),
                None => {
                    first.insert(key, joined.len());
                    joined.push(block);
                }
            },
            None => joined.push(block),
        }
    }
    joined
}

/// Takes out of the blocks what happens in many of them, whatever else does there.
fn shared(blocks: Vec<Block<'_>>) -> Vec<Block<'_>> {
    let mut blocks = blocks;
    let key = |block: &Block<'_>, change: &Change| {
        let folds = block.names.len() == 1 && Danger::of(change).folds();
        folds.then(|| format!("{:?} {} {}", block.kind, block.workspace, likeness(change)))
    };
    let of_block = |block: &Block<'_>| block.within.iter().map(|change| key(block, change)).collect::<Vec<_>>();
    let keys: Vec<Vec<Option<String>>> = blocks.iter().map(of_block).collect();
    let mut places: HashMap<&str, Vec<usize>> = HashMap::new();
    for (at, keys) in keys.iter().enumerate() {
        for key in keys.iter().flatten() {
            places.entry(key).or_default().push(at);
        }
    }
    places.retain(|_, places| places.len() > FOLD_ABOVE);
    let mut groups: BTreeMap<&[usize], Vec<&Change>> = BTreeMap::new();
    for ((at, block), keys) in blocks.iter_mut().enumerate().zip(&keys) {
        for (change, key) in std::mem::take(&mut block.within).into_iter().zip(keys) {
            match key.as_deref().and_then(|key| places.get(key)) {
                None => block.within.push(change),
                // The first speaks for all.
                Some(places) if places[0] == at => groups.entry(places).or_default().push(change),
                Some(_) => {}
            }
        }
    }
    let joined: Vec<Block<'_>> = groups
        .into_iter()
        .map(|(places, within)| Block {
            names: places.iter().flat_map(|at| &blocks[*at].names).copied().collect(),
            own: None,
            within,
            ..blocks[places[0]]
        })
        .collect();
    blocks.retain(|block| block.own.is_some() || !block.within.is_empty());
    blocks.extend(joined);
    blocks
}

impl<'a> Block<'a> {
    fn changes(&self) -> impl Iterator<Item = &'a Change> {
        self.own.into_iter().chain(self.within.iter().copied())
    }

    fn danger(&self) -> Danger {
        self.changes().map(Danger::of).min().unwrap_or(Danger::Create)
    }

    /// What is for many stands before what is for one of them.
    fn order(&self) -> (Danger, &'a str, Option<usize>, bool, &'a str) {
        (self.danger(), self.workspace, self.kind.map(KindRef::rank), self.names.len() == 1, self.names[0])
    }

    /// The same for blocks that can be joined; nothing if this one cannot.
    fn likeness(&self) -> Option<String> {
        let whole = || self.changes().map(likeness).collect::<Vec<_>>().join("\n");
        self.danger().folds().then(|| format!("{:?} {} {}\n{}", self.kind, self.workspace, self.own.is_some(), whole()))
    }

    fn label(&self) -> String {
        match (self.kind, self.names.as_slice()) {
            (None, _) => format!("workspace {}", self.workspace),
            (Some(kind), [name]) => format!("{:<10} {name}", kind.name()),
            (Some(kind), names) => format!("{} {} of {}", grouped(names.len()), kind.section(), self.workspace),
        }
    }

    /// Writes it, with the labels of objects beside each other so wide.
    pub fn write(&self, width: usize, whole: bool, text: &mut String) {
        let label = self.label();
        match self.own {
            Some(change) => write(change, 2, &label, width, whole, text),
            None => Row { indent: 2, sign: " ", label: label.trim_end(), width: 0, words: "", aside: "" }.write(text),
        }
        if self.names.len() > 1 {
            self.write_names(text);
        }
        let kinds = self.within.iter().map(|change| change.address.kind().name().len()).max().unwrap_or_default();
        let label = |change: &&Change| {
            let short = change.address.short();
            // Of people everything counts that their name does not say by itself.
            let cuts = !whole && !change.address.kind().is_account();
            let room = if cuts { WIDTH - 8 - kinds - 1 } else { usize::MAX };
            format!("{:<kinds$} {}", change.address.kind().name(), cut_name(&short, room)).trim_end().to_owned()
        };
        let labels: Vec<String> = self.within.iter().map(label).collect();
        let width = labels.iter().map(|label| length(label)).filter(|length| *length <= WIDEST).max();
        for (change, label) in self.within.iter().zip(&labels) {
            write(change, 6, label, width.unwrap_or_default(), whole, text);
        }
    }

    /// Says which objects are meant, as far as that takes no more than a line.
    fn write_names(&self, text: &mut String) {
        const HINT: &str = " (-v lists them)";
        let within = |name: &&str| name.split_once('/').map_or(*name, |(_, name)| name).to_owned();
        let all: Vec<String> = self.names.iter().map(within).collect();
        let names = names(&all, FOLD_ABOVE, WIDTH - 8 - HINT.len());
        let hint = if names.ends_with(" more") { HINT } else { "" };
        let lines: Vec<String> =
            wrapped(&names, WIDTH - 8).iter().map(|line| format!("{:8}{}", "", printable(line))).collect();
        let _ = writeln!(text, "{}{}", lines.join("\n"), by_the_way("", hint));
    }
}

/// Writes a change and what it does to each field. What there is only one of stands on the change's own line, if it fits.
fn write(change: &Change, indent: usize, label: &str, width: usize, whole: bool, text: &mut String) {
    let (sign, aside, details) = (Danger::of(change).sign(), aside(change), details(change, whole));
    let words = summary(change);
    let row = Row { indent, sign: &sign, label, width, words: &words, aside: &aside };
    if let [only] = details.as_slice()
        && *only.name == *words
    {
        // Where there is only one thing to say of each, that need not be named.
        let words = match change.address.kind().shape() {
            Shape::Map(field) | Shape::Value(field) if field == only.name => only.line(),
            _ => format!("{words}  {}", only.line()),
        };
        let row = Row { words: &words, ..row };
        if row.fits() || indent + BELOW + length(&words) <= WIDTH {
            return row.write(text);
        }
    }
    row.write(text);
    let names = details.iter().map(|detail| detail.name.len()).max().unwrap_or_default();
    let indent = indent + BELOW;
    for detail in details {
        for (at, line) in detail.lines(indent + names, whole).iter().enumerate() {
            let name = if at == 0 { detail.name } else { "" };
            let _ = writeln!(text, "{:indent$}{name:<names$}{line}", "");
        }
    }
}
