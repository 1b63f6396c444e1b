//! LOADER: where each value of an object comes from: which layer says it, and what that took the place of.

use std::collections::BTreeSet;

use super::laid::{Outcome, Word, by_key, outcome};
use super::layers::Name;
use super::node::{Key, Node, Tree};
use super::resolve::{add_up, is_of_workspace};
use super::schema::USES;
use super::sections::Reader;
use super::shape::Shape as Form;
use super::{Invalid, Manifest};
use crate::diagnostic::{Diagnostics, Sources, Span, closest};
use crate::resource::{Address, KindRef, Shape, kinds_in};

/// A manifest with the trees that it was made of.
#[derive(Debug)]
pub struct Traced {
    /// What comes of them.
    pub manifest: Manifest,
    documents: Vec<Node>,
    form: Form,
}

/// What a manifest says of an object or of a workspace, or of a part of it.
#[derive(Debug)]
pub struct Explanation {
    /// Its name.
    pub address: String,
    /// What a person calls it.
    pub kind: &'static str,
    /// Where it is listed; a workspace may be in several places.
    pub spans: Vec<Span>,
    /// Everything that is said of it, or of that part of it.
    pub parts: Vec<Part>,
    /// How many objects of each kind are listed in a workspace.
    pub holds: Vec<(usize, KindRef)>,
}

/// A key of a mapping or an item of a list.
#[derive(Debug, Clone)]
pub struct Part {
    /// Its key; of an item nothing.
    pub key: Option<Box<str>>,
    /// Its whole name; an item that has none is called like its list.
    pub address: String,
    /// What it says in the end.
    pub value: Value,
    /// Where that comes from. Nothing for a mapping whose keys come from several places.
    pub from: Option<Origin>,
    /// What that took the place of, the last first.
    pub over: Vec<(Origin, Node)>,
    /// What has a name of its own in an item.
    within: Vec<Part>,
}

/// What is said under a key.
#[derive(Debug, Clone)]
pub enum Value {
    /// One thing.
    One(Node),
    /// A mapping.
    Keys(Vec<Part>),
    /// A list of things that have names.
    Items(Vec<Part>),
    /// Nothing any more.
    Removed,
}

/// Who says something, and where.
#[derive(Debug, Clone)]
pub struct Origin {
    /// The layer; nothing for the object itself.
    pub layer: Option<Name>,
    /// The place.
    pub span: Span,
}

/// Loads the manifest that the inputs name, and keeps what it was made of.
///
/// # Errors
/// Everything that is wrong with it, at once.
pub fn load(inputs: &[String]) -> Result<Traced, Invalid> {
    Traced::from_sources(super::read(inputs)?)
}

impl Traced {
    /// The same of texts that are in memory.
    ///
    /// # Errors
    /// Everything that is wrong with them, at once.
    pub fn from_sources(sources: Sources) -> Result<Self, Invalid> {
        let (manifest, documents, form) = super::make(sources, true)?;
        Ok(Self { manifest, documents, form })
    }

    /// Everything that has this name: an object such as `acme/ledger`, a workspace, or a part of one, such as
    /// `acme/ledger/permissions`. A project and a repository may be called alike.
    #[must_use]
    pub fn explain(&self, address: &str) -> Vec<Explanation> {
        let mut all = Vec::new();
        for explanation in self.objects(address).chain(self.workspace(address)) {
            if explanation.address == address {
                all.push(explanation);
                continue;
            }
            let parts: Vec<Part> = explanation.parts.into_iter().filter_map(|part| part.called(address)).collect();
            if !parts.is_empty() {
                all.push(Explanation { parts, holds: Vec::new(), ..explanation });
            }
        }
        all
    }

    /// The name that was probably meant.
    #[must_use]
    pub fn nearest(&self, address: &str) -> Option<String> {
        let mut names = BTreeSet::new();
        for explanation in self.objects(address).chain(self.workspace(address)) {
            explanation.parts.iter().for_each(|part| part.name_all(&mut names));
        }
        let workspaces = self.manifest.workspaces.iter().map(|workspace| workspace.slug.as_str());
        let objects = self.manifest.desired.iter().map(|object| object.address.as_str());
        closest(address, names.iter().map(String::as_str).chain(workspaces).chain(objects)).map(str::to_owned)
    }

