//! What governs repositories, projects and workspaces: every section of the sandbox walked through over HTTP, and each
//! request and answer of the walk held against the document.

mod branches;
mod people;
mod pipelines;
mod webhooks;

use std::io::{Read, Write};
use std::net::TcpStream;

use serde_json::{Value, json};

use super::{Document, Exchange};
use crate::support::Bitbucket;

const LEDGER: &str = "/repositories/acme/ledger";
const PAY: &str = "/workspaces/acme/projects/PAY";

/// Somebody who walks through a sandbox with `acme/ledger` in the project `PAY`, both private.
struct Walk(Bitbucket);

impl Walk {
    fn new() -> Self {
        let walk = Self(Bitbucket::new());
        walk.post("/workspaces/acme/projects", &json!({"key": "PAY", "name": "Payments"}), 201);
        walk.post(LEDGER, &json!({"scm": "git", "project": {"key": "PAY"}}), 200);
        walk
    }

    /// Sends what an API token may, and wants this status.
    #[track_caller]
    fn send(&self, method: &str, path: &str, body: Option<&Value>, status: u16) -> Value {
        let address = self.0.sandbox().address().to_string();
        let body = body.map(Value::to_string);
        let content_type = if body.is_some() { "Content-Type: application/json\r\n" } else { "" };
        let body = body.unwrap_or_default();
        // ada@example.com:token
        let request = format!(
            "{method} /2.0{path} HTTP/1.1\r\nHost: {address}\r\nAuthorization: Basic YWRhQGV4YW1wbGUuY29tOnRva2Vu\r\n\
             Connection: close\r\n{content_type}Content-Length: {}\r\n\r\n{body}",
            body.len()
        );
        let mut stream = TcpStream::connect(address).unwrap();
        stream.write_all(request.as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        assert_eq!(answer[9..12], status.to_string(), "{method} {path} {body}: {answer}");
        let (_, body) = answer.split_once("\r\n\r\n").unwrap();
        serde_json::from_str(body).unwrap_or_default()
    }

    #[track_caller]
    fn get(&self, path: &str) -> Value {
        self.send("GET", path, None, 200)
    }

    #[track_caller]
    fn post(&self, path: &str, body: &Value, status: u16) -> Value {
        self.send("POST", path, Some(body), status)
    }

    #[track_caller]
    fn put(&self, path: &str, body: &Value, status: u16) -> Value {
        self.send("PUT", path, Some(body), status)
    }

    #[track_caller]
    fn delete(&self, path: &str) {
        self.send("DELETE", path, None, 204);
    }

    /// The UUID of one of the sandbox's own people.
    fn person(&self, email: &str) -> String {
        let members = self.get("/workspaces/acme/members");
        let users = members["values"].as_array().unwrap().iter().map(|member| &member["user"]);
        let uuid = users.into_iter().find(|user| user["display_name"] == email).map(|user| &user["uuid"]);
        uuid.and_then(Value::as_str).unwrap().to_owned()
    }

    /// Everything so far keeps the contract, but for pushes, which the document does not describe.
    #[track_caller]
    fn keeps_the_contract(self) {
        let Some(path) = std::env::var_os("BITBUCKET_OPENAPI") else { return };
        let document = Document::load(path.as_ref()).unwrap();
        let mut violations = Vec::new();
        for exchange in self.0.sandbox().exchanges().iter().filter(|exchange| !exchange.path.ends_with("/src")) {
            violations.extend(document.check(&Exchange {
                method: &exchange.method,
                path: &exchange.path,
                query: exchange.query.as_deref(),
                request_body: &exchange.request_body,
                status: exchange.status,
                content_type: exchange.content_type.as_deref(),
                response_body: &exchange.response_body,
            }));
        }
        let violations: Vec<_> = violations.iter().map(ToString::to_string).collect();
        assert!(violations.is_empty(), "{violations:#?}");
    }
}

/// A UUID as a path has it.
fn encode(uuid: &Value) -> String {
    uuid.as_str().unwrap().replace('{', "%7B").replace('}', "%7D")
}
