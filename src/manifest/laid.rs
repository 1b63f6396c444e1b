//! LOADER: layers laid over each other, and an object over them: what each key says in the end.

use std::collections::{HashMap, HashSet};

use super::layers::Name;
use super::node::{Key, Node, Tree, places_of};
use super::shape::Shape;
use crate::diagnostic::Span;

/// What one layer says of a key, or the object itself, which has no layer's name.
#[derive(Debug, Clone, Copy)]
pub(super) struct Word<'a> {
    pub(super) layer: Option<&'a Name>,
    pub(super) key: &'a Key,
    pub(super) node: &'a Node,
}

/// What comes of all words about a key.
#[derive(Debug, Default)]
pub(super) struct Outcome<'a> {
    /// Those that hold: several mappings, which become one, or one word of another kind, or none.
    pub(super) live: Vec<Word<'a>>,
    /// Those whose place another has taken, or which were removed.
    pub(super) over: Vec<Word<'a>>,
    /// Every `~`, with whether it has removed anything.
    pub(super) removals: Vec<(Word<'a>, bool)>,
}

/// The words that mappings say about each key, where each mapping lies over those before it.
pub(super) fn by_key<'a>(rows: impl IntoIterator<Item = (Option<&'a Name>, &'a Node)>) -> Vec<Vec<Word<'a>>> {
    /// So few keys are compared sooner than looked up.
    const FEW: usize = 16;
    let mut all: Vec<Vec<Word<'a>>> = Vec::new();
    let mut places: HashMap<&str, usize> = HashMap::new();
    for (layer, node) in rows {
        for (key, node) in node.entries() {
            let word = Word { layer, key, node };
            let known = match all.len() {
                ..=FEW => all.iter().position(|words| words[0].key.text == key.text),
                _ => places.get(&*key.text).copied(),
            };
            match known.and_then(|at| all.get_mut(at)) {
                Some(words) => words.push(word),
                None => {
                    places.insert(&key.text, all.len());
                    all.push(vec![word]);
                }
            }
        }
    }
    all
}

/// What comes of words, each of which lies over those before it: mappings become one, key by key; anything else takes the
/// place of what was said before; and `~` removes it.
pub(super) fn outcome<'a>(words: &[Word<'a>], shape: Option<&Shape>) -> Outcome<'a> {
    let joins = |node: &Node| matches!(node.tree, Tree::Map(_)) && shape.is_some_and(Shape::joins);
    let mut outcome = Outcome::default();
    for word in words {
        if word.node.tree == Tree::Null {
            outcome.removals.push((*word, !outcome.live.is_empty()));
        }
        // Of several live words each is a mapping.
        if !joins(word.node) || !outcome.live.first().is_none_or(|first| joins(first.node)) {
            outcome.over.append(&mut outcome.live);
        }
        if word.node.tree != Tree::Null {
            outcome.live.push(*word);
        }
    }
    outcome
}

/// What laying layers over each other has shown.
#[derive(Debug, Default)]
pub(super) struct Laid {
    /// The places of every `~` that has removed something.
    pub(super) removed: HashSet<Span>,
    /// How many values it took.
    pub(super) work: usize,
}

impl Laid {
    /// Lays mappings over each other, each over those before it. What was removed is empty.
    pub(super) fn lay(&mut self, rows: &[&Node], shape: Option<&Shape>) -> Node {
        let span = rows.last().map(|row| row.span).unwrap_or_default();
        let all = by_key(rows.iter().map(|row| (None, *row)));
        let entries = all.iter().filter_map(|words| {
            self.work += words.len();
            let shape = shape.and_then(|shape| shape.within(&words.first()?.key.text));
            let Outcome { live, removals, .. } = outcome(words, shape);
            self.removed.extend(removals.iter().filter(|(_, removes)| *removes).map(|(word, _)| word.node.span));
            Some(match live.as_slice() {
                [] => removals.last().map(|(word, _)| (word.key.clone(), word.node.clone()))?,
                [one] => {
                    self.work += one.node.count();
                    (one.key.clone(), one.node.clone())
                }
                [.., last] => {
                    (last.key.clone(), self.lay(&live.iter().map(|word| word.node).collect::<Vec<_>>(), shape))
                }
            })
        });
        Node { tree: Tree::Map(entries.collect()), span }
    }
}

/// An object laid over what is under it. Most keys are said by one of the two alone, and nothing is copied for them.
pub(super) struct Effective<'a> {
    own: &'a Node,
    under: &'a Node,
    /// Where both say part of a mapping.
    joined: Vec<(&'a Key, Node)>,
}

impl<'a> Effective<'a> {
    pub(super) fn new(own: &'a Node, under: &'a Node, shape: Option<&Shape>, laid: &mut Laid) -> Self {
        let is_mapping = |node: &Node| matches!(node.tree, Tree::Map(_));
        let joined = own.entries().iter().filter(|(_, value)| is_mapping(value)).filter_map(|(key, value)| {
            let shape = shape?.within(&key.text).filter(|shape| shape.joins())?;
            let old = under.get(&key.text).filter(|old| is_mapping(old))?;
            Some((key, laid.lay(&[old, value], Some(shape))))
        });
        Self { own, under, joined: joined.collect() }
    }

    /// What the object has a part in, `~` as well.
    pub(super) fn own(&self, key: &str) -> Option<&Node> {
        let joined = self.joined.iter().find(|(name, _)| &*name.text == key).map(|(_, node)| node);
        joined.or_else(|| self.own.get(key))
    }

    /// The value under keys that stand inside of each other. Nothing if `~` removes it.
    pub(super) fn at(&self, keys: &str) -> Option<&Node> {
        let (key, rest) = keys.split_once('.').map_or((keys, None), |(key, rest)| (key, Some(rest)));
        let node = self.own(key).or_else(|| self.under.get(key)).filter(|node| node.tree != Tree::Null)?;
        rest.map_or(Some(node), |rest| node.at(rest))
    }
}

/// Tells of every `~` in what is laid over something whether it removes anything there.
pub(super) fn removals(over: &Node, under: Option<&Node>, tell: &mut impl FnMut(&Key, Span, bool)) {
    let entries = over.entries();
    if !entries.iter().any(|(_, value)| matches!(value.tree, Tree::Null | Tree::Map(_))) {
        return;
    }
    let places = places_of(entries, under.map(Node::entries).unwrap_or_default());
    for ((key, value), place) in entries.iter().zip(places) {
        let below = place.and_then(|at| under?.entries().get(at)).map(|(_, below)| below);
        match &value.tree {
            Tree::Null => tell(key, value.span, below.is_some_and(|below| below.tree != Tree::Null)),
            Tree::Map(_) => removals(value, below, tell),
            _ => {}
        }
    }
}