    /// The objects with this name, or of which it names a part.
    fn objects<'a>(&'a self, address: &'a str) -> impl Iterator<Item = Explanation> + 'a {
        let (workspace, rest) = address.split_once('/').unwrap_or((address, ""));
        let id = rest.split('/').next().unwrap_or_default();
        let objects = kinds_in(None).filter(|kind| kind.shape() == Shape::Objects);
        objects.flat_map(move |kind| {
            let items = self.parts_of(workspace).filter_map(move |part| part.get(kind.section()));
            let items = items.flat_map(|items| if let Tree::List(items) = &items.tree { &**items } else { &[] });
            let is_meant = move |item: &&Node| item.get(kind.identity()).and_then(Node::text) == Some(id);
            items.filter(is_meant).map(move |item| self.object(kind, &format!("{workspace}/{id}"), item))
        })
    }

    /// What the documents say of a workspace, each by itself.
    fn parts_of<'a>(&'a self, workspace: &'a str) -> impl Iterator<Item = &'a Node> + 'a {
        let workspaces = self.documents.iter().filter_map(|document| document.get("workspaces"));
        let parts = workspaces.flat_map(|parts| if let Tree::List(parts) = &parts.tree { &**parts } else { &[] });
        parts.filter(move |part| part.get("workspace").and_then(Node::text) == Some(workspace))
    }

    fn object(&self, kind: KindRef, address: &str, own: &Node) -> Explanation {
        let layers = &self.manifest.layers;
        let uses = layers.used_by(own, &mut Diagnostics::default());
        let rows = layers.under(kind, uses.into_iter().map(|(at, _)| at));
        let rows = rows.into_iter().map(|at| layers.get(at)).map(|layer| (Some(&layer.name), &layer.node));
        let tracer = Tracer { traced: self, holder: (Some(kind), address) };
        let mut keys = tracer.keys(rows.chain([(None, own)]), self.form.of_items(kind), "");
        keys.retain_mut(|part| match part.key.as_deref() {
            // What layers use is told by where values come from.
            Some(USES) => {
                part.over.clear();
                part.from.as_ref().is_some_and(|from| from.layer.is_none())
            }
            key => key != Some(kind.identity()),
        });
        let first = ["state", "previously", USES].into_iter().chain(kind.fields().iter().map(|field| field.name));
        let sections = kinds_in(Some(kind)).filter_map(|kind| kind.section().split('.').next());
        let order: Vec<&str> = first.chain(sections).collect();
        keys.sort_by_key(|part| order.iter().position(|key| part.key.as_deref() == Some(key)).unwrap_or(order.len()));
        let span = own.get(kind.identity()).unwrap_or(own).span;
        Explanation {
            address: address.to_owned(),
            kind: kind.name(),
            spans: vec![span],
            parts: keys,
            holds: Vec::new(),
        }
    }

    fn workspace(&self, address: &str) -> Option<Explanation> {
        let slug = address.split('/').next()?;
        let names = self.parts_of(slug).filter_map(|part| part.get("workspace"));
        let spans: Vec<Span> = names.map(|name| name.span).collect();
        let mut whole = Node { span: *spans.first()?, tree: Tree::Map(Box::default()) };
        for (at, part) in self.parts_of(slug).enumerate() {
            // Where several files say which credential it takes, they say the same.
            let is_said = |key: &Key| is_of_workspace(key) || (at == 0 && &*key.text == "auth");
            let said = part.entries().iter().filter(|(key, _)| is_said(key)).cloned().collect();
            add_up(&mut whole, Node { span: part.span, tree: Tree::Map(said) }, slug, &mut Diagnostics::default());
        }
        let tracer = Tracer { traced: self, holder: (None, slug) };
        let parts = tracer.keys([(None, &whole)], self.form.within("workspaces").and_then(|form| form.within("")), "");
        let objects = kinds_in(None).filter(|kind| kind.shape() == Shape::Objects);
        let count = |kind: KindRef| {
            let of_it = |address: &Address| address.kind() == kind && address.workspace() == slug;
            (self.manifest.desired.iter().filter(|object| of_it(&object.address)).count(), kind)
        };
        let holds = objects.map(count).collect();
        Some(Explanation { address: slug.to_owned(), kind: "workspace", spans, parts, holds })
    }
}

/// Follows the keys of one object.
struct Tracer<'a> {
    traced: &'a Traced,
    /// What they are said of: its kind, unless it is a workspace, and its name.
    holder: (Option<KindRef>, &'a str),
}

