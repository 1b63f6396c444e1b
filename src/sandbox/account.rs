//! The caller, and workspaces as the caller sees them (operations `/user`, `/user/workspaces`, `/workspaces/{workspace}`;
//! api.md §1.1 for who may ask, §8 for what replaced what).

use hyper::StatusCode;
use serde_json::{Value, json};

use super::answer::{Answer, Refusal};
use super::auth::{Kind, Principal};
use super::listing::Call;
use super::random;
use super::request::percent_encode;
use super::store::Store;

/// `GET /user`: access tokens are nobody and may not ask.
pub(super) fn user(call: Call<'_>, principal: &Principal) -> Result<Answer, Refusal> {
    let kind = match principal.kind {
        Kind::AccessToken => {
            let message = "This API is not accessible by this authentication mechanism";
            return Err(Refusal::from(Answer::error(StatusCode::FORBIDDEN, message)));
        }
        Kind::App => "app_user",
        Kind::OAuth | Kind::ApiToken => "user",
    };
    // The sandbox knows its callers by what they sent, and that may be a secret.
    let name = if principal.kind == Kind::ApiToken { principal.account.as_str() } else { "Sandbox" };
    let number = random::seed(&principal.account);
    let uuid = random::uuid("user", number);
    let url = format!("{}/users/{}", call.request.api(), percent_encode(&uuid));
    let html = format!("https://bitbucket.org/{}/", percent_encode(&uuid));
    let show = || {
        let mut user = json!({
            "type": kind,
            "uuid": uuid,
            "display_name": name,
            "account_id": random::hex("account", number, 24),
            "account_status": "active",
            "created_on": "2020-01-01T00:00:00.000000+00:00",
            "links": {
                "self": { "href": url },
                "html": { "href": html },
                "avatar": { "href": "https://secure.gravatar.com/avatar/?d=identicon" },
            },
        });
        if kind == "user" {
            user["nickname"] = name.into();
        }
        user
    };
    Ok(Answer::ok(call.shape(|_| show())))
}

/// `GET /workspaces/{workspace}`
pub(super) fn workspace(store: &mut Store, call: Call<'_>, name: &str) -> Result<Answer, Refusal> {
    let index = store.locate(name)?;
    let workspace = store.at(index)?;
    let api = call.request.api();
    Ok(Answer::ok(call.shape(|_| workspace.representation(&api))))
}

/// `GET /user/workspaces`: everybody administers every workspace here.
pub(super) fn workspaces(store: &Store, call: Call<'_>) -> Result<Answer, Refusal> {
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
