//! From checked trees to the desired state: defaults are laid under every object, several files become one.

use std::collections::{BTreeMap, HashMap, HashSet};

use serde_json::Value;

use super::auth::Auth;
use super::node::{Node, Tree};
use super::{Desired, Owned, Workspace, accounts, secret};
use crate::diagnostic::{Code, Diagnostic, Diagnostics, Sources};
use crate::resource::{Address, Alike, Field, KindRef, Set, Shape, kinds_in};

/// Joins the documents of all files into workspaces and desired objects.
pub(super) fn resolve(
    documents: Vec<Node>,
    sources: &Sources,
    found: &mut Diagnostics,
) -> (Vec<Workspace>, Vec<Desired>, Vec<Owned>) {
    let mut documents = documents;
    let mut defaults: BTreeMap<&'static str, Node> = BTreeMap::new();
    for document in &mut documents {
        let Some(mut own) = document.take("defaults") else { continue };
        for kind in kinds_in(None) {
            let Some(own) = own.take(kind.name()) else { continue };
            match defaults.get_mut(kind.name()) {
                Some(others) => join(others, own, found),
                None => {
                    defaults.insert(kind.name(), own);
                }
            }
        }
    }
    let mut workspaces: Vec<Workspace> = Vec::new();
    let mut known: HashMap<String, usize> = HashMap::new();
    let (mut desired, mut owned) = (Vec::new(), Vec::new());
    let mut alike = Alike::default();
    for document in documents.iter_mut().filter_map(|document| document.take("workspaces")) {
        for mut workspace in document.into_items() {
            let Some(name) = workspace.take("workspace") else { continue };
            let slug = name.text().unwrap_or_default().to_owned();
            let at = *known.entry(slug.clone()).or_insert(workspaces.len());
            if at == workspaces.len() {
                workspaces.push(Workspace { slug: slug.clone(), span: name.span, auth: None });
            }
            if let Some(auth) = workspace.take("auth").and_then(|auth| Auth::read(&auth, sources, found)) {
                authorise(&mut workspaces[at], auth, found);
            }
            sections(None, &slug, &workspace, &mut desired, &mut Reader { sources, found });
            own(None, &slug, &workspace, &mut owned, found);
            for kind in kinds_in(None).filter(|kind| kind.shape() == Shape::Objects) {
                let items = workspace.take(kind.section()).map(Node::into_items).unwrap_or_default();
                let under = defaults.get(kind.name());
                desired.reserve_exact(items.len());
                for item in items {
                    let effective = on_top_of(under, item);
                    let mut reader = Reader { sources, found };
                    let Some(object) = object(kind, &slug, &effective, &mut alike, &mut reader) else { continue };
                    let (name, absent) = (object.address.clone(), object.absent);
                    desired.push(object);
                    if !absent {
                        sections(Some(kind), name.as_str(), &effective, &mut desired, &mut reader);
                        own(Some(kind), name.as_str(), &effective, &mut owned, found);
                    }
                }
            }
        }
    }
    (workspaces, desired, owned)
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

/// Two files may both give defaults, but not different ones for the same key: which would win?
fn join(under: &mut Node, over: Node, found: &mut Diagnostics) {
    if over.to_json() == under.to_json() {
        return;
    }
    match (&mut under.tree, over) {
        (Tree::Map(entries), Node { tree: Tree::Map(more), .. }) => {
            let mut joined = std::mem::take(entries).into_vec();
            for (key, value) in more {
                match joined.iter_mut().find(|(name, _)| name.text == key.text) {
                    Some((_, old)) => join(old, value, found),
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

fn on_top_of(defaults: Option<&Node>, item: Node) -> Node {
    match defaults {
        Some(defaults) => {
            let mut effective = defaults.clone();
            effective.overlay(item);
            effective
        }
        None => item,
    }
}

/// Reads values, with what is needed to say what is wrong with them.
struct Reader<'a> {
    sources: &'a Sources,
    found: &'a mut Diagnostics,
}

impl Reader<'_> {
    /// The value of a field. Of a secret that is where it comes from.
    fn value(&mut self, field: &Field, node: &Node) -> Value {
        if field.set == Set::Blindly
            && matches!(node.tree, Tree::Map(_))
            && let Some(source) = secret::read(field.name, node, self.sources, self.found)
        {
            return source.to_json();
        }
        field.settled(node.to_json())
    }
}

fn object(
    kind: KindRef,
    workspace: &str,
    effective: &Node,
    alike: &mut Alike,
    reader: &mut Reader<'_>,
) -> Option<Desired> {
    let id = effective.get(kind.identity())?;
    let said = || kind.fields().iter().filter_map(|field| Some((field, effective.get(field.name)?)));
    let fields = said().map(|(field, value)| (field.name, alike.value(reader.value(field, value)))).collect();
    let state = effective.get("state");
    let previously = effective.get("previously").and_then(|name| Some((name.text()?, name.span)));
    Some(Desired {
        previously: previously.map(|(name, span)| Box::new((Address::new(kind, workspace, name), span))),
        address: Address::new(kind, workspace, id.text().unwrap_or_default()),
        fields: alike.fields(fields),
        absent: state.and_then(Node::text) == Some("absent"),
        rewrite: false,
        span: id.span,
        state_span: state.map(|state| state.span),
        places: said().map(|(_, value)| value.span).collect(),
        listed: accounts::listed(kind, |field| effective.get(field.name)),
    })
}

/// Everything that stands under an object, or under a workspace, in sections of its own.
fn sections(kind: Option<KindRef>, parent: &str, node: &Node, desired: &mut Vec<Desired>, reader: &mut Reader<'_>) {
    for kind in kinds_in(kind).filter(|kind| kind.shape() != Shape::Objects) {
        let Some(section) = node.at(kind.section()) else { continue };
        match (kind.shape(), &section.tree) {
            (Shape::List, Tree::List(items)) => {
                for item in items {
                    let mut one = in_section(kind, parent, item, reader, |field| item.said_of(field));
                    let id = kind.identity_of(&one.fields);
                    one.address = Address::within(parent, kind, &id);
                    one.span = item.get(kind.identity()).unwrap_or(item).span;
                    let name = one.address.clone();
                    desired.push(one);
                    sections(Some(kind), name.as_str(), item, desired, reader);
                }
            }
            (Shape::Map(field), Tree::Map(entries)) => {
                for (key, value) in entries {
                    let one = in_section(kind, parent, value, reader, |known| (known.name == field).then_some(value));
                    desired.push(Desired { address: Address::within(parent, kind, &key.text), span: key.span, ..one });
                }
            }
            (Shape::Names, Tree::List(names)) => {
                for name in names {
                    let address = Address::within(parent, kind, name.text().unwrap_or_default());
                    desired.push(Desired { address, ..in_section(kind, parent, name, reader, |_| None) });
                }
            }
            (Shape::One, _) => {
                doubles(kind, section, reader.found);
                desired.push(in_section(kind, parent, section, reader, |field| section.said_of(field)));
            }
            (Shape::Value(field), _) => {
                desired
                    .push(in_section(kind, parent, section, reader, |known| (known.name == field).then_some(section)));
            }
            _ => {}
        }
    }
}

/// The sections that `exclusive` names. Each must stand there: nothing goes because of a section that nobody wrote down.
fn own(kind: Option<KindRef>, parent: &str, node: &Node, owned: &mut Vec<Owned>, found: &mut Diagnostics) {
    let Some(Tree::List(names)) = node.get("exclusive").map(|names| &names.tree) else { return };
    for name in names {
        let said = name.text().unwrap_or_default();
        if node.get(said).is_none() {
            found.push(
                Diagnostic::error(Code::ExclusiveNothing, name.span, format!("`{said}` is exclusive and not there"))
                    .label("what is not listed would go, and nothing is listed")
                    .help(format!("list what shall be, or write `{said}: []` if all of it shall go")),
            );
        }
        let belongs = |kind: &KindRef| kind.section().split('.').next() == Some(said) && !kind.shape().is_single();
        for kind in kinds_in(kind).filter(belongs).filter(|kind| node.at(kind.section()).is_some()) {
            owned.push(Owned { parent: parent.into(), kind, span: name.span });
        }
    }
}

/// One thing in a section, with the fields that are said of it.
fn in_section<'a>(
    kind: KindRef,
    parent: &str,
    node: &Node,
    reader: &mut Reader<'_>,
    said: impl Fn(&Field) -> Option<&'a Node>,
) -> Desired {
    let read = kind.fields().iter().filter_map(|field| match said(field) {
        Some(value) => Some((field.name, reader.value(field, value), value.span)),
        None => field.implied.then(|| (field.name, field.absent.value(), node.span)),
    });
    let read: Vec<_> = read.collect();
    Desired {
        address: Address::within(parent, kind, ""),
        places: read.iter().map(|(_, _, span)| *span).collect(),
        listed: accounts::listed(kind, said),
        fields: read.into_iter().map(|(name, value, _)| (name, value)).collect(),
        absent: false,
        rewrite: false,
        span: node.span,
        previously: None,
        state_span: None,
    }
}

/// Where items of a list are told apart by a word, only one can have it.
fn doubles(kind: KindRef, section: &Node, found: &mut Diagnostics) {
    let mut seen = HashSet::new();
    for field in kind.fields().iter().filter(|field| field.is_listed()) {
        let Some(at) = field.api.iter().position(|key| key.contains('=')) else { continue };
        let Some((name, is)) = field.api[at].split_once('=').filter(|pick| seen.insert(*pick)) else { continue };
        let Some(list) = field.api[..at].iter().try_fold(section, |node, key| node.get(key)) else { continue };
        let mut items = list.items_that(name, is);
        let Some(first) = items.next() else { continue };
        for item in items {
            found.push(
                Diagnostic::error(Code::ItemTwice, item.span, format!("`{name}: {is}` stands twice in one list"))
                    .label("the second time")
                    .also(first.span, "the first time")
                    .help("say everything about it in one place"),
            );
        }
    }
}
