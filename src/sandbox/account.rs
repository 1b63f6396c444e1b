//! The caller, and workspaces as the caller sees them (operations `/user`, `/user/workspaces`, `/workspaces/{workspace}`;
//! api.md §1.1 for who may ask, §8 for what replaced what).

use serde_json::{Value, json};

use super::answer::{Answer, Refusal};
use super::auth::{self, Kind};
use super::operation::{Errand, Route, get};
use super::scopes::scopes;
use super::store::Store;

pub(super) const ROUTES: &[Route] = &[
    Route {
        path: "user",
        endpoints: &[get(scopes(&["account"], &["read:user:bitbucket"]), user).barring(&[Kind::AccessToken])],
    },
    Route {
        path: "user/workspaces",
        endpoints: &[get(scopes(&["account"], &["read:workspace:bitbucket"]), workspaces)],
    },
    Route { path: "workspaces/{}", endpoints: &[get(scopes(&[], &["read:workspace:bitbucket"]), workspace).open()] },
    Route { path: "workspaces", endpoints: &[get(scopes(&[], &[]), gone).open()] },
    Route { path: "repositories", endpoints: &[get(scopes(&[], &[]), gone).open()] },
];

/// What CHANGE-2770 took away.
fn gone(_: &mut Store, _: &Errand<'_>) -> Result<Answer, Refusal> {
    Err(Refusal::from(Answer::gone()))
}

/// `GET /user`: access tokens are nobody and may not ask.
fn user(_: &mut Store, errand: &Errand<'_>) -> Result<Answer, Refusal> {
    let principal = errand.principal.ok_or_else(auth::anonymous)?;
    let account = errand.people.of(principal);
    let mut user = account.representation(&errand.api());
    user["account_status"] = "active".into();
    user["created_on"] = "2020-01-01T00:00:00.000000+00:00".into();
    if let (Kind::App, Value::Object(user)) = (principal.kind, &mut user) {
        user.insert("type".to_owned(), "app_user".into());
        user.remove("nickname");
    }
    Ok(Answer::ok(errand.call.shape(|_| user.clone())))
}

/// `GET /workspaces/{workspace}`
fn workspace(store: &mut Store, errand: &Errand<'_>) -> Result<Answer, Refusal> {
    let index = store.locate(errand.name(0))?;
    let workspace = store.at(index)?;
    let api = errand.api();
    Ok(Answer::ok(errand.call.shape(|_| workspace.representation(&api))))
}

/// `GET /user/workspaces`: everybody administers every workspace here.
fn workspaces(store: &mut Store, errand: &Errand<'_>) -> Result<Answer, Refusal> {
    let call = errand.call;
    let mut shown: Vec<_> = store.workspaces().iter().collect();
    match call.request.parameter("administrator") {
        None | Some("" | "true") => {}
        Some("false") => shown.clear(),
        Some(_) => return Err(Refusal::from(Answer::invalid_field("administrator", "Must be a valid boolean."))),
    }
    if let Some((_, descending)) = call.sort(&["slug"])? {
        shown.sort_by(|left, right| left.slug.cmp(&right.slug));
        if descending {
            shown.reverse();
        }
    }
    let api = call.request.api();
    let page = call.page(shown.len(), |range, _| -> Vec<Value> {
        let page = shown.get(range).unwrap_or_default().iter();
        page.map(
            |workspace| json!({ "type": "workspace_access", "administrator": true, "workspace": workspace.base(&api) }),
        )
        .collect()
    })?;
    Ok(Answer::ok(page))
}
