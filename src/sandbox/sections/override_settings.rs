//! What a repository has from its project: inheritance, one switch a setting (api.md §5.4; schema
//! `repository_inheritance_state`).
//!
//! Whether `true` inherits or overrides is contested. Here it inherits, as most of the evidence says and as a fresh
//! repository shows it. It decides the effective branching model and nothing else.

use hyper::StatusCode;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::super::answer::{Answer, Refusal};
use super::super::body::Body;
use super::super::operation::{Errand, Route, get, put};
use super::super::scopes::{Required, scopes};
use super::super::store::Store;
use super::Sections;

const ADMIN: Required = scopes(&["repository:admin"], &["admin:repository:bitbucket"]);

pub(in crate::sandbox) const ROUTES: &[Route] =
    &[Route { path: "repositories/{}/{}/override-settings", endpoints: &[get(ADMIN, show), put(ADMIN, update)] }];

const SECTION: &str = "override-settings";

/// The switches. The first two are in every repository; the others show from when they are set.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(in crate::sandbox) struct Inheritance {
    default_merge_strategy: bool,
    pub(super) branching_model: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    branch_restrictions: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    default_reviewers: Option<bool>,
}

impl Inheritance {
    /// What a repository says of itself.
    pub(in crate::sandbox) fn of(sections: &Sections) -> Self {
        let fresh = Self {
            default_merge_strategy: true,
            branching_model: true,
            branch_restrictions: None,
            default_reviewers: None,
        };
        sections.get(SECTION, 0).unwrap_or(fresh)
    }

    pub(in crate::sandbox) fn representation(&self) -> Value {
        let switches = [
            ("default_merge_strategy", Some(self.default_merge_strategy)),
            ("branching_model", Some(self.branching_model)),
            ("branch_restrictions", self.branch_restrictions),
            ("default_reviewers", self.default_reviewers),
        ];
        let shown = switches.into_iter().filter_map(|(name, on)| Some((name.to_owned(), Value::Bool(on?))));
        Value::Object(shown.collect::<Map<_, _>>())
    }
}

/// `GET …/override-settings`: the switches at the top, as they are sent and as a client reads them. The document has
/// them in a wrapper, which is how repositories embed them.
fn show(store: &mut Store, errand: &Errand<'_>) -> Result<Answer, Refusal> {
    let owner = errand.owner(store)?;
    let mut shown = Inheritance::of(store.sections(owner)?).representation();
    shown["type"] = "repository_inheritance_state".into();
    Ok(errand.show(StatusCode::OK, &shown))
}

/// `PUT`: 204. What is not sent stays, and what is no switch is refused: a client that wraps them shall notice.
fn update(store: &mut Store, errand: &Errand<'_>) -> Result<Answer, Refusal> {
    let owner = errand.owner(store)?;
    let mut body = Body::new(errand.call.request.object()?);
    body.only(&["default_merge_strategy", "branching_model", "branch_restrictions", "default_reviewers"]);
    let before = Inheritance::of(store.sections(owner)?);
    let after = Inheritance {
        default_merge_strategy: body.flag("default_merge_strategy").unwrap_or(before.default_merge_strategy),
        branching_model: body.flag("branching_model").unwrap_or(before.branching_model),
        branch_restrictions: body.flag("branch_restrictions").or(before.branch_restrictions),
        default_reviewers: body.flag("default_reviewers").or(before.default_reviewers),
    };
    body.finish()?;
    store.sections_mut(owner)?.set(SECTION, 0, &after)?;
    Ok(Answer::empty(StatusCode::NO_CONTENT))
}
