//! LOADER: which accounts a manifest names, and where: as what an object is, or in one of its fields.

use std::sync::Arc;

use serde_json::Value;

use super::node::{Node, Tree};
use super::{Desired, Manifest};
use crate::diagnostic::Span;
use crate::resource::account::is_email;
use crate::resource::{Address, Field, Fields, Form, KindRef};

impl Manifest {
    /// The e-mail addresses by which it names accounts, each as often as it stands there.
    pub fn emails(&self) -> impl Iterator<Item = &str> {
        self.desired.iter().flat_map(Desired::accounts).map(|(id, _)| id).filter(|id| is_email(id))
    }
}

impl Desired {
    /// The accounts that it names, as they are written, each with its place.
    pub fn accounts(&self) -> impl Iterator<Item = (&str, Span)> {
        let own = self.address.kind().is_account().then(|| (self.address.id(), self.span));
        own.into_iter().chain(self.listed().iter().map(|(id, span)| (&**id, *span)))
    }

    /// Calls those of its accounts otherwise for which there is another name.
    pub fn call_accounts<'a>(&mut self, otherwise: impl Fn(&str) -> Option<&'a str>) {
        let kind = self.address.kind();
        if let Some(other) = otherwise(self.address.id()).filter(|_| kind.is_account()) {
            self.address = Address::within(self.address.parent(), kind, other);
        }
        if self.listed().is_empty() {
            return;
        }
        for (id, _) in self.said_mut().more.iter_mut().flat_map(|more| &mut more.listed) {
            if let Some(other) = otherwise(id) {
                *id = other.into();
            }
        }
        let renamed = |id: &Value| id.as_str().and_then(&otherwise).map_or_else(|| id.clone(), Value::from);
        let fields = self.fields.iter().map(|(name, value)| {
            let field = account_fields(kind).find(|field| field.name == name);
            match (field, value.as_array()) {
                (Some(field), Some(ids)) => (name, Arc::new(field.settled(ids.iter().map(renamed).collect()))),
                _ => (name, Arc::clone(value)),
            }
        });
        let fields = fields.collect::<Fields>();
        self.said_mut().fields = fields;
    }
}

/// The accounts in an object's fields, each with its place.
pub(super) fn listed<'a>(kind: KindRef, said: impl Fn(&Field) -> Option<&'a Node>) -> Vec<(Box<str>, Span)> {
    let lists = account_fields(kind).filter_map(|field| match &said(field)?.tree {
        Tree::List(items) => Some(items.iter()),
        _ => None,
    });
    lists.flatten().filter_map(|item| Some((item.text()?.into(), item.span))).collect()
}

fn account_fields(kind: KindRef) -> impl Iterator<Item = &'static Field> {
    kind.fields().iter().filter(|field| field.form == Form::Accounts)
}
