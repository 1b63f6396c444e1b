//! `POST /site/oauth2/access_token`: tokens for OAuth consumers (RFC 6749; Bitbucket's form and errors, api.md §1.2).

use hyper::header::{AUTHORIZATION, CACHE_CONTROL};
use hyper::{Method, StatusCode};
use serde_json::json;
use tokio::time::Instant;

use super::answer::{Answer, Refusal};
use super::auth::{Door, Kind, Principal, basic_pair};
use super::credentials::OAuthClient;
use super::request::{Request, percent_decode};

/// Grants that this endpoint knows at all.
const GRANTS: [&str; 3] = ["client_credentials", "password", "refresh_token"];

/// Answers a request to the token endpoint.
pub(super) fn token(door: &Door, request: &Request, now: Instant) -> Answer {
    if request.method != Method::POST {
        return Answer::method_not_allowed("POST");
    }
    if request.lacks_length() {
        return Answer::error(StatusCode::LENGTH_REQUIRED, "Length Required");
    }
    fetch(door, request, now).unwrap_or_else(Answer::from)
}

fn fetch(door: &Door, request: &Request, now: Instant) -> Result<Answer, Refusal> {
    let form = request.form();
    let field = |name: &str| form.iter().find(|(key, _)| key == name).map_or("", |(_, value)| value.as_str());
    let (id, secret) =
        client_pair(request).unwrap_or_else(|| (field("client_id").to_owned(), field("client_secret").to_owned()));
    let client = authenticate(door, &id, &secret)?;
    let grant = match field("grant_type") {
        "" => "None",
        grant => grant,
    };
    let known = client.map_or_else(|| GRANTS.contains(&grant), |client| client.grants.iter().any(|own| own == grant));
    if !known || !GRANTS.contains(&grant) {
        return Err(refusal(&format!("Unsupported grant type: {grant}"), "invalid_grant"));
    }
    let principal = match grant {
        "client_credentials" => client_credentials(door, client, id)?,
        "password" => password(door, client, field("username"), field("password"))?,
        _ => refresh(door, client, id, field("refresh_token"))?,
    };
    Ok(answer(door, &principal, grant != "client_credentials", now))
}

/// The answer as it is since May 2026: `scope`, and no refresh token for client credentials.
fn answer(door: &Door, principal: &Principal, refreshable: bool, now: Instant) -> Answer {
    let (access, refresh) = door.issue(principal, refreshable, now);
    let mut body = json!({
        "access_token": access,
        "expires_in": door.lifetime.as_secs(),
        "scope": principal.granted.join(" "),
        "token_type": "bearer",
    });
    if let Some(refresh) = refresh {
        body["refresh_token"] = refresh.into();
    }
    Answer::ok(body).with(CACHE_CONTROL, "no-store")
}

fn refusal(description: &str, error: &str) -> Refusal {
    Refusal::from(Answer::json(StatusCode::BAD_REQUEST, json!({ "error_description": description, "error": error })))
}

/// The consumer in the `Authorization` header, which wins over one in the form.
fn client_pair(request: &Request) -> Option<(String, String)> {
    let (scheme, rest) = request.header(&AUTHORIZATION)?.split_once(' ')?;
    if scheme.eq_ignore_ascii_case("basic") { basic_pair(rest.trim()) } else { None }
}

/// Finds the consumer. `Ok(None)` when everybody is let in.
fn authenticate<'a>(door: &'a Door, id: &str, secret: &str) -> Result<Option<&'a OAuthClient>, Refusal> {
    let wrong = || refusal("Invalid OAuth client credentials", "unauthorized_client");
    if id.is_empty() || secret.is_empty() {
        return Err(wrong());
    }
    let Some(credentials) = &door.credentials else {
        return Ok(None);
    };
    // RFC 6749 §2.3.1 form-encodes both halves of Basic, which few clients do: either is right.
    let is = |own: &str, sent: &str| own == sent || percent_decode(sent, true).as_deref() == Some(own);
    let known = credentials.clients.iter().find(|client| is(&client.id, id) && is(&client.secret, secret));
    known.map(Some).ok_or_else(wrong)
}

fn client_credentials(door: &Door, client: Option<&OAuthClient>, id: String) -> Result<Principal, Refusal> {
    if let Some(client) = client {
        if !client.private {
            return Err(refusal(
                "Cannot use client_credentials with a consumer marked as \"public\". Calls for auto generated \
                 consumers should use urn:bitbucket:oauth2:jwt instead.",
                "invalid_grant",
            ));
        }
        if !client.callback {
            return Err(refusal("No callback uri defined for the OAuth client.", "invalid_request"));
        }
    }
    Ok(door.principal(Kind::App, id, client.and_then(|client| client.scopes.as_deref())))
}

/// What Bitbucket says to a wrong password is not known; the form of the other refusals is.
fn password(door: &Door, client: Option<&OAuthClient>, name: &str, password: &str) -> Result<Principal, Refusal> {
    let wrong = || refusal("Invalid username or password", "invalid_grant");
    if name.is_empty() || password.is_empty() {
        return Err(wrong());
    }
    if let Some(credentials) = &door.credentials {
        let known =
            credentials.users.iter().any(|user| user.is_called(name) && user.password.as_deref() == Some(password));
        if !known {
            return Err(wrong());
        }
    }
    Ok(door.principal(Kind::OAuth, name.to_owned(), client.and_then(|client| client.scopes.as_deref())))
}

/// A refresh token works once; the answer carries the next one.
fn refresh(door: &Door, client: Option<&OAuthClient>, id: String, token: &str) -> Result<Principal, Refusal> {
    let wrong = || refusal("Invalid refresh_token", "invalid_grant");
    if token.is_empty() {
        return Err(wrong());
    }
    match door.redeem(token).map_err(|()| wrong())? {
        Some(principal) => Ok(principal),
        None if client.is_some_and(|client| !client.refresh_tokens.iter().any(|own| own == token)) => Err(wrong()),
        None => Ok(door.principal(Kind::OAuth, id, client.and_then(|client| client.scopes.as_deref()))),
    }
}
