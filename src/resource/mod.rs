//! What can be managed, one file a kind: the vocabulary that the desired and the actual state share.
//!
//! The stages (load, refresh, diff, apply, report) know no kind by name. They walk [`KINDS`] and ask each [`Kind`] for its
//! schema, its fields, its rules and its requests. Nothing here knows HTTP or waits for anything: a [`Request`] is data.

pub mod address;
pub mod fields;
pub mod project;
pub mod repository;

use schemars::{Schema, SchemaGenerator};
use serde_json::Value;

pub use address::Address;
pub use fields::{Absent, Alike, Field, Fields};

/// Every kind, in the order in which objects are created: what others need comes first.
pub static KINDS: [KindRef; 2] = [KindRef::PROJECT, KindRef::REPOSITORY];

/// What is known of each, in the same order.
static REGISTRY: [&dyn Kind; 2] = [&project::Project, &repository::Repository];

/// What bbprov knows of one kind of object.
pub trait Kind: Sync {
    /// What a person calls it: `repository`. Also its key under `defaults`.
    fn name(&self) -> &'static str;

    /// Its plural, the key of its list under a workspace: `repositories`.
    fn section(&self) -> &'static str;

    /// The key in the manifest that tells one from another: `slug`.
    fn identity(&self) -> &'static str;

    /// What such an identity looks like, for the schema.
    fn identity_rule(&self) -> IdentityRule;

    /// Whether `id` can be such an identity, by Bitbucket's rules.
    ///
    /// # Errors
    /// What is wrong, and an identity that would do where one is near.
    fn check_identity(&self, id: &str) -> Result<(), Finding>;

    /// The JSON Schema of its settings, without the identity. Its descriptions are the reference.
    fn settings(&self, generator: &mut SchemaGenerator) -> Schema;

    /// A line about the object itself for the schema.
    fn summary(&self) -> &'static str;

    /// What can be said of it, in the order in which a person reads it.
    fn fields(&self) -> &'static [Field];

    /// Rules that need no other object. `fields` are complete: defaults and templates are in.
    fn check(&self, id: &str, fields: &Fields) -> Vec<Finding>;

    /// The object that this one cannot do without: a repository's project.
    fn reference(&self, workspace: &str, fields: &Fields) -> Option<Reference>;

    /// Rules between this object and the one it refers to, whose fields are what they will be.
    fn check_reference(&self, fields: &Fields, referenced: &Fields) -> Option<Finding>;

    /// Why a field cannot be changed from what it is now, if so. It is then noted, not attempted; `from` is `None` for an
    /// object that does not exist yet.
    fn held_back(&self, field: &str, from: Option<&Value>) -> Option<&'static str>;

    /// Why an existing object must not be changed to these fields, although each is fine by itself.
    fn refuse(&self, id: &str, changed: &Fields) -> Option<Finding>;

    /// Whether this change must come before or after those of the objects that refer to this one.
    fn order(&self, action: Action, changed: &Fields) -> Order;

    /// Whether a change has to do with the object that this one refers to, so that it must wait for it.
    fn touches_reference(&self, action: Action, changed: &Fields) -> bool;

    /// What a person must not overlook about a change, such as that something becomes public.
    fn alarm(&self, action: Action, changed: &Fields) -> Option<&'static str>;

    /// A few words about a new object for its line in the plan.
    fn describe(&self, fields: &Fields) -> String;

    /// What deleting one takes away, for the plan.
    fn loss(&self) -> &'static str;

    /// Where all of them in a workspace are listed.
    fn list(&self, workspace: &str) -> String;

    /// Whether that list can be asked for in the order of `created_on`.
    fn sorts_by_age(&self) -> bool;

    /// Where one is read by its identity.
    fn item(&self, address: &Address) -> String;

    /// What this object is called in an answer, the value of its identity.
    fn identify<'a>(&self, answer: &'a Value) -> Option<&'a str>;

    /// The request that creates it.
    fn create(&self, address: &Address, fields: &Fields) -> Request;

    /// The request that changes these fields of the object with this UUID.
    fn update(&self, address: &Address, uuid: &str, changed: &Fields) -> Request;

    /// The request that deletes the object with this UUID.
    fn delete(&self, address: &Address, uuid: &str) -> Request;

    /// The scopes that a change needs.
    fn scopes(&self, action: Action) -> Scopes;
}

/// What an identity looks like, for an editor. [`Kind::check_identity`] says the same with better words.
#[derive(Debug, Clone, Copy)]
pub struct IdentityRule {
    /// What it is, for a person.
    pub description: &'static str,
    /// A regular expression.
    pub pattern: &'static str,
    /// How many characters it may have.
    pub longest: usize,
}

