//! What can be managed, one file a kind: the vocabulary that the desired and the actual state share.
//!
//! The stages (load, refresh, diff, apply, report) know no kind by name. They walk [`KINDS`] and ask each [`Kind`] for its
//! schema, its fields, its rules and its requests. Nothing here knows HTTP or waits for anything: a [`Request`] is data.
//!
//! To add a kind, write its file, name it in the registry behind what it is in, and let the sandbox answer for it (its
//! `sections` say how). What else is to be said of it the tests ask for: the schema and the README's table, which they
//! print, its place in `examples/team.yaml`, and in `tests/it/drift/` what a manifest says of it and where the API has it.

pub mod account;
pub mod address;
pub mod branch_restriction;
pub mod branching_model;
mod cron;
pub mod default_reviewer;
pub mod deploy_key;
pub mod environment;
pub mod fields;
mod hook_event;
pub mod inheritance;
pub mod kind;
pub mod known_host;
pub mod permission;
pub mod pipelines;
pub mod project;
pub mod repository;
pub mod schedule;
pub mod secret;
pub mod ssh_key;
pub mod ssh_key_pair;
pub mod variable;
pub mod webhook;

use serde_json::Value;

use crate::diagnostic::Code;

pub use address::Address;
pub use fields::{Absent, Alike, Field, Fields, Form, Set};
pub use kind::{Grantee, Kind, Parent, Place, Shape};

/// What is known of each kind, in the order in which objects are created: what others need comes first.
static REGISTRY: [&dyn Kind; 24] = [
    &project::Project,
    &repository::Repository,
    &branching_model::OF_REPOSITORY,
    &branching_model::OF_PROJECT,
    &inheritance::Inheritance,
    &permission::OF_REPOSITORY_USERS,
    &permission::OF_REPOSITORY_GROUPS,
    &permission::OF_PROJECT_USERS,
    &permission::OF_PROJECT_GROUPS,
    &branch_restriction::BranchRestriction,
    &default_reviewer::OF_REPOSITORY,
    &default_reviewer::OF_PROJECT,
    &pipelines::Pipelines,
    &environment::Environment,
    &variable::OF_ENVIRONMENT,
    &variable::OF_REPOSITORY,
    &variable::OF_WORKSPACE,
    &schedule::Schedule,
    &ssh_key_pair::SshKeyPair,
    &known_host::KnownHost,
    &webhook::OF_REPOSITORY,
    &webhook::OF_WORKSPACE,
    &deploy_key::OF_REPOSITORY,
    &deploy_key::OF_PROJECT,
];

/// Every kind, in the order of the registry.
pub static KINDS: [KindRef; REGISTRY.len()] = KindRef::all();

/// The kinds of what can be in an object of this kind; nothing stands for a workspace.
pub fn kinds_in(parent: Option<KindRef>) -> impl Iterator<Item = KindRef> {
    KINDS.into_iter().filter(move |kind| kind.parent() == parent)
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
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KindRef(u8);

impl KindRef {
    const PROJECT: Self = Self(0);
    const REPOSITORY: Self = Self(1);
    const ENVIRONMENT: Self = Self(13);

    const fn all<const COUNT: usize>() -> [Self; COUNT] {
        let mut all = [Self(0); COUNT];
        let mut at = 0;
        while at < COUNT {
            #[expect(clippy::cast_possible_truncation, reason = "there are a few dozen kinds")]
            let place = at as u8;
            all[at] = Self(place);
            at += 1;
        }
        all
    }

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
    /// It goes away and comes back with other fields, since Bitbucket cannot change them.
    Replace,
    /// It goes away.
    Delete,
}

impl std::fmt::Display for Action {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(match self {
            Self::Create => "create",
            Self::Update => "update",
            Self::Replace => "replace",
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
    /// What kind of thing it is; also another kind's, if that is the same.
    pub code: Code,
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
    pub fn error(code: Code, field: &'static str, message: impl Into<String>) -> Self {
        Self { code, field, stops: true, message: message.into(), label: String::new(), help: None }
    }

    /// A finding that a person should know of.
    pub fn warning(code: Code, field: &'static str, message: impl Into<String>) -> Self {
        Self { stops: false, ..Self::error(code, field, message) }
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

/// A scope in both vocabularies of Bitbucket (api.md §1.3); where several are needed, with spaces between.
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
        let holds =
            |wanted: &str| granted.iter().any(|scope| scope == wanted || scope.strip_suffix(":write") == Some(wanted));
        wanted.split(' ').find(|wanted| !holds(wanted))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_are_what_they_are_called_and_stand_after_what_they_are_in() {
        let names = [KindRef::PROJECT, KindRef::REPOSITORY, KindRef::ENVIRONMENT].map(|kind| kind.name());
        assert_eq!(names, ["project", "repository", "environment"]);
        for kind in KINDS {
            assert!(kind.parent().is_none_or(|parent| parent.rank() < kind.rank()), "{kind:?}");
        }
    }

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
            let same = |other: &KindRef| (other.name(), other.parent()) == (kind.name(), kind.parent());
            assert_eq!(KINDS.iter().position(same), Some(at), "{} has the name of another kind", kind.name());
        }
    }
}
