//! What every kind says of itself, and where things are done: the words in which the stages speak of kinds.

use std::borrow::Cow;

use schemars::{Schema, SchemaGenerator};
use serde_json::Value;

use super::{
    Action, Address, Field, Fields, Finding, IdentityRule, KindRef, Order, Reference, Request, Scopes, Set, address,
};

/// What bbprov knows of one kind of object. What a kind does not say of itself is so for most.
pub trait Kind: Sync {
    /// What a person calls it: `repository`. Of an object in a workspace also its key under `defaults`.
    fn name(&self) -> &'static str;

    /// Where its objects stand under what they are in: `repositories`, `permissions.users`.
    fn section(&self) -> &'static str;

    /// The kind of what such an object is in; nothing if that is a workspace.
    fn parent(&self) -> Option<KindRef> {
        None
    }

    /// How its objects are written in a manifest.
    fn shape(&self) -> Shape {
        Shape::Objects
    }

    /// The key in the manifest that tells one from another: `slug`.
    fn identity(&self) -> &'static str;

    /// Whether `templates` in a manifest hold named settings of it. There is one such kind.
    fn is_templated(&self) -> bool {
        false
    }

    /// What such an identity looks like, for the schema.
    fn identity_rule(&self) -> IdentityRule {
        IdentityRule { description: "", pattern: "", longest: usize::MAX }
    }

    /// Whether `id` can be such an identity, by Bitbucket's rules.
    ///
    /// # Errors
    /// What is wrong, and an identity that would do where one is near.
    fn check_identity(&self, _id: &str) -> Result<(), Finding> {
        Ok(())
    }

    /// What tells an object from another if its fields do so together.
    fn identity_of(&self, fields: &Fields) -> String {
        fields.text(self.identity()).unwrap_or_default().to_owned()
    }

    /// The JSON Schema of its settings, without the identity of [`Shape::Objects`]. Its descriptions are the reference.
    fn settings(&self, generator: &mut SchemaGenerator) -> Schema;

    /// A line about the object itself for the schema.
    fn summary(&self) -> &'static str;

    /// What can be said of it, in the order in which a person reads it.
    fn fields(&self) -> &'static [Field];

    /// Rules that need no other object. `fields` are complete: defaults and templates are in.
    fn check(&self, _id: &str, _fields: &Fields) -> Vec<Finding> {
        Vec::new()
    }

    /// The section beside this one that has no effect with these fields, and what to say of that.
    fn makes_void(&self, _fields: &Fields) -> Option<(&'static str, Finding)> {
        None
    }

    /// The object that this one cannot do without: a repository's project.
    fn reference(&self, _workspace: &str, _fields: &Fields) -> Option<Reference> {
        None
    }

    /// Rules between this object and the one it refers to, whose fields are what they will be.
    fn check_reference(&self, _fields: &Fields, _referenced: &Fields) -> Option<Finding> {
        None
    }

