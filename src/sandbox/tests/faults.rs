//! Faults over real sockets.

use serde_json::json;

use super::super::faults::{Fault, Faults};
use super::super::{Options, Sandbox};
use super::{Client, Outcome};

/// A seed with which the first request meets a fault, and the second none.
fn seed(wanted: impl Fn(Fault) -> bool) -> Faults {
    let meets = |faults: &Faults| faults.of_request(0).is_some_and(&wanted) && faults.of_request(1).is_none();
    let all = (0..100_000).map(|seed| Faults { rate: 0.3, seed });
    all.into_iter().find(meets).unwrap_or(Faults { rate: 0.0, seed: 0 })
}

async fn disturbed(wanted: impl Fn(Fault) -> bool) -> std::io::Result<(Sandbox, Client)> {
    let options = Options { faults: Some(seed(wanted)), record: true, ..Options::default() };
    let sandbox = Sandbox::start(options).await?;
    let client = Client::new(&sandbox);
    Ok((sandbox, client))
}

/// Creates a project as the first request, which meets the fault, and says whether it exists afterwards.
async fn exists(client: &Client) -> std::io::Result<bool> {
    Ok(client.get("workspaces/acme/projects/PAY").await?.status == 200)
}

#[tokio::test]
async fn a_reset_comes_before_or_after() -> Outcome {
    for (fault, happened) in [(Fault::ResetBefore, false), (Fault::ResetAfter, true)] {
        let (sandbox, client) = disturbed(|met| met == fault).await?;
        let lost = client.post("workspaces/acme/projects", json!({"key": "PAY", "name": "x"})).await;
        assert!(lost.is_err(), "{lost:?}");
        assert_eq!(exists(&client).await?, happened, "{fault:?}");
        assert_eq!(sandbox.exchanges()[0].status, 0);
        assert_eq!(sandbox.counters().faults, 1);
    }
    Ok(())
}

#[tokio::test]
async fn an_answer_is_cut_off() -> Outcome {
    let (_sandbox, client) = disturbed(|met| met == Fault::Truncated).await?;
    let cut = client.post("workspaces/acme/projects", json!({"key": "PAY", "name": "x"})).await?;
    let promised: usize = cut.header("content-length").unwrap_or_default().parse()?;
    assert!(!cut.body.is_empty() && cut.body.len() < promised, "{} of {promised}", cut.body.len());
    assert!(exists(&client).await?);
    Ok(())
}

#[tokio::test]
async fn answers_that_are_not_bitbuckets() -> Outcome {
    for (fault, status, content_type) in [
        (Fault::BadGateway { done: false }, 502, "text/html"),
        (Fault::BadGateway { done: true }, 502, "text/html"),
        (Fault::Unavailable, 503, "text/plain"),
        (Fault::RateLimited, 429, "text/plain"),
        // The token is not one that was given out here, so it cannot die.
        (Fault::ExpiredToken, 503, "text/plain"),
    ] {
        let (sandbox, client) = disturbed(|met| met == fault).await?;
        let wrong = client.post("workspaces/acme/projects", json!({"key": "PAY", "name": "x"})).await?;
        assert_eq!((wrong.status, wrong.header("content-type")), (status, Some(content_type)), "{fault:?}");
        assert_eq!(wrong.header("retry-after"), (status == 503).then_some("1"));
        assert_eq!(exists(&client).await?, fault.happens(), "{fault:?}");
        assert_eq!(sandbox.counters().rate_limited, u64::from(status == 429));
    }
    Ok(())
}

#[tokio::test]
async fn a_token_dies_early() -> Outcome {
    let (sandbox, client) = disturbed(|met| met == Fault::ExpiredToken).await?;
    let mut token = client.token("grant_type=client_credentials&client_id=a&client_secret=b").await;
    while !token.as_ref().is_ok_and(|token| token.status == 200) {
        token = client.token("grant_type=client_credentials&client_id=a&client_secret=b").await;
    }
    let bearer = format!("Bearer {}", token?.json["access_token"].as_str().unwrap_or_default());
    let client = Client::with(&sandbox, &bearer);
    for _ in 0..2 {
        assert_eq!(client.get("workspaces/acme").await?.status, 401);
    }
    Ok(())
}

#[tokio::test]
async fn a_client_that_goes_away_leaves_nothing_behind() -> Outcome {
    let (sandbox, client) = disturbed(|met| matches!(met, Fault::Hang { .. })).await?;
    let waiting = tokio::spawn(async move { client.get("workspaces/acme").await });
    while sandbox.counters().faults == 0 {
        tokio::task::yield_now().await;
    }
    // Stopping ends what hangs, so the client hears of it without waiting.
    sandbox.shutdown().await?;
    assert!(waiting.await?.is_err());
    Ok(())
}
