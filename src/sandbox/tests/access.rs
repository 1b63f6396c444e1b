//! Who is let in, over real sockets: tokens, scopes, limits, and what HTTP itself asks for.

use std::time::Duration;

use serde_json::json;

use super::super::{Options, Sandbox};
use super::{Client, Outcome, acme};

const EVERYBODY: &str = r#"{
    "clients": [
        {"id": "key", "secret": "secret", "scopes": ["repository", "project"], "refresh_tokens": ["r1"]},
        {"id": "public", "secret": "s", "private": false},
        {"id": "homeless", "secret": "s", "callback": false},
        {"id": "old", "secret": "s", "grants": ["password"]}
    ],
    "users": [{"email": "ana@example.com", "username": "ana", "password": "pw", "api_token": "ATATT1"}],
    "access_tokens": [{"token": "ATCTT1", "scopes": ["read:repository:bitbucket"]}]
}"#;

async fn guarded() -> Result<Sandbox, Box<dyn std::error::Error>> {
    let credentials = Some(serde_json::from_str(EVERYBODY)?);
    Ok(Sandbox::start(Options { credentials, ..Options::default() }).await?)
}

#[tokio::test]
async fn tokens_are_given_out_and_expire() -> Outcome {
    let sandbox = Sandbox::start(Options::default()).await?;
    let client = Client::with(&sandbox, "Basic a2V5OnNlY3JldA==");
    let token = client.token("grant_type=client_credentials").await?;
    assert_eq!(token.status, 200);
    assert_eq!((&token.json["expires_in"], &token.json["token_type"]), (&json!(7200), &json!("bearer")));
    assert!(token.json["scope"].as_str().is_some_and(|scope| scope.contains("repository:admin")));
    assert!(token.json.get("refresh_token").is_none() && token.json.get("scopes").is_none());
    let bearer = format!("Bearer {}", token.json["access_token"].as_str().unwrap_or_default());
    let user = Client::with(&sandbox, &bearer).get("user").await?;
    assert_eq!((user.status, &user.json["type"]), (200, &json!("app_user")));
    assert_eq!(user.header("x-credential-type"), Some("oauth2"));
    assert_eq!(user.header("x-accepted-oauth-scopes"), Some("account"));

    let sandbox = Sandbox::start(Options { token_lifetime: Duration::ZERO, ..Options::default() }).await?;
    let client = Client::with(&sandbox, "Basic a2V5OnNlY3JldA==");
    let token = client.token("grant_type=client_credentials").await?;
    let bearer = format!("Bearer {}", token.json["access_token"].as_str().unwrap_or_default());
    let expired = Client::with(&sandbox, &bearer).get("user").await?;
    assert_eq!(expired.status, 401);
    assert_eq!(expired.message(), "Access token expired. Use your refresh token to obtain a new access token.");
    assert!(expired.header("www-authenticate").is_some_and(|value| value.starts_with("BitbucketCustom realm=")));
    Ok(())
}

#[tokio::test]
async fn refresh_tokens_rotate() -> Outcome {
    let sandbox = guarded().await?;
    let client = Client::anonymous(&sandbox);
    let refresh =
        |token: &str| format!("grant_type=refresh_token&client_id=key&client_secret=secret&refresh_token={token}");
    let first = client.token(&refresh("r1")).await?;
    let second = first.json["refresh_token"].as_str().unwrap_or_default().to_owned();
    assert_eq!((first.status, second.is_empty()), (200, false));
    assert_eq!(client.token(&refresh("r1")).await?.json["error"], "invalid_grant");
    assert_eq!(client.token(&refresh(&second)).await?.status, 200);
    assert_eq!(client.token(&refresh("never")).await?.status, 400);
    Ok(())
}

#[tokio::test]
async fn the_token_endpoint_refuses_as_bitbucket_does() -> Outcome {
    let sandbox = guarded().await?;
    let client = Client::anonymous(&sandbox);
    for (form, error, description) in [
        ("client_id=key&client_secret=no", "unauthorized_client", "Invalid OAuth client credentials"),
        ("client_id=key&client_secret=secret", "invalid_grant", "Unsupported grant type: None"),
        (
            "client_id=key&client_secret=secret&grant_type=password&username=ana&password=pw",
            "invalid_grant",
            "Unsupported grant type: password",
        ),
        (
            "client_id=homeless&client_secret=s&grant_type=client_credentials",
            "invalid_request",
            "No callback uri defined for the OAuth client.",
        ),
    ] {
        let refused = client.token(form).await?;
        assert_eq!(refused.status, 400, "{form}");
        assert_eq!(refused.json, json!({"error": error, "error_description": description}), "{form}");
    }
    let public = client.token("client_id=public&client_secret=s&grant_type=client_credentials").await?;
    assert_eq!(public.json["error"], "invalid_grant");
    let old = |password| format!("client_id=old&client_secret=s&grant_type=password&username=ana&password={password}");
    assert_eq!(client.token(&old("pw")).await?.status, 200);
    assert_eq!(client.token(&old("no")).await?.status, 400);
    assert_eq!(sandbox.counters().token_fetches, 7);
    Ok(())
}