impl Tracer<'_> {
    /// The keys of mappings, each of which lies over those before it.
    fn keys<'b>(
        &self,
        rows: impl IntoIterator<Item = (Option<&'b Name>, &'b Node)>,
        form: Option<&Form>,
        path: &str,
    ) -> Vec<Part> {
        let part = |words: Vec<Word<'_>>| {
            let key = &*words.first()?.key.text;
            let path = if path.is_empty() { key.to_owned() } else { format!("{path}.{key}") };
            self.key(key, &words, form.and_then(|form| form.within(key)), &path)
        };
        by_key(rows).into_iter().filter_map(part).collect()
    }

    /// What comes of all words about one key.
    fn key(&self, key: &str, words: &[Word<'_>], form: Option<&Form>, path: &str) -> Option<Part> {
        let Outcome { live, over, removals } = outcome(words, form);
        let address = format!("{}/{}", self.holder.1, path.replace('.', "/"));
        let over: Vec<_> = over.iter().rev().map(|word| (Origin::of(word), word.node.clone())).collect();
        let part = Part { key: Some(key.into()), address, value: Value::Removed, from: None, over, within: Vec::new() };
        let Some(last) = live.last() else {
            // What removes nothing says nothing.
            let (removal, _) = removals.iter().rev().find(|(_, removes)| *removes)?;
            return Some(Part { from: Some(Origin::of(removal)), ..part });
        };
        if matches!(last.node.tree, Tree::Map(_)) && form.is_some_and(Form::joins) {
            let keys = self.keys(live.iter().map(|word| (word.layer, word.node)), form, path);
            return (!keys.is_empty() || !part.over.is_empty()).then_some(Part { value: Value::Keys(keys), ..part });
        }
        let from = Some(Origin::of(last));
        let kind = kinds_in(self.holder.0).find(|kind| kind.section() == path);
        match (kind, &last.node.tree) {
            (Some(kind), Tree::List(items)) => {
                let items = self.items(kind, self.holder.1, last.layer, items);
                // Those of a workspace may stand in several files.
                Some(Part { value: Value::Items(items), from: from.filter(|_| self.holder.0.is_some()), ..part })
            }
            _ => Some(Part { value: Value::One(last.node.clone()), from, ..part }),
        }
    }

    fn items(&self, kind: KindRef, holder: &str, layer: Option<&Name>, items: &[Node]) -> Vec<Part> {
        let mut found = Diagnostics::default();
        let mut reader = Reader { sources: &self.traced.manifest.sources, found: &mut found };
        let mut part = |item: &Node| {
            // One at a time, so that each is known by its name.
            let one = Node { span: item.span, tree: Tree::List([item.clone()].into()) };
            let names = reader.section(kind, holder, &one);
            let address = names.first().map(|name| name.address(holder).to_string()).unwrap_or_default();
            let inner = kinds_in(Some(kind)).filter_map(|inner| match &item.at(inner.section())?.tree {
                Tree::List(items) => Some(self.items(inner, &address, layer, items)),
                _ => None,
            });
            let within = inner.flatten().collect();
            let from = Some(Origin { layer: layer.cloned(), span: item.span });
            Part { key: None, address, value: Value::One(item.clone()), from, over: Vec::new(), within }
        };
        items.iter().map(&mut part).collect()
    }
}

impl Part {
    /// What is called like this in it, or it itself.
    fn called(self, address: &str) -> Option<Self> {
        if self.address == address {
            return Some(self);
        }
        address.strip_prefix(self.address.as_str()).filter(|rest| rest.starts_with('/'))?;
        let among = |parts: Vec<Self>| -> Option<Vec<Self>> {
            let called: Vec<Self> = parts.into_iter().filter_map(|part| part.called(address)).collect();
            (!called.is_empty()).then_some(called)
        };
        match self.value {
            Value::Keys(parts) => Some(Self { value: Value::Keys(among(parts)?), ..self }),
            Value::Items(parts) => Some(Self { value: Value::Items(among(parts)?), from: None, ..self }),
            // What is in an item is shown with it.
            Value::One(_) => self.within.iter().any(|part| part.clone().called(address).is_some()).then_some(self),
            Value::Removed => None,
        }
    }

    fn name_all(&self, names: &mut BTreeSet<String>) {
        names.insert(self.address.clone());
        let inner = match &self.value {
            Value::Keys(parts) | Value::Items(parts) => parts,
            Value::One(_) | Value::Removed => &self.within,
        };
        for part in inner {
            part.name_all(names);
        }
    }
}

impl Origin {
    fn of(word: &Word<'_>) -> Self {
        Self { layer: word.layer.cloned(), span: word.key.span }
    }
}
