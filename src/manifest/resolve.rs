//! LOADER: from checked trees to the desired state: every object is laid over its layers, several files become one.

use std::collections::{BTreeMap, HashMap};
use std::rc::Rc;
use std::sync::Arc;

use serde_json::Value;

use super::auth::Auth;
use super::desired::{Desired, More, Said};
use super::laid::{Effective, Laid, removals};
use super::layers::Layers;
use super::node::{Key, Node, Tree, places_of};
use super::sections::{Reader, Stencil, owned, put_into, sections_of};
use super::shape::Shape as Form;
use super::{Owned, Workspace, accounts};
use crate::diagnostic::{Code, Diagnostic, Diagnostics, Sources, Span};
use crate::resource::{Address, Alike, KINDS, KindRef, Shape, kinds_in};

/// So many objects fit into memory, and are forty times what the largest workspaces hold.
const MAX_OBJECTS: usize = 4_000_000;
/// So many values may be copied in laying layers over each other, which takes some seconds.
const MAX_WORK: usize = 50_000_000;
/// So many are kept for further objects that use the same templates.
const MAX_KEPT: usize = 1_000_000;

/// The desired state of some workspaces.
#[derive(Debug, Default)]
pub(super) struct Resolved {
    pub(super) workspaces: Vec<Workspace>,
    pub(super) desired: Vec<Desired>,
    pub(super) owned: Vec<Owned>,
}

/// Makes it of one document after the other.
pub(super) struct Resolver<'a> {
    layers: &'a Layers,
    form: &'a Form,
    sources: &'a Sources,
    found: &'a mut Diagnostics,
    laid: Laid,
    /// What lies under objects of a kind that use these templates.
    under: HashMap<(KindRef, Vec<usize>), Rc<Under>>,
    kept: usize,
    /// The layers that lie under something.
    used: Vec<bool>,
    alike: Alike,
    known: HashMap<String, usize>,
    parts: Vec<Part>,
    objects: usize,
    owned: Vec<Owned>,
}

/// A workspace, and what all files together say of it.
struct Part {
    workspace: Workspace,
    /// Its sections.
    node: Node,
    desired: Vec<Desired>,
}

