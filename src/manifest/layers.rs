//! LOADER: what lies under the objects of a manifest: the defaults of all its files, and its templates.
//!
//! A layer stands on the templates that it uses. What lies under an object is a row of layers in which each is laid over
//! those before it (`Layers::under`); to lay one twice would change nothing, so that each stands in it once, however often
//! it is used.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::fmt;
use std::sync::OnceLock;

use super::node::{Node, Tree, places_of};
use super::schema::USES;
use super::shape::shortened;
use crate::diagnostic::{Code, Diagnostic, Diagnostics, Span, closest};
use crate::resource::{KindRef, kinds_in};

/// The defaults and templates of a manifest.
#[derive(Debug, Clone, Default)]
pub struct Layers {
    all: Vec<Layer>,
    defaults: HashMap<KindRef, usize>,
    templates: BTreeMap<Box<str>, usize>,
    /// By the place of each value the layer it stands in; made when somebody asks.
    places: OnceLock<HashMap<Span, Option<usize>>>,
}

/// Settings that objects stand on.
#[derive(Debug, Clone)]
pub(super) struct Layer {
    pub(super) name: Name,
    /// What it says itself.
    pub(super) node: Node,
    /// Where it begins.
    span: Span,
    /// The templates that lie under it, in their order, each with the place that says so.
    uses: Vec<(usize, Span)>,
}

/// What a layer is called.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Name {
    /// The defaults of a kind.
    Defaults,
    /// A template.
    Template(Box<str>),
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Defaults => f.write_str("defaults"),
            Self::Template(name) => write!(f, "template {name}"),
        }
    }
}

impl Layers {
    /// Takes them out of the documents, and says what is wrong with them.
    pub(super) fn gather(documents: &mut [Node], found: &mut Diagnostics) -> Self {
        let mut layers = Self::default();
        for document in &mut *documents {
            if let Some(Tree::Map(entries)) = document.take("defaults").map(|defaults| defaults.tree) {
                for (key, node) in entries {
                    let kind = kinds_in(None).find(|kind| kind.name() == &*key.text);
                    if let Some(kind) = kind {
                        layers.add_defaults(kind, node, key.span, found);
                    }
                }
            }
            if let Some(Tree::Map(entries)) = document.take("templates").map(|templates| templates.tree) {
                for (key, node) in entries {
                    layers.add_template(&key.text, node, key.span, found);
                }
            }
        }
        for at in 0..layers.all.len() {
            layers.all[at].uses = layers.used_by(&layers.all[at].node, found);
        }
        layers.report_circles(found);
        layers
    }

    fn add_defaults(&mut self, kind: KindRef, node: Node, span: Span, found: &mut Diagnostics) {
        match self.defaults.get(&kind) {
            Some(at) => join(&mut self.all[*at].node, node, found),
            None => {
                self.defaults.insert(kind, self.all.len());
                self.all.push(Layer { name: Name::Defaults, node, span, uses: Vec::new() });
            }
        }
    }

    /// Two files may both hold a template, but not two of one name: which would be meant?
    fn add_template(&mut self, name: &str, node: Node, span: Span, found: &mut Diagnostics) {
        match self.templates.get(name).map(|at| &self.all[*at]) {
            None => {
                self.templates.insert(name.into(), self.all.len());
                let name = Name::Template(name.into());
                self.all.push(Layer { name, node, span, uses: Vec::new() });
            }
            Some(first) if first.node.to_json() == node.to_json() => {}
            Some(first) => found.push(
                Diagnostic::error(
                    Code::ConflictingTemplates,
                    span,
                    format!("two templates are called {}", quoted(name)),
                )
                .label("this one")
                .also(first.span, "and this one")
                .help("templates hold for the whole manifest: keep one of them, or give one another name"),
            ),
        }
    }

