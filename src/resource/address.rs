//! How an object is named everywhere: in the manifest's order, the plan, the report and on the command line.

use std::borrow::Cow;
use std::cell::RefCell;
use std::fmt;
use std::sync::Arc;

use super::{KindRef, Shape};

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
        Self { kind, parent, id: parent.saturating_add(1), text: joined(&[workspace, "/", id]) }
    }

    /// Names what is in another object or in a workspace, of which this is the whole name.
    #[must_use]
    pub fn within(parent: &str, kind: KindRef, id: &str) -> Self {
        let (outer, inner) = kind.section().split_once('.').unwrap_or((kind.section(), ""));
        let slash = |text: &str| if text.is_empty() { "" } else { "/" };
        let text = joined(&[parent, "/", outer, slash(inner), inner, slash(id), id]);
        let at = text.len() - id.len();
        Self { kind, parent: length(parent), id: u16::try_from(at).unwrap_or(u16::MAX), text }
    }

    /// Its kind.
    #[must_use]
    pub fn kind(&self) -> KindRef {
        self.kind
    }

    /// The workspace it is in.
    #[must_use]
    pub fn workspace(&self) -> &str {
        let end = self.text.bytes().position(|byte| byte == b'/');
        end.and_then(|end| self.text.get(..end)).unwrap_or(&self.text)
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

    /// The whole name of the object of a workspace that it is or stands in, or of the workspace where there is none between.
    #[must_use]
    pub fn object(&self) -> &str {
        match self.kind.shape() {
            Shape::Objects => &self.text,
            _ => self.holders().next().unwrap_or_else(|| self.workspace()),
        }
    }

    /// The kind of [`Self::object`]; nothing if that is a workspace.
    #[must_use]
    pub fn object_kind(&self) -> Option<KindRef> {
        let kinds = std::iter::successors(Some(self.kind), |kind| kind.parent());
        kinds.last().filter(|kind| kind.shape() == Shape::Objects)
    }

    /// What it is called in [`Self::object`]: `e` of a grant, `Production/URL` of a variable there. Of what there is one of in
    /// each, and of the object itself, nothing.
    #[must_use]
    pub fn short(&self) -> Cow<'_, str> {
        let holder = self.kind.parent().filter(|kind| kind.shape() != Shape::Objects);
        let within = holder.and_then(|kind| {
            let inner = self.parent().strip_prefix(self.object())?.strip_prefix('/')?;
            inner.strip_prefix(&*kind.section().replace('.', "/"))?.strip_prefix('/')
        });
        match within {
            Some(within) => Cow::Owned(format!("{within}/{}", self.id())),
            None if self.kind.shape() == Shape::Objects => Cow::Borrowed(""),
            None => Cow::Borrowed(self.id()),
        }
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

    /// What is in an object stands where that does among its like.
    fn order(&self) -> (&str, usize, &str, &str) {
        (self.workspace(), self.kind.rank(), self.parent(), self.id())
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

/// Texts behind each other. A manifest can have hundreds of thousands of names, and one buffer does for all of them.
fn joined(parts: &[&str]) -> Arc<str> {
    thread_local! {
        static BUFFER: RefCell<String> = const { RefCell::new(String::new()) };
    }
    BUFFER.with_borrow_mut(|buffer| {
        buffer.clear();
        buffer.extend(parts.iter().copied());
        buffer.as_str().into()
    })
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
    fn what_stands_in_an_object_has_a_short_name_there() {
        let kind = |name: &str, parent: &str| {
            let is_it = |kind: &&KindRef| kind.name() == name && kind.parent().map_or("", |kind| kind.name()) == parent;
            KINDS.iter().copied().find(|kind| is_it(&kind)).unwrap()
        };
        let repository = Address::new(kind("repository", ""), "acme", "ledger");
        let hook = Address::within("acme/ledger", kind("webhook", "repository"), "https://ci/a");
        let model = Address::within("acme/ledger", kind("branching model", "repository"), "");
        let live = Address::within("acme/ledger", kind("environment", "repository"), "Live/EU");
        let url = Address::within(live.as_str(), kind("variable", "environment"), "URL");
        let own = Address::within("acme", kind("variable", ""), "REGION");
        for (address, object, of, short) in [
            (&repository, "acme/ledger", "repository", ""),
            (&hook, "acme/ledger", "repository", "https://ci/a"),
            (&model, "acme/ledger", "repository", ""),
            (&live, "acme/ledger", "repository", "Live/EU"),
            (&url, "acme/ledger", "repository", "Live/EU/URL"),
            (&own, "acme", "", "REGION"),
        ] {
            assert_eq!(address.object(), object, "{address}");
            assert_eq!(address.object_kind().map_or("", |kind| kind.name()), of, "{address}");
            assert_eq!(address.short(), short, "{address}");
        }
    }

    #[test]
    fn a_segment_cannot_escape() {
        assert_eq!(path(&["repositories", "a/../b", "{1-2}"]), "/repositories/a%2F..%2Fb/%7B1-2%7D");
    }
}