/// What lies under an object, and what comes of that in every object that says nothing else.
struct Under {
    node: Node,
    fields: Vec<(&'static str, Arc<Value>, Span)>,
    sections: Vec<(&'static str, Vec<Stencil>)>,
}

impl<'a> Resolver<'a> {
    pub(super) fn new(layers: &'a Layers, form: &'a Form, sources: &'a Sources, found: &'a mut Diagnostics) -> Self {
        Self {
            layers,
            form,
            sources,
            found,
            laid: Laid::default(),
            under: HashMap::new(),
            kept: 0,
            used: vec![false; layers.len()],
            alike: Alike::default(),
            known: HashMap::new(),
            parts: Vec::new(),
            objects: 0,
            owned: Vec::new(),
        }
    }

    /// Adds what a document says. Of what has been read nothing stays in memory.
    pub(super) fn add(&mut self, document: Node) {
        let mut document = document;
        for mut workspace in document.take("workspaces").map(Node::into_items).unwrap_or_default() {
            let Some(name) = workspace.get("workspace") else { continue };
            let at = self.part(name);
            if let Some(auth) = workspace.get("auth")
                && let Some(auth) = Auth::read(auth, self.sources, self.found)
            {
                authorise(&mut self.parts[at].workspace, auth, self.found);
            }
            let sections = workspace.entries().iter().filter(|(key, _)| is_of_workspace(key)).cloned().collect();
            let sections = Node { span: workspace.span, tree: Tree::Map(sections) };
            let Part { workspace: Workspace { slug, .. }, node, .. } = &mut self.parts[at];
            add_up(node, sections, slug, self.found);
            for kind in kinds_in(None).filter(|kind| kind.shape() == Shape::Objects) {
                for item in workspace.take(kind.section()).map(Node::into_items).unwrap_or_default() {
                    if self.objects > MAX_OBJECTS || self.laid.work > MAX_WORK {
                        return;
                    }
                    self.object(kind, at, &item);
                    self.check_bounds(&item);
                }
            }
        }
    }

    fn part(&mut self, name: &Node) -> usize {
        let slug = name.text().unwrap_or_default();
        if let Some(at) = self.known.get(slug) {
            return *at;
        }
        let workspace = Workspace { slug: slug.to_owned(), span: name.span, auth: None };
        self.known.insert(slug.to_owned(), self.parts.len());
        let node = Node { span: name.span, tree: Tree::Map(Box::default()) };
        self.parts.push(Part { workspace, node, desired: Vec::new() });
        self.parts.len() - 1
    }

    fn check_bounds(&mut self, item: &Node) {
        let message = if self.objects > MAX_OBJECTS {
            format!("the manifest asks for more than {MAX_OBJECTS} objects")
        } else if self.laid.work > MAX_WORK {
            "the templates grow beyond their bounds when they are laid over each other".to_owned()
        } else {
            return;
        };
        self.found.push(
            Diagnostic::error(Code::TooManyObjects, item.span, message)
                .label("here it is too much")
                .help("what is in a template or in the defaults comes to be for everything that inherits it"),
        );
    }

    fn object(&mut self, kind: KindRef, at: usize, own: &Node) {
        let Some(id) = own.get(kind.identity()) else { return };
        let address = Address::new(kind, &self.parts[at].workspace.slug, id.text().unwrap_or_default());
        let under = self.under(kind, &address, own);
        let form = self.form.of_items(kind);
        let effective = Effective::new(own, &under.node, form, &mut self.laid);
        let said = self.said(kind, address.workspace(), &effective, &under);
        let (absent, name) = (said.absent, address.clone());
        let desired = &mut self.parts[at].desired;
        let before = desired.len();
        desired.push(Desired::new(address, Arc::new(said)));
        if !absent {
            let mut reader = Reader { sources: self.sources, found: self.found };
            for (key, stencils) in &under.sections {
                if effective.own(key).is_none() {
                    put_into(name.as_str(), stencils, desired);
                }
            }
            for (_, kind) in sections_of(kind).iter().filter(|(key, _)| effective.own(key).is_some()) {
                if let Some(section) = effective.at(kind.section()) {
                    put_into(name.as_str(), &reader.section(*kind, name.as_str(), section), desired);
                }
            }
            let wrong = owned(Some(kind), name.as_str(), |key| effective.at(key), &mut self.owned);
            let of_this = |wrong: Diagnostic| {
                let whence = wrong.primary.as_ref().and_then(|(span, _)| self.layers.whence(*span));
                whence
                    .into_iter()
                    .fold(wrong, |wrong, whence| wrong.also(id.span, format!("this {} {whence}", kind.name())))
            };
            wrong.into_iter().map(of_this).for_each(|wrong| self.found.push(wrong));
            removals(own, Some(&under.node), &mut |key, span, removes| {
                if !removes {
                    self.found.push(removes_nothing(key, span));
                }
            });
        }
        self.objects += self.parts[at].desired.len() - before;
    }

    /// What lies under an object, made once for all that use the same templates.
    fn under(&mut self, kind: KindRef, address: &Address, own: &Node) -> Rc<Under> {
        let uses = if kind.is_templated() { self.layers.used_by(own, self.found) } else { Vec::new() };
        let uses: Vec<usize> = uses.into_iter().map(|(at, _)| at).collect();
        let key = (kind, uses);
        if let Some(known) = self.under.get(&key) {
            return Rc::clone(known);
        }
        let form = self.form.of_items(kind);
        let row = self.layers.under(kind, key.1.iter().copied());
        for at in &row {
            self.used[*at] = true;
        }
        let row: Vec<&Node> = row.into_iter().map(|at| &self.layers.get(at).node).collect();
        let node = self.laid.lay(&row, form);
        let mut reader = Reader { sources: self.sources, found: self.found };
        let sections = sections_of(kind).iter().filter_map(|(key, kind)| {
            let stencils = reader.section(*kind, address.as_str(), node.at(kind.section())?);
            (!stencils.is_empty()).then_some((*key, stencils))
        });
        let sections = sections.collect();
        let fields = kind.fields().iter().filter_map(|field| {
            let value = node.at(field.name)?;
            Some((field.name, self.alike.value(reader.value(field, value)), value.span))
        });
        let fields = fields.collect();
        self.kept += node.count();
        if self.kept > MAX_KEPT {
            self.kept = node.count();
            self.under.clear();
        }
        let under = Rc::new(Under { node, fields, sections });
        self.under.insert(key, Rc::clone(&under));
        under
    }

    /// What is said of an object itself.
    fn said(&mut self, kind: KindRef, workspace: &str, effective: &Effective<'_>, under: &Under) -> Said {
        let mut reader = Reader { sources: self.sources, found: self.found };
        let (mut fields, mut places, mut removed) = (Vec::new(), Vec::new(), Vec::new());
        for field in kind.fields() {
            let inherited = || under.fields.iter().find(|(name, ..)| *name == field.name);
            let (value, span) = match effective.own(field.name) {
                Some(Node { tree: Tree::Null, span }) => {
                    removed.push((field.name, *span));
                    continue;
                }
                Some(value) => (self.alike.value(reader.value(field, value)), value.span),
                None => match inherited() {
                    Some((_, value, span)) => (Arc::clone(value), *span),
                    None => {
                        // Removed by a layer.
                        let gone = under.node.get(field.name).map(|gone| (field.name, gone.span));
                        removed.extend(gone);
                        continue;
                    }
                },
            };
            fields.push((field.name, value));
            places.push(span);
        }
        let (id, state) = (effective.at(kind.identity()), effective.at("state"));
        let previously = effective.at("previously").and_then(|name| Some((name.text()?, name.span)));
        let more = More {
            previously: previously.map(|(name, span)| (Address::new(kind, workspace, name), span)),
            state_span: state.map(|state| state.span),
            removed,
            listed: accounts::listed(kind, |field| effective.at(field.name)),
        };
        Said {
            fields: self.alike.fields(fields.into_iter().collect()),
            places: places.into(),
            span: id.map(|id| id.span).unwrap_or_default(),
            absent: state.and_then(Node::text) == Some("absent"),
            more: more.boxed(),
        }
    }

    /// All that the documents said.
    pub(super) fn finish(mut self) -> Resolved {
        self.warn_of_idle_removals();
        let mut resolved = Resolved { owned: self.owned, ..Resolved::default() };
        let mut by_workspace: BTreeMap<String, Vec<Desired>> = BTreeMap::new();
        for mut part in self.parts {
            let slug = &part.workspace.slug;
            let mut reader = Reader { sources: self.sources, found: self.found };
            for kind in kinds_in(None).filter(|kind| kind.shape() != Shape::Objects) {
                if let Some(section) = part.node.at(kind.section()) {
                    put_into(slug, &reader.section(kind, slug, section), &mut part.desired);
                }
            }
            let wrong = owned(None, slug, |key| part.node.at(key), &mut resolved.owned);
            for wrong in wrong {
                self.found.push(wrong);
            }
            by_workspace.insert(slug.clone(), part.desired);
            resolved.workspaces.push(part.workspace);
        }
        resolved.desired.reserve_exact(by_workspace.values().map(Vec::len).sum());
        for desired in by_workspace.into_values() {
            in_order(desired, &mut resolved.desired);
        }
        resolved
    }

    /// What a layer removes should be there at least for one of those that stand on it.
    fn warn_of_idle_removals(&mut self) {
        for at in (0..self.layers.len()).filter(|at| self.used[*at]) {
            removals(&self.layers.get(at).node, None, &mut |key, span, _| {
                if !self.laid.removed.contains(&span) {
                    self.found.push(removes_nothing(key, span));
                }
            });
        }
    }
}

/// Adds the objects of a workspace in the order of their addresses, in which they mostly are, kind by kind.
fn in_order(desired: Vec<Desired>, all: &mut Vec<Desired>) {
    fn place(object: &Desired) -> (&str, &str) {
        (object.address.parent(), object.address.id())
    }
    let mut by_kind: Vec<Vec<Desired>> = KINDS.iter().map(|_| Vec::new()).collect();
    for object in desired {
        by_kind[object.address.kind().rank()].push(object);
    }
    for mut objects in by_kind {
        // The workspace and the kind are the same.
        if !objects.is_sorted_by_key(place) {
            objects.sort_unstable_by(|a, b| place(a).cmp(&place(b)));
        }
        all.append(&mut objects);
    }
}

fn removes_nothing(key: &Key, span: Span) -> Diagnostic {
    Diagnostic::warning(Code::RemovesNothing, span, format!("there is no `{}` that this could remove", key.text))
        .label("nothing gives it a value under this")
        .help("leave it out")
}

/// Whether a key of a workspace is about it, and neither its name nor its credential nor what is listed in it.
pub(super) fn is_of_workspace(key: &Key) -> bool {
    let is_list = |kind: KindRef| kind.shape() == Shape::Objects && kind.section() == &*key.text;
    !matches!(&*key.text, "workspace" | "auth") && !kinds_in(None).any(is_list)
}

/// Two places may both say which credential a workspace takes, but not different ones.
fn authorise(workspace: &mut Workspace, auth: Auth, found: &mut Diagnostics) {
    match &workspace.auth {
        Some(first) if !first.says_the_same_as(&auth) => found.push(
            Diagnostic::error(
                Code::ConflictingCredentials,
                auth.span,
                format!("two places give `{}` different credentials", workspace.slug),
            )
            .label("this one")
            .also(first.span, "and this one")
            .help("keep one of them: it holds for the workspace wherever that is listed"),
        ),
        Some(_) => {}
        None => workspace.auth = Some(auth),
    }
}

/// What several places say of a workspace adds up: mappings become one, lists follow each other.
pub(super) fn add_up(under: &mut Node, more: Node, workspace: &str, found: &mut Diagnostics) {
    match (&mut under.tree, more.tree) {
        (Tree::Map(entries), Tree::Map(more)) => {
            let places = places_of(&more, entries);
            let mut joined = std::mem::take(entries).into_vec();
            for ((key, value), place) in more.into_iter().zip(places) {
                match place {
                    Some(at) => add_up(&mut joined[at].1, value, workspace, found),
                    None => joined.push((key, value)),
                }
            }
            *entries = joined.into();
        }
        (Tree::List(items), Tree::List(more)) => {
            let both = std::mem::take(items).into_vec().into_iter().chain(more);
            *items = both.collect();
        }
        (first, second) if *first == second => {}
        (_, _) => found.push(
            Diagnostic::error(
                Code::ListedTwice,
                more.span,
                format!("two places say different things of `{workspace}`"),
            )
            .label("this one")
            .also(under.span, "and this one")
            .help("keep one of them: it holds for the workspace wherever that is listed"),
        ),
    }
}
