//! From checked trees to the desired state: defaults are laid under every object, several files become one.

use std::collections::{BTreeMap, HashMap};

use super::auth::Auth;
use super::node::{Node, Tree};
use super::{Desired, Workspace};
use crate::diagnostic::{Diagnostic, Diagnostics, Sources};
use crate::resource::{Address, Alike, KINDS, KindRef};

/// Joins the documents of all files into workspaces and desired objects.
pub(super) fn resolve(
    documents: Vec<Node>,
    sources: &Sources,
    found: &mut Diagnostics,
) -> (Vec<Workspace>, Vec<Desired>) {
    let mut documents = documents;
    let mut defaults: BTreeMap<&'static str, Node> = BTreeMap::new();
    for document in &mut documents {
        let Some(mut own) = document.take("defaults") else { continue };
        for kind in KINDS {
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
    let mut desired = Vec::new();
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
            for kind in KINDS {
                let items = workspace.take(kind.section()).map(Node::into_items).unwrap_or_default();
                let own = defaults.get(kind.name());
                desired.reserve_exact(items.len());
                desired.extend(items.into_iter().filter_map(|item| object(kind, &slug, own, item, &mut alike)));
            }
        }
    }
    (workspaces, desired)
}

/// Two places may both say which credential a workspace takes, but not different ones.
fn authorise(workspace: &mut Workspace, auth: Auth, found: &mut Diagnostics) {
    match &workspace.auth {
        Some(first) if !first.says_the_same_as(&auth) => found.push(
            Diagnostic::error(auth.span, format!("two places give `{}` different credentials", workspace.slug))
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
            Diagnostic::error(over.span, "two files give different defaults")
                .label("this one")
                .also(under.span, "and this one")
                .help("defaults hold for the whole manifest: keep one of them, or set the value on the objects"),
        ),
    }
}

fn object(kind: KindRef, workspace: &str, defaults: Option<&Node>, item: Node, alike: &mut Alike) -> Option<Desired> {
    let effective = match defaults {
        Some(defaults) => {
            let mut effective = defaults.clone();
            effective.overlay(item);
            effective
        }
        None => item,
    };
    let id = effective.get(kind.identity())?;
    let said = || kind.fields().iter().filter_map(|field| Some((field, effective.get(field.name)?)));
    let fields = said().map(|(field, value)| (field.name, alike.value(field.settled(value.to_json())))).collect();
    let state = effective.get("state");
    Some(Desired {
        address: Address::new(kind, workspace, id.text().unwrap_or_default()),
        fields: alike.fields(fields),
        absent: state.and_then(Node::text) == Some("absent"),
        span: id.span,
        state_span: state.map(|state| state.span),
        places: said().map(|(_, value)| value.span).collect(),
    })
}
