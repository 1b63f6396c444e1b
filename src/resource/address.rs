//! How an object is named everywhere: in the manifest's order, the plan, the report and on the command line.

use std::fmt;
use std::sync::Arc;

use super::KindRef;

/// The name of one object: its kind and `workspace/identity`, such as repository `acme/ledger` or project `acme/PAY`. What is
/// in another object is named after it, by its section and identity: `acme/ledger/webhooks/https://ci.example.com`.
/// Copies share their text: an object is named in the manifest, in both states and in the plan.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Address {
    kind: KindRef,
    /// How much of the text names what it is in.
    parent: u16,
    /// Where in the text its identity begins.
    id: u16,
    text: Arc<str>,
}

impl Address {
    /// Names the object of this kind with this identity in this workspace.
    #[must_use]
    pub fn new(kind: KindRef, workspace: &str, id: &str) -> Self {
        let parent = length(workspace);
        Self { kind, parent, id: parent.saturating_add(1), text: format!("{workspace}/{id}").into() }
    }

    /// Names what is in another object or in a workspace, of which this is the whole name.
    #[must_use]
    pub fn within(parent: &str, kind: KindRef, id: &str) -> Self {
        let section = kind.section().replace('.', "/");
        let text = if id.is_empty() { format!("{parent}/{section}") } else { format!("{parent}/{section}/{id}") };
        let at = text.len() - id.len();
        Self { kind, parent: length(parent), id: u16::try_from(at).unwrap_or(u16::MAX), text: text.into() }
    }

    /// Its kind.
    #[must_use]
    pub fn kind(&self) -> KindRef {
        self.kind
    }

    /// The workspace it is in.
    #[must_use]
    pub fn workspace(&self) -> &str {
        self.text.split_once('/').map_or(&self.text, |(workspace, _)| workspace)
    }

    /// The whole name of what it is in.
    #[must_use]
    pub fn parent(&self) -> &str {
        self.text.get(..self.parent.into()).unwrap_or_default()
    }

    /// The whole names of the objects that it is in.
    pub fn holders(&self) -> impl Iterator<Item = &str> {
        let ends = self.text.match_indices('/').skip(1).map(|(end, _)| end);
        let depth = usize::from(self.parent);
        ends.chain([depth])
            .filter(move |end| *end <= depth && *end > self.workspace().len())
            .map(|end| &self.text[..end])
    }

    /// What tells it from others of its kind: a slug, a project key.
    #[must_use]
    pub fn id(&self) -> &str {
        self.text.get(self.id.into()..).unwrap_or_default()
    }

    /// The whole name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    fn order(&self) -> (&str, usize, &str) {
        (self.workspace(), self.kind.rank(), &self.text)
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.text)
    }
}

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} {}", self.kind, self.text)
    }
}

impl PartialOrd for Address {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Address {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.order().cmp(&other.order())
    }
}

/// What is longer than any name that can be is cut, and found wrong by whoever checks names.
fn length(text: &str) -> u16 {
    u16::try_from(text.len()).unwrap_or(u16::MAX)
}

/// Joins path segments, each encoded so that nothing in a name can leave its segment (`{uuid}` becomes `%7Buuid%7D`).
#[must_use]
pub fn path(segments: &[&str]) -> String {
    let mut path = String::with_capacity(64);
    for segment in segments {
        path.push('/');
        encode(&mut path, segment, b"-._~");
    }
    path
}

/// A text as a value in a query, where more characters can stand than in a path (RFC 3986 §3.4).
#[must_use]
pub fn query_value(text: &str) -> String {
    let mut value = String::with_capacity(text.len() * 2);
    encode(&mut value, text, b"-._~@(),");
    value
}

fn encode(to: &mut String, text: &str, plain: &[u8]) {
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || plain.contains(&byte) {
            to.push(char::from(byte));
        } else {
            to.push('%');
            to.push(char::from(b"0123456789ABCDEF"[usize::from(byte >> 4)]));
            to.push(char::from(b"0123456789ABCDEF"[usize::from(byte & 15)]));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::KINDS;
    use super::*;

    #[test]
    fn addresses_order_by_workspace_then_kind_then_name() {
        let [project, repository, ..] = KINDS;
        let mut addresses = [
            Address::new(repository, "b", "a"),
            Address::new(repository, "a", "z"),
            Address::new(project, "b", "Z"),
            Address::new(repository, "a", "b"),
        ];
        addresses.sort();
        assert_eq!(addresses.each_ref().map(Address::as_str), ["a/b", "a/z", "b/Z", "b/a"]);
    }

    #[test]
    fn a_segment_cannot_escape() {
        assert_eq!(path(&["repositories", "a/../b", "{1-2}"]), "/repositories/a%2F..%2Fb/%7B1-2%7D");
    }
}
