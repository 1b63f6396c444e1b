//! LOADER: what stands in an object or a workspace, in sections of its own.
//!
//! A section is read into [`Stencil`]s, which say everything of an object but what it is in. What thousands of repositories
//! inherit is read once, and put into each of them.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};
use std::sync::{Arc, LazyLock};

use serde_json::Value;

use super::desired::{Desired, More, Said};
use super::node::{Node, Tree};
use super::validate::{self, lower_case};
use super::{Owned, accounts, secret};
use crate::diagnostic::{Code, Diagnostic, Diagnostics, Sources, Span};
use crate::resource::account::is_email;
use crate::resource::{Address, Field, KINDS, KindRef, Set, Shape, kinds_in};

/// The kinds of what can be in an object of a kind, each with the key at which its section begins.
pub(super) fn sections_of(kind: KindRef) -> &'static [(&'static str, KindRef)] {
    static ALL: LazyLock<Vec<Vec<(&str, KindRef)>>> = LazyLock::new(|| {
        let first = |kind: KindRef| (kind.section().split('.').next().unwrap_or_default(), kind);
        KINDS.iter().map(|kind| kinds_in(Some(*kind)).map(first).collect()).collect()
    });
    ALL.get(kind.rank()).map(Vec::as_slice).unwrap_or_default()
}

/// An object in a section, whatever that is in.
#[derive(Debug)]
pub(super) struct Stencil {
    kind: KindRef,
    id: Box<str>,
    said: Arc<Said>,
    /// What is in it.
    within: Vec<Stencil>,
}

/// Puts objects into what they are in, of which this is the whole name.
pub(super) fn put_into(parent: &str, stencils: &[Stencil], desired: &mut Vec<Desired>) {
    for stencil in stencils {
        let address = stencil.address(parent);
        desired.push(Desired::new(address.clone(), Arc::clone(&stencil.said)));
        put_into(address.as_str(), &stencil.within, desired);
    }
}

/// Reads values, with what is needed to say what is wrong with them.
pub(super) struct Reader<'a> {
    pub(super) sources: &'a Sources,
    pub(super) found: &'a mut Diagnostics,
}

impl Reader<'_> {
    /// The value of a field. Of a secret that is where it comes from.
    pub(super) fn value(&mut self, field: &Field, node: &Node) -> Value {
        if field.set == Set::Blindly
            && matches!(node.tree, Tree::Map(_))
            && let Some(source) = secret::read(field.name, node, self.sources, self.found)
        {
            return source.to_json();
        }
        field.settled(node.to_json())
    }

    /// What stands under an object or a workspace of this name in sections of this kind.
    pub(super) fn section(&mut self, kind: KindRef, parent: &str, section: &Node) -> Vec<Stencil> {
        let mut stencils: Vec<Stencil> = match (kind.shape(), &section.tree) {
            (Shape::List, Tree::List(items)) => items.iter().map(|item| self.item(kind, parent, item)).collect(),
            (Shape::Map(field), Tree::Map(entries)) => {
                let entries = entries.iter().filter(|(_, value)| value.tree != Tree::Null);
                let one = |(key, value): &_| self.map_entry(kind, field, key, value);
                entries.map(one).collect()
            }
            (Shape::Names, Tree::List(names)) => {
                let one = |name: &Node| {
                    let said = self.said(kind, name, name.span, |_| None);
                    Stencil::new(kind, name.text().unwrap_or_default(), said)
                };
                names.iter().map(one).collect()
            }
            (Shape::One, _) => {
                two_of_a_word(kind, section, self.found);
                let said = self.said(kind, section, section.span, |field| section.said_of(field));
                vec![Stencil::new(kind, "", said)]
            }
            (Shape::Value(field), _) => {
                let said = self.said(kind, section, section.span, |known| (known.name == field).then_some(section));
                vec![Stencil::new(kind, "", said)]
            }
            _ => Vec::new(),
        };
        listed_twice(parent, &stencils, self.found);
        // In the order of addresses, so that nobody has to look for it.
        stencils.sort_by(|a, b| a.id.cmp(&b.id));
        stencils
    }

    fn item(&mut self, kind: KindRef, parent: &str, item: &Node) -> Stencil {
        let span = item.get(kind.identity()).unwrap_or(item).span;
        let said = self.said(kind, item, span, |field| item.said_of(field));
        let mut stencil = Stencil::new(kind, &kind.identity_of(&said.fields), said);
        for inner in kinds_in(Some(kind)) {
            if let Some(section) = item.at(inner.section()) {
                let name = Address::within(parent, kind, &stencil.id);
                stencil.within.extend(self.section(inner, name.as_str(), section));
            }
        }
        stencil
    }

    fn map_entry(&mut self, kind: KindRef, field: &str, key: &super::node::Key, value: &Node) -> Stencil {
        let said = self.said(kind, value, key.span, |known| (known.name == field).then_some(value));
        Stencil::new(kind, &key.text, said)
    }

    /// What is said of one thing in a section.
    fn said<'a>(&mut self, kind: KindRef, node: &Node, span: Span, said: impl Fn(&Field) -> Option<&'a Node>) -> Said {
        let read = kind.fields().iter().filter_map(|field| match said(field) {
            Some(value) => Some((field.name, self.value(field, value), value.span)),
            None => field.implied.then(|| (field.name, field.absent.value(), node.span)),
        });
        let read: Vec<_> = read.collect();
        Said {
            places: read.iter().map(|(_, _, span)| *span).collect(),
            fields: read.into_iter().map(|(name, value, _)| (name, value)).collect(),
            span,
            absent: false,
            more: More { listed: accounts::listed(kind, said), ..More::default() }.boxed(),
        }
    }
}