    /// Why a field cannot be changed from what it is now, if so. It is then noted, not attempted; `from` is `None` for an
    /// object that does not exist yet. `whole` is all that the manifest says, `holder` the object that it is in, if that
    /// exists, as far as it was read.
    fn held_back(
        &self,
        _field: &str,
        _from: Option<&Value>,
        _whole: &Fields,
        _holder: Option<&Fields>,
    ) -> Option<&'static str> {
        None
    }

    /// Whether a field can be changed from the one to the other by making the object anew only.
    fn replaces(&self, field: &str, _from: &Value, _to: &Value) -> bool {
        self.fields().iter().any(|known| known.name == field && known.set == Set::Once)
    }

    /// Why an existing object must not be changed to these fields, although each is fine by itself.
    fn refuse(&self, _id: &str, _changed: &Fields) -> Option<Finding> {
        None
    }

    /// Whether this change must come before or after those of the objects that refer to this one.
    fn order(&self, _action: Action, _changed: &Fields) -> Order {
        Order::Whenever
    }

    /// Whether a change has to do with the object that this one refers to, so that it must wait for it.
    fn touches_reference(&self, _action: Action, _changed: &Fields) -> bool {
        false
    }

    /// The sections of the same object, and of the one it refers to, that are dealt with before this one, whatever comes
    /// of it (api.md §9.6).
    fn follows(&self) -> &'static [&'static str] {
        &[]
    }

    /// Whether its identity is an account (api.md §2.2), which a manifest may call by an e-mail address.
    fn is_account(&self) -> bool {
        false
    }

    /// Whom it gives access, if it does: the credential's own must not go by accident (api.md §5.1).
    fn grants_to(&self) -> Option<Grantee> {
        None
    }

    /// Whether one with these fields gives all access that there is.
    fn administers(&self, _fields: &Fields) -> bool {
        false
    }

    /// What a person must not overlook about a change, such as that something becomes public.
    fn alarm(&self, _action: Action, _changed: &Fields) -> Option<&'static str> {
        None
    }

    /// A few words about a new object for its line in the plan.
    fn describe(&self, fields: &Fields) -> String;

    /// What deleting one, or making it anew, takes away, for the plan.
    fn loss(&self, _action: Action) -> &'static str {
        ""
    }

    /// Where all of them are listed, or where the only one is read.
    fn list(&self, parent: Parent<'_>) -> String;

    /// Whether that list can be asked for in the order of `created_on`.
    fn sorts_by_age(&self) -> bool {
        false
    }

    /// Whether that list has no `next`, as those of the Pipelines family (api.md §2.3).
    fn lists_without_next(&self) -> bool {
        false
    }

    /// Whether a list that is not there is an empty one, and a document one that says nothing, as before Pipelines was
    /// switched on (api.md §5.8).
    fn may_be_missing(&self) -> bool {
        false
    }

    /// Whether there may be none of what there is at most one of in each. Otherwise what it is in is gone if it is.
    fn may_be_none(&self) -> bool {
        false
    }

    /// Where one is read by its identity, if it can be.
    fn item(&self, _address: &Address) -> Option<String> {
        None
    }

    /// Whether one can get another identity and stay the same.
    fn renames(&self) -> bool {
        false
    }

    /// What this object is called in an answer, the value of its identity.
    fn identify<'a>(&self, answer: &'a Value) -> Option<Cow<'a, str>>;

    /// Another name by which a manifest may call it.
    fn also_identify<'a>(&self, _answer: &'a Value) -> Option<&'a str> {
        None
    }

    /// Whether an answer shows that there is no secret where one can be. Most answers say nothing of that.
    fn lacks_secret(&self, _answer: &Value) -> bool {
        false
    }

    /// Whether an answer shows that there is a secret in a field, which it never says itself.
    fn holds_secret(&self, _field: &Field, _answer: &Value) -> bool {
        false
    }

    /// Whether a field need not be said for an object to have this value: a new one has it unless somebody says otherwise.
    fn goes_without_saying(&self, _id: &str, field: &Field, fields: &Fields) -> bool {
        fields.get(field.name).is_none_or(|value| *value == field.absent.value())
    }

    /// Whether a field says what this one object is, as a description does, so that nothing else should say it of many.
    fn is_its_own(&self, _field: &str) -> bool {
        false
    }

    /// Whether such an object comes to be without anybody's doing.
    fn comes_by_itself(&self, _id: &str, _fields: &Fields) -> bool {
        false
    }

    /// Whether a new one may differ from what was asked for, as Bitbucket makes some by itself and overlooks what it was told
    /// of others. It is then changed, in place of being reported.
    fn comes_unfinished(&self) -> bool {
        false
    }

    /// How many requests more than others a new one may take for that, by its identity and fields.
    fn requests_to_finish(&self, _id: &str, _fields: &Fields) -> usize {
        0
    }

    /// The value of a field in an answer, for a field that does not stand there as it is. Where there are several ways to
    /// say the same, it is said as in `wanted`.
    fn read(&self, field: &Field, answer: &Value, wanted: Option<&Value>) -> Value {
        field.read(answer, wanted)
    }

    /// By what Bitbucket tells it from others, for changes to it.
    fn server_id(&self, answer: &Value) -> Option<String> {
        answer.get("uuid").and_then(Value::as_str).map(str::to_owned)
    }

    /// The request that creates it.
    fn create(&self, place: Place<'_>, fields: &Fields) -> Request;

    /// The request that changes these fields of it; `whole` is all that the manifest says.
    fn update(&self, place: Place<'_>, changed: &Fields, whole: &Fields) -> Request;

    /// Whether the answer to a change proves nothing, so that it is read until the change shows (api.md §9.7).
    fn reads_back(&self, _action: Action) -> bool {
        false
    }

    /// The request that deletes it.
    fn delete(&self, place: Place<'_>) -> Request;

    /// The scopes that a change needs.
    fn scopes(&self, action: Action) -> Scopes;
}

/// Whom something gives access.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Grantee {
    /// An account, by its UUID.
    Account,
    /// All accounts of a group.
    Group,
}

/// How objects of a kind are written under what they are in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    /// A list of mappings, each with its identity and a `state`. They live and die by themselves.
    Objects,
    /// A list of mappings whose fields tell them apart.
    List,
    /// A mapping from identities to the value of this field.
    Map(&'static str),
    /// A list of identities.
    Names,
    /// One mapping: there is one of it in each, and it cannot be created or deleted.
    One,
    /// The value of this field: there is one of it in each, and it says no more.
    Value(&'static str),
}

impl dyn Kind {
    /// Whether a value of one of its fields is where a secret comes from. Such a field is never read.
    #[must_use]
    pub fn is_secret(&self, field: &str, value: &Value) -> bool {
        value.is_object() && self.sets(field) == Set::Blindly
    }

    /// When one of its fields can be set.
    #[must_use]
    pub fn sets(&self, field: &str) -> Set {
        self.fields().iter().find(|known| known.name == field).map_or(Set::Freely, |known| known.set)
    }
}

impl Shape {
    /// Whether there is one of it in each.
    #[must_use]
    pub fn is_single(self) -> bool {
        matches!(self, Self::One | Self::Value(_))
    }
}

/// What an object is in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Parent<'a> {
    /// A workspace.
    Workspace(&'a str),
    /// Another object, and by what Bitbucket tells it from others, if that is known.
    Object(&'a Address, &'a str),
}

impl Parent<'_> {
    /// Its path, with further segments.
    #[must_use]
    pub fn path(self, more: &[&str]) -> String {
        match self {
            Self::Workspace(workspace) => address::path(&["workspaces", workspace]) + &address::path(more),
            Self::Object(address, _) => {
                let own = address.kind().item(address).unwrap_or_default();
                own + &address::path(more)
            }
        }
    }
}

/// Where something is done.
#[derive(Debug, Clone, Copy)]
pub struct Place<'a> {
    /// The object.
    pub address: &'a Address,
    /// By what Bitbucket tells it from others; of a new object nothing.
    pub id: &'a str,
    /// What it is in.
    pub parent: Parent<'a>,
}
