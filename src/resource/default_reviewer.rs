//! Default reviewers of repositories and projects (api.md §5.5).

use std::borrow::Cow;

use schemars::{Schema, SchemaGenerator, json_schema};
use serde_json::Value;

use super::account::{self, check_account};
use super::{Action, Field, Fields, Finding, Kind, KindRef, Method, Parent, Place, Request, Scopes, Shape};

/// An account that is asked to review every pull request.
pub struct DefaultReviewer {
    parent: KindRef,
}

/// Those of a repository.
pub static OF_REPOSITORY: DefaultReviewer = DefaultReviewer { parent: KindRef::REPOSITORY };
/// Those of a project.
pub static OF_PROJECT: DefaultReviewer = DefaultReviewer { parent: KindRef::PROJECT };

impl DefaultReviewer {
    fn path(place: Place<'_>) -> String {
        let id = if place.id.is_empty() { place.address.id() } else { place.id };
        place.parent.path(&["default-reviewers", id])
    }
}

impl Kind for DefaultReviewer {
    fn name(&self) -> &'static str {
        "default reviewer"
    }

    fn section(&self) -> &'static str {
        "default_reviewers"
    }

    fn parent(&self) -> Option<KindRef> {
        Some(self.parent)
    }

    fn shape(&self) -> Shape {
        Shape::Names
    }

    fn identity(&self) -> &'static str {
        "account"
    }

    fn is_account(&self) -> bool {
        true
    }

    fn check_identity(&self, id: &str) -> Result<(), Finding> {
        check_account("account", id)
    }

    fn settings(&self, _generator: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "An account, by e-mail address, UUID in braces or account id.", "type": "string", "minLength": 1,
        })
    }

    fn summary(&self) -> &'static str {
        "Accounts that are asked to review every pull request. Others stay as they are."
    }

    fn fields(&self) -> &'static [Field] {
        &[]
    }

    fn follows(&self) -> &'static [&'static str] {
        &["permissions.users", "permissions.groups"]
    }

    fn describe(&self, _fields: &Fields) -> String {
        String::new()
    }

    fn list(&self, parent: Parent<'_>) -> String {
        parent.path(&["default-reviewers"])
    }

    fn identify<'a>(&self, answer: &'a Value) -> Option<Cow<'a, str>> {
        account::within(answer).get("uuid")?.as_str().map(Cow::Borrowed)
    }

    fn also_identify<'a>(&self, answer: &'a Value) -> Option<&'a str> {
        account::within(answer).get("account_id")?.as_str()
    }

    fn server_id(&self, answer: &Value) -> Option<String> {
        self.identify(answer).map(Cow::into_owned)
    }

    /// Without a body: with one, and its content type, the API answers 400 (api.md §2.6).
    fn create(&self, place: Place<'_>, _fields: &Fields) -> Request {
        Request { method: Method::Put, path: Self::path(place), body: None }
    }

    fn update(&self, place: Place<'_>, changed: &Fields, _whole: &Fields) -> Request {
        self.create(place, changed)
    }

    fn delete(&self, place: Place<'_>) -> Request {
        Request { method: Method::Delete, path: Self::path(place), body: None }
    }

    fn scopes(&self, _action: Action) -> Scopes {
        if self.parent == KindRef::PROJECT {
            return Scopes { classic: "project:admin", api_token: "admin:project:bitbucket" };
        }
        Scopes { classic: "repository:admin", api_token: "admin:repository:bitbucket" }
    }
}