#[tokio::test]
async fn strangers_and_misplaced_tokens_are_refused() -> Outcome {
    let sandbox = guarded().await?;
    for (authorization, status) in [
        ("Bearer ATCTT1", 200),
        ("Bearer other", 401),
        ("Bearer ATATT1", 401),
        // ana@example.com:ATATT1, ana@example.com:ATATT2
        ("Basic YW5hQGV4YW1wbGUuY29tOkFUQVRUMQ==", 200),
        ("Basic YW5hQGV4YW1wbGUuY29tOkFUQVRUMg==", 401),
        ("JWT x", 401),
    ] {
        let reply = Client::with(&sandbox, authorization).get("repositories/acme").await?;
        assert_eq!(reply.status, status, "{authorization}");
    }
    let token = Client::with(&sandbox, "Bearer ATCTT1");
    let user = token.get("user").await?;
    assert_eq!((user.status, &user.json["error"]["detail"]["required"]), (403, &json!(["read:user:bitbucket"])));
    let free = Sandbox::start(Options::default()).await?;
    let user = Client::with(&free, "Bearer ATCTT1").get("user").await?;
    assert_eq!((user.status, user.message()), (403, "This API is not accessible by this authentication mechanism"));
    Ok(())
}

#[tokio::test]
async fn scopes_limit_what_may_be_done() -> Outcome {
    let scopes = Some(vec!["project".to_owned()]);
    let sandbox = Sandbox::start(Options { scopes, ..Options::default() }).await?;
    let client = Client::new(&sandbox);
    assert_eq!(client.get("repositories/acme").await?.status, 200, "project implies repository");
    let refused = client.post("repositories/acme/ledger", json!({})).await?;
    assert_eq!(refused.status, 403);
    assert_eq!(
        refused.json["error"],
        json!({
            "message": "Your credentials lack one or more required privilege scopes.",
            "detail": {"required": ["repository:admin"], "granted": ["project"]},
        }),
    );
    assert_eq!(refused.header("x-oauth-scopes"), Some("project"));
    Ok(())
}

#[tokio::test]
async fn too_many_requests_are_refused_in_plain_text() -> Outcome {
    let rate_limit = Some("2/1h".parse()?);
    let sandbox = Sandbox::start(Options { rate_limit, ..Options::default() }).await?;
    let client = Client::with(&sandbox, "Bearer ATCTT1");
    assert_eq!(client.get("workspaces/acme").await?.header("x-ratelimit-limit"), Some("2"));
    client.get("workspaces/acme").await?;
    let refused = client.get("workspaces/acme").await?;
    assert_eq!((refused.status, refused.body.len()), (429, 46));
    assert_eq!(refused.header("content-type"), Some("text/plain"));
    assert_eq!(refused.header("retry-after"), None);
    assert_eq!(sandbox.counters().rate_limited, 1);
    assert_eq!(Client::new(&sandbox).get("workspaces/acme").await?.status, 200, "others have their own budget");
    Ok(())
}

#[tokio::test]
async fn http_itself() -> Outcome {
    let (_sandbox, client) = acme(Options::default()).await?;
    for path in ["workspaces", "repositories"] {
        let gone = client.get(path).await?;
        assert_eq!(gone.status, 410);
        assert!(gone.json["error"]["data"]["announcement_url"].is_string());
    }
    let unknown = client.get("nothing").await?;
    assert_eq!(unknown.status, 404);
    assert!(unknown.body.contains("There is no API hosted at this URL"));
    assert_eq!(client.delete("workspaces/acme").await?.status, 405);
    let bare = format!(
        "PUT /2.0/repositories/acme/ledger HTTP/1.1\r\nHost: {}\r\nConnection: close\r\nAuthorization: Bearer t\r\n\r\n",
        client.address,
    );
    let answer = String::from_utf8_lossy(&client.raw(bare).await?).into_owned();
    assert!(answer.starts_with("HTTP/1.1 411 "), "{answer}");
    let long = "x".repeat(10 * 1024 * 1024 + 1);
    let refused = client.post("repositories/acme/ledger", json!(long)).await;
    assert!(refused.is_ok_and(|reply| reply.status == 413));
    Ok(())
}
