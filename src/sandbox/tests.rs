//! The sandbox over real sockets, asked by a client that knows nothing but bytes.

mod access;
mod faults;
mod lists;
mod projects;
mod repositories;
mod routes;
mod sections;

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};

use serde_json::Value;

use super::{Options, Sandbox};

/// What the tests end with when something is not as it should be.
type Outcome = Result<(), Box<dyn std::error::Error>>;

/// An answer as it came.
#[derive(Debug)]
struct Reply {
    status: u16,
    headers: Vec<(String, String)>,
    body: String,
    json: Value,
}

impl Reply {
    fn read(bytes: &[u8]) -> io::Result<Self> {
        let text = String::from_utf8_lossy(bytes);
        let broken = || io::Error::new(io::ErrorKind::UnexpectedEof, "no answer");
        let (head, body) = text.split_once("\r\n\r\n").ok_or_else(broken)?;
        let mut lines = head.lines();
        let status = lines.next().and_then(|line| line.split(' ').nth(1)?.parse().ok()).ok_or_else(broken)?;
        let headers = lines.filter_map(|line| line.split_once(": "));
        Ok(Self {
            status,
            headers: headers.map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned())).collect(),
            body: body.to_owned(),
            json: serde_json::from_str(body).unwrap_or_default(),
        })
    }

    fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// `error.message`
    fn message(&self) -> &str {
        self.json["error"]["message"].as_str().unwrap_or_default()
    }
}

/// Somebody who asks.
#[derive(Debug, Clone)]
struct Client {
    address: SocketAddr,
    authorization: Option<String>,
}

impl Client {
    /// Somebody with a token that everybody accepts.
    fn new(sandbox: &Sandbox) -> Self {
        Self::with(sandbox, "Bearer token")
    }

    fn with(sandbox: &Sandbox, authorization: &str) -> Self {
        Self { address: sandbox.address(), authorization: Some(authorization.to_owned()) }
    }

    fn anonymous(sandbox: &Sandbox) -> Self {
        Self { address: sandbox.address(), authorization: None }
    }

    /// Sends bytes on a connection of their own and reads until it ends.
    async fn raw(&self, bytes: String) -> io::Result<Vec<u8>> {
        let address = self.address;
        let talk = move || {
            let mut stream = TcpStream::connect(address)?;
            stream.write_all(bytes.as_bytes())?;
            let mut answer = Vec::new();
            match stream.read_to_end(&mut answer) {
                Err(error) if answer.is_empty() => Err(error),
                _ => Ok(answer),
            }
        };
        tokio::task::spawn_blocking(talk).await.map_err(io::Error::other)?
    }

    /// Sends a request whose body says what it is.
    async fn send(&self, method: &str, path: &str, content_type: &str, body: &str) -> io::Result<Reply> {
        let authorization = self.authorization.as_ref().map(|value| format!("Authorization: {value}\r\n"));
        let content_type =
            if content_type.is_empty() { String::new() } else { format!("Content-Type: {content_type}\r\n") };
        let request = format!(
            "{method} {path} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n{}{content_type}Content-Length: {}\r\n\r\n{body}",
            self.address,
            authorization.unwrap_or_default(),
            body.len(),
        );
        Reply::read(&self.raw(request).await?)
    }

    async fn get(&self, path: &str) -> io::Result<Reply> {
        self.send("GET", &format!("/2.0/{path}"), "", "").await
    }

    async fn delete(&self, path: &str) -> io::Result<Reply> {
        self.send("DELETE", &format!("/2.0/{path}"), "", "").await
    }

    async fn post(&self, path: &str, body: Value) -> io::Result<Reply> {
        self.send("POST", &format!("/2.0/{path}"), "application/json", &body.to_string()).await
    }

    async fn put(&self, path: &str, body: Value) -> io::Result<Reply> {
        self.send("PUT", &format!("/2.0/{path}"), "application/json", &body.to_string()).await
    }

    async fn token(&self, form: &str) -> io::Result<Reply> {
        self.send("POST", "/site/oauth2/access_token", "application/x-www-form-urlencoded", form).await
    }
}

/// A sandbox with one project, `acme/PAY`, and a client.
async fn acme(options: Options) -> io::Result<(Sandbox, Client)> {
    let sandbox = Sandbox::start(options).await?;
    let client = Client::new(&sandbox);
    client.post("workspaces/acme/projects", serde_json::json!({"key": "PAY", "name": "Payments"})).await?;
    Ok((sandbox, client))
}

#[tokio::test]
async fn it_listens_on_loopback_only() -> Outcome {
    let refused = Sandbox::start(Options { listen: "0.0.0.0:0".parse()?, ..Options::default() }).await;
    assert!(refused.is_err_and(|error| error.to_string().contains("loopback")));
    Ok(())
}

#[tokio::test]
async fn people_can_look_at_it() -> Outcome {
    let (sandbox, client) = acme(Options { record: true, ..Options::default() }).await?;
    let greeting = client.send("GET", "/", "", "").await?;
    assert!(greeting.body.contains("in-memory Bitbucket") && greeting.status == 200);
    client.get("workspaces/acme").await?;
    let looked = client.send("GET", "/_sandbox/requests", "", "").await?.json;
    assert_eq!(looked["counters"]["requests"]["POST"], 1);
    assert_eq!(looked["exchanges"][1]["path"], "/2.0/workspaces/acme");
    let exchanges = sandbox.exchanges();
    assert_eq!(exchanges.len(), 2);
    assert_eq!(exchanges[0].method, "POST");
    assert_eq!(exchanges[0].status, 201);
    assert!(exchanges[0].request_headers.contains(&("authorization".to_owned(), "Bearer".to_owned())));
    assert!(exchanges[0].request_body.contains("Payments") && exchanges[0].response_body.contains("has_publicly"));
    Ok(())
}

#[tokio::test]
async fn a_state_is_found_again() -> Outcome {
    let path = std::env::temp_dir().join(format!("bbprov-sandbox-{}.json", std::process::id()));
    let options = Options { state: Some(path.clone()), ..Options::default() };
    let (sandbox, client) = acme(options.clone()).await?;
    let before = client.post("repositories/acme/ledger", serde_json::json!({})).await?.json;
    sandbox.shutdown().await?;
    assert!(client.get("repositories/acme/ledger").await.is_err(), "nobody listens any more");

    let sandbox = Sandbox::start(options).await?;
    let client = Client::new(&sandbox);
    let after = client.get("repositories/acme/ledger").await?.json;
    assert_eq!(after["uuid"], before["uuid"]);
    assert_eq!(after["project"]["key"], "PAY");
    assert_eq!(client.delete("workspaces/acme/projects/PAY").await?.status, 403, "its repositories are counted");
    let next = client.post("repositories/acme/other", serde_json::json!({})).await?.json;
    assert_ne!(next["uuid"], before["uuid"]);
    sandbox.shutdown().await?;
    std::fs::remove_file(path)?;
    Ok(())
}

#[tokio::test]
async fn answers_take_their_time() -> Outcome {
    let latency = std::time::Duration::from_millis(5);
    let sandbox = Sandbox::start(Options { latency, ..Options::default() }).await?;
    let client = Client::new(&sandbox);
    let start = std::time::Instant::now();
    client.get("workspaces/acme").await?;
    assert!(start.elapsed() >= latency);
    Ok(())
}
