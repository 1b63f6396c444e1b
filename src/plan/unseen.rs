//! What a plan cannot know: whether a secret is still the same.

use std::collections::BTreeMap;

use super::Note;
use super::state::Actual;
use crate::manifest::Desired;
use crate::resource::Address;

/// Existing objects with secrets that nobody can compare: kind and field, the first of them, and how many there are.
#[derive(Default)]
pub(super) struct Unseen<'a>(BTreeMap<(&'static str, &'static str), (&'a Address, usize)>);

impl<'a> Unseen<'a> {
    pub(super) fn count(&mut self, object: &'a Desired, actual: Option<&Actual>) {
        let Some(actual) = actual.filter(|_| !object.absent && !object.rewrite) else { return };
        let kind = object.address.kind();
        let secrets = object.fields.iter().filter(|(name, value)| kind.is_secret(name, value));
        for (name, _) in secrets.filter(|(name, value)| actual.fields.shared(name) == Some(value)) {
            self.0.entry((kind.name(), name)).or_insert((&object.address, 0)).1 += 1;
        }
    }

    /// Says it once for each kind: of the single object there is nothing to know.
    pub(super) fn note(self, notes: &mut Vec<Note>) {
        for ((_, field), (first, count)) in self.0 {
            let more = if count > 1 { format!(", nor of {} more", count - 1) } else { String::new() };
            let text = format!(
                "whether {field} is still the same secret cannot be seen{more}; --rewrite-secrets PATTERN writes it again"
            );
            notes.push(Note { address: first.clone(), text });
        }
    }
}