    /// The templates that something uses, and what is wrong with how it says so.
    pub(super) fn used_by(&self, node: &Node, found: &mut Diagnostics) -> Vec<(usize, Span)> {
        let Some(Tree::List(names)) = node.get(USES).map(|uses| &uses.tree) else { return Vec::new() };
        let mut uses: Vec<(usize, Span)> = Vec::with_capacity(names.len());
        let mut seen: HashMap<usize, Span> = HashMap::new();
        for name in names {
            let Some(at) = name.text().and_then(|name| self.templates.get(name)).copied() else {
                found.push(self.unknown(name));
                continue;
            };
            // Nearly always there is one.
            if names.len() > 1
                && let Some(first) = seen.insert(at, name.span)
            {
                found.push(
                    Diagnostic::error(
                        Code::UsedTwice,
                        name.span,
                        format!("{} is used twice", quoted(name.text().unwrap_or_default())),
                    )
                    .label("the second time")
                    .also(first, "the first time")
                    .help("keep one of them: what a later template says wins"),
                );
                continue;
            }
            uses.push((at, name.span));
        }
        uses
    }

    fn unknown(&self, name: &Node) -> Diagnostic {
        let wanted = name.text().unwrap_or_default();
        let known = || self.templates.keys().map(|name| &**name);
        let diagnostic =
            Diagnostic::error(Code::UnknownTemplate, name.span, format!("there is no template {}", quoted(wanted)));
        match closest(wanted, known()) {
            Some(near) => diagnostic.label(format!("did you mean {}?", quoted(near))),
            None if self.templates.is_empty() => diagnostic.label("no file of this manifest has any").help(format!(
                "write `templates: {{{wanted}: {{…}}}}` at the top of a file, and name that file as well"
            )),
            None => {
                let some: Vec<_> = known().take(8).map(quoted).collect();
                let more = if self.templates.len() > some.len() { ", …" } else { "" };
                diagnostic.label("unknown").help(format!("there are {}{more}", some.join(", ")))
            }
        }
    }

    /// Reports templates that stand on themselves.
    fn report_circles(&self, found: &mut Diagnostics) {
        /// Nobody reads more of them, and each takes as long as it is large.
        const REPORTED: usize = 20;
        let mut done = vec![false; self.all.len()];
        let mut on_the_way = vec![false; self.all.len()];
        let mut reported = 0;
        for first in 0..self.all.len() {
            // Each layer on the way from the first, with how many of those under it have been visited.
            let mut way: Vec<(usize, usize)> = Vec::new();
            let mut next = Some(first).filter(|first| !done[*first]);
            loop {
                if let Some(at) = next.take() {
                    on_the_way[at] = true;
                    way.push((at, 0));
                }
                let Some((at, visited)) = way.last_mut() else { break };
                let Some((under, span)) = self.all[*at].uses.get(*visited).copied() else {
                    (done[*at], on_the_way[*at]) = (true, false);
                    way.pop();
                    continue;
                };
                *visited += 1;
                if !on_the_way[under] {
                    next = Some(under).filter(|under| !done[*under]);
                } else if reported < REPORTED {
                    reported += 1;
                    let circle = way.iter().map(|(at, _)| *at).skip_while(|at| *at != under);
                    found.push(self.circle(&circle.collect::<Vec<_>>(), span));
                }
            }
        }
    }

    /// What to say of templates each of which uses the next, and the last the first, which it does here.
    fn circle(&self, circle: &[usize], span: Span) -> Diagnostic {
        const SHOWN: usize = 6;
        let names = circle.iter().map(|at| match &self.all[*at].name {
            Name::Template(name) => shortened(name),
            name @ Name::Defaults => name.to_string(),
        });
        let mut names: Vec<String> = names.collect();
        let first = names.first().cloned().unwrap_or_default();
        if names.len() > SHOWN {
            names.splice(SHOWN - 1..names.len() - 1, ["…".to_owned()]);
        }
        names.push(first.clone());
        let message = format!("the template {} stands on itself: {}", quoted(&first), names.join(" → "));
        let mut diagnostic = Diagnostic::error(Code::TemplateCircle, span, message).label("here the circle closes");
        let links = circle.iter().zip(circle.iter().skip(1));
        for (at, next) in links.take(SHOWN) {
            let link = self.all[*at].uses.iter().find(|(under, _)| under == next);
            if let Some((_, span)) = link {
                diagnostic = diagnostic.also(*span, format!("{} uses this one", self.all[*at].name));
            }
        }
        diagnostic.help("take one of them out of `uses`")
    }

