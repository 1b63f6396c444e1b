//! LOADER: layers laid over each other, and an object over them: what each key says in the end.

use std::collections::HashSet;

use super::node::{Key, Node, Tree, places_of};
use super::shape::Shape;
use crate::diagnostic::Span;

/// What laying layers over each other has shown.
#[derive(Debug, Default)]
pub(super) struct Laid {
    /// The places of every `~` that has removed something.
    pub(super) removed: HashSet<Span>,
    /// How many values it took.
    pub(super) work: usize,
}

impl Laid {
    /// Lays a value over another: mappings become one, key by key, and anything else takes the other's place. What `~`
    /// removes is empty from then on.
    pub(super) fn lay(&mut self, under: &mut Node, over: &Node, shape: Option<&Shape>) {
        match (&mut under.tree, &over.tree) {
            (Tree::Map(entries), Tree::Map(more)) if shape.is_some_and(Shape::joins) => {
                under.span = over.span;
                let places = places_of(more, entries);
                let mut joined = std::mem::take(entries).into_vec();
                for ((key, value), place) in more.iter().zip(places) {
                    let Some((name, old)) = place.and_then(|at| joined.get_mut(at)) else {
                        joined.push((key.clone(), self.copy(value)));
                        continue;
                    };
                    name.clone_from(key);
                    self.lay(old, value, shape.and_then(|shape| shape.within(&key.text)));
                }
                *entries = joined.into();
            }
            (old, new) => {
                if *new == Tree::Null && *old != Tree::Null {
                    self.removed.insert(over.span);
                }
                *under = self.copy(over);
            }
        }
    }

    fn copy(&mut self, node: &Node) -> Node {
        self.work += node.count();
        node.clone()
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
        let mut joined = Vec::new();
        for (key, value) in own.entries() {
            let shape = shape.and_then(|shape| shape.within(&key.text));
            let is_mapping = matches!(value.tree, Tree::Map(_)) && shape.is_some_and(Shape::joins);
            let Some(old) = under.get(&key.text).filter(|_| is_mapping) else { continue };
            if matches!(old.tree, Tree::Map(_)) {
                let mut both = laid.copy(old);
                laid.lay(&mut both, value, shape);
                joined.push((key, both));
            }
        }
        Self { own, under, joined }
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
