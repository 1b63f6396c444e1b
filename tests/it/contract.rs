//! Holds recorded HTTP exchanges against Bitbucket's official document (Swagger 2.0).
//!
//! The document is read in place, through the environment variable `BITBUCKET_OPENAPI`, and never copied. It has holes:
//! each one is named, with its reason, in [`exceptions`]. Everything the table does not name is a violation: an unknown
//! path or method, a deprecated operation, an undocumented query parameter, an unknown field, a wrong type, a value
//! outside an enum, a status nobody documented.

mod exceptions;
mod routes;
mod sections;
mod shape;
mod tests;

use std::fmt;
use std::fs;
use std::path::Path;

use serde_json::{Value, json};

use exceptions::{Exceptions, Side};
use routes::{Operation, Routes};
use shape::Shape;

/// One request and its answer, as the sandbox recorded it.
#[derive(Debug, Clone, Copy)]
pub struct Exchange<'a> {
    /// The method, in capitals.
    pub method: &'a str,
    /// The path, percent-encoded; begins with `/2.0/`.
    pub path: &'a str,
    /// What followed the `?`, percent-encoded.
    pub query: Option<&'a str>,
    /// The request's body, empty when there was none.
    pub request_body: &'a str,
    /// The answer's status.
    pub status: u16,
    /// The answer's content type.
    pub content_type: Option<&'a str>,
    /// The answer's body, empty when there was none.
    pub response_body: &'a str,
}

/// One way in which an exchange breaks the contract.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    /// `PUT /2.0/…`
    pub request: String,
    /// `request body: project.key`
    pub place: String,
    /// What is wrong there.
    pub problem: String,
}

impl fmt::Display for Violation {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}: {}: {}", self.request, self.place, self.problem)
    }
}

/// A violation that does not know its request yet.
#[derive(Debug)]
struct Finding {
    place: String,
    problem: String,
}

impl Finding {
    fn new(place: impl Into<String>, problem: impl Into<String>) -> Self {
        Self { place: place.into(), problem: problem.into() }
    }
}

/// Bitbucket's document, parsed once, with the exceptions that have applied so far.
#[derive(Debug)]
pub struct Document {
    root: Value,
    routes: Routes,
    exceptions: Exceptions,
}