    /// What lies under an object of this kind that uses these templates: each is laid over those before it.
    ///
    /// In full the row would be that of the defaults, then that of each template in its order, where the row of a layer is
    /// those of the templates that it uses and then itself. Of a layer that is in it again and again only the last time
    /// matters: it says the same things of the same keys every time.
    pub(super) fn under(&self, kind: KindRef, uses: impl IntoIterator<Item = usize>) -> Vec<usize> {
        let mut row = Vec::new();
        let mut seen = HashSet::new();
        // From the last to the first: what is pushed last is what comes next.
        let mut waiting: Vec<usize> = self.defaults.get(&kind).copied().into_iter().chain(uses).collect();
        while let Some(at) = waiting.pop() {
            if seen.insert(at) {
                row.push(at);
                waiting.extend(self.all[at].uses.iter().map(|(under, _)| *under));
            }
        }
        row.reverse();
        row
    }

    /// One of them.
    pub(super) fn get(&self, at: usize) -> &Layer {
        &self.all[at]
    }

    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.all.len()
    }

    /// Who inherits what stands at this place, in words that follow "this repository": nothing if it is in no layer.
    pub(super) fn whence(&self, span: Span) -> Option<String> {
        let places = self.places.get_or_init(|| {
            let mut places = HashMap::new();
            for (at, layer) in self.all.iter().enumerate() {
                note_places(&layer.node, at, &mut places);
            }
            places
        });
        Some(match places.get(&span)? {
            Some(at) => format!("has it from {}", self.all[*at].name),
            None => "inherits it".to_owned(),
        })
    }
}

/// Two files may both give defaults, but not different ones for the same key: which would win?
fn join(under: &mut Node, over: Node, found: &mut Diagnostics) {
    if over.to_json() == under.to_json() {
        return;
    }
    match (&mut under.tree, over) {
        (Tree::Map(entries), Node { tree: Tree::Map(more), .. }) => {
            let places = places_of(&more, entries);
            let mut joined = std::mem::take(entries).into_vec();
            for ((key, value), place) in more.into_iter().zip(places) {
                match place {
                    Some(at) => join(&mut joined[at].1, value, found),
                    None => joined.push((key, value)),
                }
            }
            *entries = joined.into();
        }
        (_, over) => found.push(
            Diagnostic::error(Code::ConflictingDefaults, over.span, "two files give different defaults")
                .label("this one")
                .also(under.span, "and this one")
                .help("defaults hold for the whole manifest: keep one of them, or set the value on the objects"),
        ),
    }
}

fn quoted(name: &str) -> String {
    format!("`{}`", shortened(name))
}

/// Notes the place of every key and value. What stands behind an anchor can be in several layers.
fn note_places(node: &Node, layer: usize, places: &mut HashMap<Span, Option<usize>>) {
    note_place(node.span, layer, places);
    match &node.tree {
        Tree::List(items) => items.iter().for_each(|item| note_places(item, layer, places)),
        Tree::Map(entries) => {
            for (key, value) in entries {
                note_place(key.span, layer, places);
                note_places(value, layer, places);
            }
        }
        Tree::Null | Tree::Bool(_) | Tree::Number(_) | Tree::Text(_) => {}
    }
}

fn note_place(span: Span, layer: usize, places: &mut HashMap<Span, Option<usize>>) {
    let place = places.entry(span).or_insert(Some(layer));
    if *place != Some(layer) {
        *place = None;
    }
}
