//! Explicit grants on repositories and projects, to accounts and to groups (api.md §5.1).

use std::borrow::Cow;

use schemars::{Schema, SchemaGenerator, json_schema};
use serde_json::Value;

use super::account::{check_account, check_group};
use super::{
    Absent, Action, Field, Fields, Finding, Grantee, Kind, KindRef, Method, Parent, Place, Request, Scopes, Shape,
};

/// A grant: whoever it is to may read, write or administer.
pub struct Permission {
    parent: KindRef,
    to: To,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum To {
    Users,
    Groups,
}

/// Grants on a repository to accounts.
pub static OF_REPOSITORY_USERS: Permission = Permission { parent: KindRef::REPOSITORY, to: To::Users };
/// Grants on a repository to groups.
pub static OF_REPOSITORY_GROUPS: Permission = Permission { parent: KindRef::REPOSITORY, to: To::Groups };
/// Grants on a project to accounts.
pub static OF_PROJECT_USERS: Permission = Permission { parent: KindRef::PROJECT, to: To::Users };
/// Grants on a project to groups.
pub static OF_PROJECT_GROUPS: Permission = Permission { parent: KindRef::PROJECT, to: To::Groups };

const FIELDS: &[Field] = &[Field::plain("permission", &["permission"], Absent::Text)];

impl Permission {
    fn path(&self, place: Place<'_>) -> String {
        let id = if place.id.is_empty() { place.address.id() } else { place.id };
        place.parent.path(&["permissions-config", self.segment(), id])
    }

    fn segment(&self) -> &'static str {
        match self.to {
            To::Users => "users",
            To::Groups => "groups",
        }
    }

    /// A PUT creates and replaces.
    fn put(&self, place: Place<'_>, fields: &Fields) -> Request {
        let body = Some(Value::Object(fields.to_body(FIELDS)));
        Request { method: Method::Put, path: self.path(place), body }
    }
}

impl Kind for Permission {
    fn name(&self) -> &'static str {
        match self.to {
            To::Users => "user permission",
            To::Groups => "group permission",
        }
    }

    fn section(&self) -> &'static str {
        match self.to {
            To::Users => "permissions.users",
            To::Groups => "permissions.groups",
        }
    }

    fn parent(&self) -> Option<KindRef> {
        Some(self.parent)
    }

    fn shape(&self) -> Shape {
        Shape::Map("permission")
    }

    fn identity(&self) -> &'static str {
        match self.to {
            To::Users => "account",
            To::Groups => "group",
        }
    }

    fn check_identity(&self, id: &str) -> Result<(), Finding> {
        match self.to {
            To::Users => check_account("account", id),
            To::Groups => check_group("group", id),
        }
    }

    fn settings(&self, _generator: &mut SchemaGenerator) -> Schema {
        let description = "What they may do, each including the ones before.";
        if self.parent == KindRef::PROJECT {
            return json_schema!({
                "description": description, "type": "string", "enum": ["read", "write", "create-repo", "admin"],
            });
        }
        json_schema!({"description": description, "type": "string", "enum": ["read", "write", "admin"]})
    }

    fn summary(&self) -> &'static str {
        match self.to {
            To::Users => {
                "Grants to accounts, each by e-mail address, UUID in braces or account id. Other grants stay as they are."
            }
            To::Groups => "Grants to groups, each by its slug. Other grants stay as they are.",
        }
    }

    fn fields(&self) -> &'static [Field] {
        FIELDS
    }

    fn is_account(&self) -> bool {
        self.to == To::Users
    }

    fn grants_to(&self) -> Option<Grantee> {
        Some(match self.to {
            To::Users => Grantee::Account,
            To::Groups => Grantee::Group,
        })
    }

    fn administers(&self, fields: &Fields) -> bool {
        fields.text("permission") == Some("admin")
    }

    fn describe(&self, fields: &Fields) -> String {
        fields.text("permission").unwrap_or_default().to_owned()
    }

    fn list(&self, parent: Parent<'_>) -> String {
        parent.path(&["permissions-config", self.segment()])
    }

    fn identify<'a>(&self, answer: &'a Value) -> Option<Cow<'a, str>> {
        let (who, key) = match self.to {
            To::Users => ("user", "uuid"),
            To::Groups => ("group", "slug"),
        };
        answer.get(who)?.get(key)?.as_str().map(Cow::Borrowed)
    }

    fn also_identify<'a>(&self, answer: &'a Value) -> Option<&'a str> {
        answer.get("user")?.get("account_id")?.as_str()
    }

    /// What names it in the manifest also does in a path.
    fn server_id(&self, answer: &Value) -> Option<String> {
        self.identify(answer).map(Cow::into_owned)
    }

    fn create(&self, place: Place<'_>, fields: &Fields) -> Request {
        self.put(place, fields)
    }

    fn update(&self, place: Place<'_>, changed: &Fields, _whole: &Fields) -> Request {
        self.put(place, changed)
    }

    fn delete(&self, place: Place<'_>) -> Request {
        Request { method: Method::Delete, path: self.path(place), body: None }
    }

    fn scopes(&self, action: Action) -> Scopes {
        let deletes = action == Action::Delete;
        match (self.parent == KindRef::PROJECT, deletes) {
            (true, false) => {
                Scopes { classic: "project:admin", api_token: "admin:project:bitbucket write:permission:bitbucket" }
            }
            (true, true) => {
                Scopes { classic: "project:admin", api_token: "admin:project:bitbucket delete:permission:bitbucket" }
            }
            (false, false) => Scopes {
                classic: "repository:admin",
                api_token: "admin:repository:bitbucket write:permission:bitbucket",
            },
            (false, true) => Scopes {
                classic: "repository:admin",
                api_token: "admin:repository:bitbucket delete:permission:bitbucket",
            },
        }
    }
}
