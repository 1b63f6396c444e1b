//! Lists of repositories over real sockets.

use serde_json::{Value, json};

use super::super::{Options, Pages};
use super::{Client, Outcome, acme};

async fn fill(client: &Client, count: usize) -> Outcome {
    for number in 0..count {
        client.post(&format!("repositories/acme/r{number:02}"), json!({})).await?;
    }
    Ok(())
}

fn slugs(page: &Value) -> Vec<String> {
    let values = page["values"].as_array().cloned().unwrap_or_default();
    values.iter().map(|value| value["slug"].as_str().unwrap_or_default().to_owned()).collect()
}

/// Follows `next` from a first path to the end.
async fn walk(client: &Client, first: &str) -> Result<Vec<String>, Box<dyn std::error::Error>> {
    let mut found = Vec::new();
    let mut path = first.to_owned();
    loop {
        let page = client.get(&path).await?.json;
        found.extend(slugs(&page));
        match page["next"].as_str().and_then(|next| next.split_once("/2.0/")) {
            Some((_, next)) => next.clone_into(&mut path),
            None => return Ok(found),
        }
    }
}

#[tokio::test]
async fn next_leads_through_everything_once() -> Outcome {
    for pages in [Pages::Numbered, Pages::Opaque] {
        let (_sandbox, client) = acme(Options { pages, ..Options::default() }).await?;
        fill(&client, 25).await?;
        let first = client.get("repositories/acme").await?.json;
        assert_eq!(slugs(&first).len(), 10);
        assert_eq!(first.get("size").is_some(), pages == Pages::Numbered);
        let expected: Vec<_> = (0..25).map(|number| format!("r{number:02}")).collect();
        assert_eq!(walk(&client, "repositories/acme").await?, expected);
        let reversed: Vec<_> = expected.iter().rev().cloned().collect();
        assert_eq!(walk(&client, "repositories/acme?sort=-slug&pagelen=10").await?, reversed);
    }
    Ok(())
}

#[tokio::test]
async fn lists_are_filtered() -> Outcome {
    let (_sandbox, client) = acme(Options::default()).await?;
    fill(&client, 12).await?;
    let q = "q=slug+IN+(%22r03%22,%22r11%22)+OR+name%3D%22r05%22";
    let found = client.get(&format!("repositories/acme?{q}")).await?.json;
    assert_eq!(slugs(&found), ["r03", "r05", "r11"]);
    assert_eq!(found["size"], 3);
    client.delete("repositories/acme/r05").await?;
    assert_eq!(slugs(&client.get(&format!("repositories/acme?{q}")).await?.json), ["r03", "r11"]);
    let by_project = client.get("repositories/acme?q=project.key%3D%22PAY%22&fields=size").await?;
    assert_eq!(by_project.json, json!({"size": 11}));
    let refused = client.get("repositories/acme?q=description~%22x%22").await?;
    assert_eq!((refused.status, refused.message()), (400, "Field \".description\" does not support filtering"));
    assert_eq!(client.get("repositories/acme?pagelen=101").await?.message(), "Invalid pagelen");
    Ok(())
}

#[tokio::test]
async fn fields_shape_lists_and_objects() -> Outcome {
    let (_sandbox, client) = acme(Options::default()).await?;
    fill(&client, 11).await?;
    let page = client.get("repositories/acme?fields=next,values.slug,values.project.is_private").await?.json;
    assert_eq!(page["values"][0], json!({"slug": "r00", "project": {"is_private": true}}));
    assert!(page["next"].is_string());
    let without_next = client.get("repositories/acme?fields=values.slug").await?.json;
    assert!(without_next.get("next").is_none());
    let object = client.get("repositories/acme/r00?fields=-links,-owner,%2Bproject.description").await?.json;
    assert!(object.get("links").is_none() && object["project"]["description"].is_string());
    Ok(())
}

#[tokio::test]
async fn strangers_see_what_is_public() -> Outcome {
    let (sandbox, client) = acme(Options::default()).await?;
    client.put("workspaces/acme/projects/PAY", json!({"is_private": false})).await?;
    client.post("repositories/acme/open", json!({"is_private": false})).await?;
    client.post("repositories/acme/secret", json!({"is_private": true})).await?;
    let stranger = Client::anonymous(&sandbox);
    assert_eq!(slugs(&stranger.get("repositories/acme").await?.json), ["open"]);
    assert_eq!(slugs(&client.get("repositories/acme").await?.json), ["open", "secret"]);
    assert_eq!(stranger.get("repositories/acme/open").await?.status, 200);
    assert_eq!(stranger.get("repositories/acme/secret").await?.status, 404);
    assert_eq!(stranger.put("repositories/acme/open", json!({})).await?.status, 401);
    assert_eq!(stranger.get("user").await?.status, 401);
    Ok(())
}