impl Document {
    /// Reads the document and makes sure that the checker understands all of it and that every exception points at
    /// something the document has.
    pub fn load(path: &Path) -> Result<Self, String> {
        let text = fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))?;
        let root: Value = serde_json::from_str(&text).map_err(|error| format!("{}: {error}", path.display()))?;
        if root["swagger"] != "2.0" {
            return Err(format!("{}: not a swagger 2.0 document", path.display()));
        }
        shape::understands(&root)?;
        let routes = Routes::new(&root)?;
        let exceptions = Exceptions::new(&root)?;
        Ok(Self { root, routes, exceptions })
    }

    /// Everything in which `exchange` breaks the contract; nothing when it keeps it.
    pub fn check(&self, exchange: &Exchange<'_>) -> Vec<Violation> {
        let request = format!("{} {}", exchange.method, exchange.path);
        self.findings(exchange)
            .into_iter()
            .map(|Finding { place, problem }| Violation { request: request.clone(), place, problem })
            .collect()
    }

    /// The exceptions that have not applied in this document's life so far.
    ///
    /// After all recordings of a test suite went through one document, what is left here is either stale or not yet
    /// exercised.
    pub fn unused_exceptions(&self) -> Vec<String> {
        self.exceptions.unused()
    }

    fn findings(&self, exchange: &Exchange<'_>) -> Vec<Finding> {
        let operation = match self.routes.find(&self.root, exchange.method, exchange.path) {
            Ok(operation) => operation,
            Err(finding) => return vec![finding],
        };
        let mut findings = Vec::new();
        if operation.deprecated() {
            findings.push(Finding::new("operation", "is deprecated in the document"));
        }
        let query = exchange.query.unwrap_or_default();
        findings.extend(routes::check_query(&operation, query, self.is_collection(&operation)));
        findings.extend(self.check_request_body(&operation, exchange.request_body));
        findings.extend(self.check_answer(&operation, exchange));
        findings
    }

    /// Whether the operation answers with a page of objects.
    fn is_collection(&self, operation: &Operation<'_>) -> bool {
        let schema = &operation.node["responses"]["200"]["schema"];
        let schema = schema["$ref"].as_str().and_then(|name| shape::resolve(&self.root, name)).unwrap_or(schema);
        operation.method == "GET" && schema["properties"]["values"].is_object()
    }

    fn check_request_body(&self, operation: &Operation<'_>, body: &str) -> Vec<Finding> {
        const PLACE: &str = "request body";
        let parameter = operation.parameters("body").next();
        let schema = parameter.map(|parameter| &parameter["schema"]);
        let schema = match (schema, body.is_empty()) {
            (Some(schema), _) => schema,
            (None, true) => return Vec::new(),
            (None, false) => match self.exceptions.body(&operation.name) {
                Some(schema) => schema,
                None => return vec![Finding::new(PLACE, "the document describes none for this operation")],
            },
        };
        if body.is_empty() {
            let required = parameter.is_some_and(|parameter| parameter["required"] == true);
            return if required { vec![Finding::new(PLACE, "is required")] } else { Vec::new() };
        }
        match serde_json::from_str(body) {
            Err(error) => vec![Finding::new(PLACE, format!("is not json: {error}"))],
            Ok(value) => {
                let mut findings = Shape::new(self, Side::Request, false, PLACE).check(schema, &value);
                findings.extend(exceptions::check_demands(&operation.name, &value));
                findings
            }
        }
    }

    fn check_answer(&self, operation: &Operation<'_>, exchange: &Exchange<'_>) -> Vec<Finding> {
        if (400..600).contains(&exchange.status) {
            return self.check_error(operation, exchange);
        }
        let responses = &operation.node["responses"];
        let documented = [exchange.status.to_string().as_str(), "default"].iter().find_map(|key| responses.get(key));
        let response = match documented {
            Some(response) => response,
            None if self.exceptions.status(&operation.name, exchange.status) => success(responses),
            None => {
                let problem =
                    format!("{} is not documented (documented: {})", exchange.status, listed(responses).join(", "));
                return vec![Finding::new("status", problem)];
            }
        };
        match response.get("schema") {
            Some(schema) => self.check_answer_body(operation, exchange, schema),
            // A download or a log has no schema, but the answer to a write without one is documented as empty.
            None if operation.method == "GET" && exchange.status != 204 => Vec::new(),
            None if exchange.response_body.is_empty() => Vec::new(),
            None => vec![Finding::new("answer", "has a body, but the document describes none")],
        }
    }

    fn check_error(&self, operation: &Operation<'_>, exchange: &Exchange<'_>) -> Vec<Finding> {
        // Bitbucket answers some errors without a body, and a gateway's 5xx is in nobody's hand.
        let silent = exchange.response_body.is_empty() || (exchange.status >= 500 && !is_json(exchange.content_type));
        if silent {
            return Vec::new();
        }
        self.check_answer_body(operation, exchange, &json!({"$ref": "#/definitions/error"}))
    }

    fn check_answer_body(&self, operation: &Operation<'_>, exchange: &Exchange<'_>, schema: &Value) -> Vec<Finding> {
        const PLACE: &str = "answer";
        if !is_json(exchange.content_type) {
            let content_type = exchange.content_type.unwrap_or_default();
            if self.exceptions.raw(&operation.name, exchange.status, content_type) {
                return Vec::new();
            }
            let problem = format!("is {content_type}, but the document wants json with status {}", exchange.status);
            return vec![Finding::new(PLACE, problem)];
        }
        if exchange.response_body.is_empty() {
            return vec![Finding::new(PLACE, "has no body, but the document describes one")];
        }
        let partial = routes::names(exchange.query.unwrap_or_default()).any(|name| name == "fields");
        match serde_json::from_str(exchange.response_body) {
            Err(error) => vec![Finding::new(PLACE, format!("is not json: {error}"))],
            Ok(value) => Shape::new(self, Side::Answer, partial, PLACE).check(schema, &value),
        }
    }
}

/// The first documented success, whose schema an undocumented success must fit as well.
fn success(responses: &Value) -> &Value {
    let codes = listed(responses);
    let first = codes.iter().find(|code| code.starts_with('2'));
    first.map_or(&Value::Null, |code| &responses[code.as_str()])
}

/// The statuses below 400 that the document names, for a message.
fn listed(responses: &Value) -> Vec<String> {
    let codes = responses.as_object().into_iter().flatten().map(|(code, _)| code);
    codes.filter(|code| code.as_str() < "400").cloned().collect()
}

/// An answer without a content type is taken for JSON, so that a recording cannot escape by leaving the header out.
fn is_json(content_type: Option<&str>) -> bool {
    content_type.is_none_or(|content_type| content_type.contains("json"))
}