impl Stencil {
    fn new(kind: KindRef, id: &str, said: Said) -> Self {
        Self { kind, id: id.into(), said: Arc::new(said), within: Vec::new() }
    }

    /// Its name in something of this name.
    pub(super) fn address(&self, parent: &str) -> Address {
        Address::within(parent, self.kind, &self.id)
    }
}

/// In one section nothing has the name of another.
fn listed_twice(parent: &str, stencils: &[Stencil], found: &mut Diagnostics) {
    let mut first: HashMap<Cow<'_, str>, &Stencil> = HashMap::new();
    for stencil in stencils.iter().filter(|_| stencils.len() > 1) {
        // E-mail addresses that differ only in case are kept apart by nobody.
        let folds = stencil.kind.is_account() && is_email(&stencil.id);
        let id = if folds { lower_case(&stencil.id) } else { Cow::Borrowed(&*stencil.id) };
        if let Some(other) = first.get(&id) {
            found.push(validate::listed_twice(&stencil.address(parent), stencil.said.span, other.said.span));
        } else {
            first.insert(id, stencil);
        }
    }
}

/// The sections that `exclusive` names, of what this holds. Each must stand there: nothing goes because of a section that
/// nobody wrote down.
pub(super) fn owned<'a>(
    kind: Option<KindRef>,
    parent: &str,
    at: impl Fn(&str) -> Option<&'a Node>,
    owned: &mut Vec<Owned>,
) -> Vec<Diagnostic> {
    let mut wrong = Vec::new();
    let Some(Tree::List(names)) = at("exclusive").map(|names| &names.tree) else { return wrong };
    let mut seen = HashSet::new();
    for name in names {
        let said = name.text().unwrap_or_default();
        if at(said).is_none() {
            wrong.push(
                Diagnostic::error(Code::ExclusiveNothing, name.span, format!("`{said}` is exclusive and not there"))
                    .label("what is not listed would go, and nothing is listed")
                    .help(format!("list what shall be, or write `{said}: []` if all of it shall go")),
            );
        }
        let belongs = |kind: &KindRef| kind.section().split('.').next() == Some(said) && !kind.shape().is_single();
        for kind in kinds_in(kind).filter(belongs).filter(|kind| at(kind.section()).is_some()) {
            if seen.insert(kind) {
                owned.push(Owned { parent: parent.into(), kind, span: name.span });
            }
        }
    }
    wrong
}

/// Where items of a list are told apart by a word, only one can have it.
fn two_of_a_word(kind: KindRef, section: &Node, found: &mut Diagnostics) {
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
