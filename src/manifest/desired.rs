//! LOADER: one object as it shall be, with the place of everything that is said of it.

use std::ops::Deref;
use std::sync::Arc;

use crate::diagnostic::Span;
use crate::resource::{Address, Fields, Finding};

use super::Manifest;
use crate::diagnostic::Diagnostic;
use crate::resource::Shape;

/// One object as it shall be.
#[derive(Debug, Clone, PartialEq)]
pub struct Desired {
    /// Its name.
    pub address: Address,
    /// Whether its secrets are written again, although nobody can see whether they changed.
    pub rewrite: bool,
    /// What is said of it. Objects that inherit the same share it.
    said: Arc<Said>,
}

/// What a manifest says of an object, or of many that inherit it.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Said {
    /// What shall be; nothing else is looked at.
    pub fields: Fields,
    /// Where each of the fields stands, in their order.
    pub(super) places: Box<[Span]>,
    /// Where its identity stands.
    pub span: Span,
    /// Whether it shall not be.
    pub absent: bool,
    /// What is said of few.
    pub(super) more: Option<Box<More>>,
}

/// What is said of few objects.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct More {
    pub(super) previously: Option<(Address, Span)>,
    pub(super) state_span: Option<Span>,
    /// The fields that `~` removes, each with the place of that.
    pub(super) removed: Vec<(&'static str, Span)>,
    /// The accounts in its fields, and where each stands.
    pub(super) listed: Vec<(Box<str>, Span)>,
}

impl More {
    /// Nothing takes no room.
    pub(super) fn boxed(self) -> Option<Box<Self>> {
        (self != Self::default()).then(|| Box::new(self))
    }
}

impl Said {
    /// What it was called before, and where that stands.
    #[must_use]
    pub fn previously(&self) -> Option<&(Address, Span)> {
        self.more.as_ref()?.previously.as_ref()
    }

    /// Where its `state` stands, if it has one.
    #[must_use]
    pub fn state_span(&self) -> Option<Span> {
        self.more.as_ref()?.state_span
    }

    fn removed(&self, field: &str) -> Option<Span> {
        let removed = &self.more.as_ref()?.removed;
        removed.iter().find(|(name, _)| *name == field).map(|(_, span)| *span)
    }

    /// The accounts in its fields, and where each stands.
    pub(super) fn listed(&self) -> &[(Box<str>, Span)] {
        self.more.as_ref().map(|more| more.listed.as_slice()).unwrap_or_default()
    }
}

impl Deref for Desired {
    type Target = Said;

    fn deref(&self) -> &Said {
        &self.said
    }
}

impl Desired {
    pub(super) fn new(address: Address, said: Arc<Said>) -> Self {
        Self { address, rewrite: false, said }
    }

    /// What is said of it, to be changed for this object alone.
    pub(super) fn said_mut(&mut self) -> &mut Said {
        Arc::make_mut(&mut self.said)
    }

    /// What is said of it, if others may share that: it is the same for them as long as they are called alike.
    pub(super) fn shared(&self) -> Option<*const Said> {
        (Arc::strong_count(&self.said) > 1).then_some(Arc::as_ptr(&self.said))
    }

    /// How many others share what is said of it.
    pub(super) fn sharers(&self) -> usize {
        Arc::strong_count(&self.said) - 1
    }

    /// Where a field stands: on the object itself, in a template or in the defaults.
    #[must_use]
    pub fn place(&self, field: &str) -> Option<Span> {
        let at = self.fields.iter().position(|(name, _)| name == field)?;
        self.places.get(at).copied()
    }

    /// Whether the manifest gives it a secret.
    #[must_use]
    pub fn has_secrets(&self) -> bool {
        !self.absent && self.fields.iter().any(|(name, value)| self.address.kind().is_secret(name, value))
    }
}

impl Manifest {
    /// The object with this address, if it is managed.
    #[must_use]
    pub fn get(&self, address: &Address) -> Option<&Desired> {
        let at = self.desired.binary_search_by(|object| object.address.cmp(address)).ok()?;
        self.desired.get(at)
    }

    /// A finding of an object's kind, at its place. Of what is inherited it is also said what inherits it, and from where.
    #[must_use]
    pub fn diagnostic(&self, object: &Desired, finding: Finding) -> Diagnostic {
        let removed = object.removed(finding.field);
        let span = object.place(finding.field).or(removed).unwrap_or(object.span);
        let diagnostic = match finding.stops {
            true => Diagnostic::error(finding.code, span, finding.message),
            false => Diagnostic::warning(finding.code, span, finding.message),
        };
        let label = if removed == Some(span) { "removed by this `~`".to_owned() } else { finding.label };
        let mut diagnostic = diagnostic.label(label);
        let holder = self.holder(object).unwrap_or(object);
        let kind = holder.address.kind().name();
        match self.layers.whence(span) {
            Some(whence) => diagnostic = diagnostic.also(holder.span, format!("this {kind} {whence}")),
            // Behind an alias.
            None if span.source != object.span.source || span.start < object.span.start => {
                diagnostic = diagnostic.also(object.span, format!("of this {}", object.address.kind().name()));
            }
            None => {}
        }
        finding.help.into_iter().fold(diagnostic, Diagnostic::help)
    }

    /// What stands in a list of its own and has this in it.
    fn holder(&self, object: &Desired) -> Option<&Desired> {
        let kind = std::iter::successors(object.address.kind().parent(), |kind| kind.parent());
        let kind = kind.filter(|kind| kind.shape() == Shape::Objects).last()?;
        let name = object.address.holders().find(|name| name.matches('/').count() == 1)?;
        let (workspace, id) = name.split_once('/')?;
        self.get(&Address::new(kind, workspace, id))
    }
}