/// A kind by its place in [`KINDS`]: a byte, since every address holds one.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct KindRef(u8);

impl KindRef {
    const PROJECT: Self = Self(0);
    const REPOSITORY: Self = Self(1);

    /// Its place among the kinds: what others need comes first.
    #[must_use]
    pub fn rank(self) -> usize {
        self.0.into()
    }
}

impl std::ops::Deref for KindRef {
    type Target = dyn Kind;

    fn deref(&self) -> &Self::Target {
        REGISTRY[self.rank()]
    }
}

impl std::fmt::Debug for KindRef {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}

/// What happens to an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Action {
    /// It comes to be.
    Create,
    /// Some of its fields change.
    Update,
    /// It goes away.
    Delete,
}

impl std::fmt::Display for Action {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(match self {
            Self::Create => "create",
            Self::Update => "update",
            Self::Delete => "delete",
        })
    }
}

/// When a change happens, seen from the objects that refer to the changed one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Order {
    /// Before theirs: they need it.
    Before,
    /// After theirs: they stand in its way.
    After,
    /// It does not matter.
    Whenever,
}

/// Something a kind has to say about one of its fields.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// The field; the identity if it is about the object as a whole.
    pub field: &'static str,
    /// Whether it stops the run; otherwise it is a warning.
    pub stops: bool,
    /// What is wrong.
    pub message: String,
    /// What to say at the place itself.
    pub label: String,
    /// What to do.
    pub help: Option<String>,
}

impl Finding {
    /// A finding that stops the run.
    pub fn error(field: &'static str, message: impl Into<String>) -> Self {
        Self { field, stops: true, message: message.into(), label: String::new(), help: None }
    }

    /// A finding that a person should know of.
    pub fn warning(field: &'static str, message: impl Into<String>) -> Self {
        Self { stops: false, ..Self::error(field, message) }
    }

    /// Says something at the place.
    #[must_use]
    pub fn label(mut self, text: impl Into<String>) -> Self {
        self.label = text.into();
        self
    }

    /// Says what to do.
    #[must_use]
    pub fn help(mut self, text: impl Into<String>) -> Self {
        self.help = Some(text.into());
        self
    }
}

/// One object's need for another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reference {
    /// The field that says so.
    pub field: &'static str,
    /// The object it names.
    pub address: Address,
}

/// What to send, as data.
#[derive(Debug, Clone, PartialEq)]
pub struct Request {
    /// How.
    pub method: Method,
    /// Where, below the API's URL, with every segment encoded.
    pub path: String,
    /// The JSON body.
    pub body: Option<Value>,
}

/// The methods bbprov uses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Method {
    /// Reads.
    Get,
    /// Creates.
    Post,
    /// Changes.
    Put,
    /// Deletes.
    Delete,
}

impl Method {
    /// As it stands in a request line.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Post => "POST",
            Self::Put => "PUT",
            Self::Delete => "DELETE",
        }
    }
}

/// A scope in both vocabularies of Bitbucket (api.md §1.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Scopes {
    /// OAuth consumers and access tokens.
    pub classic: &'static str,
    /// Atlassian API tokens.
    pub api_token: &'static str,
}

impl Scopes {
    /// Which scope is missing among the granted ones, in the vocabulary they are written in.
    ///
    /// The implications are those of api.md §1.3: `…:write` holds its plain form, an `admin` scope holds nothing else.
    #[must_use]
    pub fn missing_from(self, granted: &[String]) -> Option<&'static str> {
        let wanted =
            if granted.iter().any(|scope| scope.contains(":bitbucket")) { self.api_token } else { self.classic };
        let held = granted.iter().any(|scope| scope == wanted || scope.strip_suffix(":write") == Some(wanted));
        (!held).then_some(wanted)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_scope_is_named_in_the_credentials_own_words() {
        let create = repository::Repository.scopes(Action::Create);
        let classic = |text: &str| text.split(' ').map(str::to_owned).collect::<Vec<_>>();
        assert_eq!(create.missing_from(&classic("project repository:admin")), None);
        assert_eq!(create.missing_from(&classic("project repository:write")), Some("repository:admin"));
        assert_eq!(create.missing_from(&classic("read:repository:bitbucket")), Some("admin:repository:bitbucket"));
    }

    #[test]
    fn kinds_have_their_own_places_and_names() {
        for (at, kind) in KINDS.into_iter().enumerate() {
            assert_eq!(kind.rank(), at);
            let first = KINDS.iter().position(|other| other.name() == kind.name());
            assert_eq!(first, Some(at), "{} has the name of another kind", kind.name());
        }
    }
}
