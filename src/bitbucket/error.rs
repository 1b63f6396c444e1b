//! What can go wrong between us and Bitbucket, in words that name the request and say what to do.

use std::fmt;

use serde_json::Value;

use crate::output::printable;
use crate::resource::Method;

/// A request by its method and path, for messages. Never with its headers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// The method.
    pub method: &'static str,
    /// The URL's path and query.
    pub target: String,
}

impl Line {
    /// Names a request.
    #[must_use]
    pub fn new(method: Method, target: &str) -> Self {
        Self { method: method.as_str(), target: target.to_owned() }
    }
}

impl fmt::Display for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // A list's `fields` are long and of no interest to whoever reads about its failure.
        let target = self.target.split("&fields=").next().unwrap_or_default();
        write!(f, "{} {target}", self.method)
    }
}

/// A failed conversation with Bitbucket.
#[derive(Debug, Clone, thiserror::Error)]
pub enum Error {
    /// Bitbucket answered, and the answer is no.
    #[error("{0}")]
    Refused(Box<Refusal>),
    /// No credential, one that cannot work, or one that was refused.
    #[error("{0}")]
    Credential(String),
    /// No answer came, after every attempt that the rules allow.
    #[error("{line} got no answer: {why}")]
    NoAnswer {
        /// The request.
        line: Line,
        /// What happened instead.
        why: String,
        /// Whether the request may have been carried out: it was sent, and is not one that may be repeated.
        unclear: bool,
    },
    /// An answer came that is not what the API gives.
    #[error("{line} got an answer that cannot be used: {why}")]
    Unusable {
        /// The request.
        line: Line,
        /// What is wrong with it.
        why: String,
    },
    /// No token could be fetched, for reasons that say nothing against the credential.
    #[error("no token could be fetched: {0}")]
    NoToken(String),
    /// A limit that somebody set was reached: nothing more is sent.
    #[error("{}: {why}", if *.tried { "it was tried, and could not be tried again" } else { "not tried" })]
    Stopped {
        /// The limit.
        why: String,
        /// Whether this request was sent before, without an answer that could be taken.
        tried: bool,
    },
    /// Something about the configuration makes it impossible to send anything.
    #[error("{0}")]
    Setup(String),
}

impl Error {
    /// Whether a request that changes something may have been carried out although it failed.
    #[must_use]
    pub fn is_unclear(&self) -> bool {
        match self {
            Self::NoAnswer { unclear, .. } => *unclear,
            Self::Unusable { line, .. } => line.method == "POST",
            Self::Refused(refusal) => refusal.line.method == "POST" && refusal.status >= 500,
            _ => false,
        }
    }

    /// Whether nothing more can be done with the same credential for now, which says nothing about another one.
    #[must_use]
    pub fn ends_its_credential(&self) -> bool {
        matches!(self, Self::Credential(_) | Self::NoToken(_) | Self::Stopped { .. })
    }

    /// The same, of a request that was sent before and whose answer was lost: a refusal of the credential says nothing of that.
    pub(super) fn after_lost_answer(self) -> Self {
        let add = |why| format!("{why}; whether it was done by an earlier try is not known");
        match self {
            Self::Credential(why) => Self::Credential(add(why)),
            Self::NoToken(why) => Self::NoToken(add(why)),
            // Whoever waited for a new token was stopped there, and had sent something before.
            Self::Stopped { why, .. } => Self::Stopped { why, tried: true },
            other => other,
        }
    }

    /// The answer, if there was one.
    #[must_use]
    pub fn refusal(&self) -> Option<&Refusal> {
        match self {
            Self::Refused(refusal) => Some(refusal),
            _ => None,
        }
    }
}

/// An answer that says no, with everything it says (api.md §2.1).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// The request.
    pub line: Line,
    /// The status.
    pub status: u16,
    /// Bitbucket's own words.
    pub message: String,
    /// What it says of single fields.
    pub fields: Vec<(String, String)>,
    /// The scopes it wants and the credential does not have.
    pub missing_scopes: Vec<String>,
    /// Further words: detail, arguments, where a removal was announced, the error's id.
    pub more: Vec<String>,
}

impl Refusal {
    /// Reads an answer as loosely as Bitbucket writes them: JSON in several shapes, plain text, HTML, or nothing.
    #[must_use]
    pub fn read(line: Line, status: u16, content_type: &str, body: &[u8]) -> Self {
        let mut refusal = Self {
            line,
            status,
            message: String::new(),
            fields: Vec::new(),
            missing_scopes: Vec::new(),
            more: Vec::new(),
        };
        let json: Option<Value> = serde_json::from_slice(body).ok();
        match json.as_ref().and_then(|body| body.get("error")) {
            Some(error) => refusal.read_error(error),
            None if content_type.contains("html") => refusal.message.push_str("an HTML page"),
            None => refusal.message = excerpt(body, 200),
        }
        refusal
    }

    fn read_error(&mut self, error: &Value) {
        self.message = match error {
            Value::String(text) => one_line(text),
            error => one_line(error.get("message").and_then(Value::as_str).unwrap_or_default()),
        };
        for (field, words) in error.get("fields").and_then(Value::as_object).into_iter().flatten() {
            self.fields.push((one_line(field), words_of(words)));
        }
        match error.get("detail") {
            Some(detail) if detail.get("required").is_some() => {
                let list = |key: &str| -> Vec<String> {
                    let list = detail.get(key).and_then(Value::as_array).into_iter().flatten();
                    list.filter_map(|scope| scope.as_str().map(one_line)).collect()
                };
                let granted = list("granted");
                self.missing_scopes = list("required").into_iter().filter(|scope| !granted.contains(scope)).collect();
            }
            Some(detail) if !detail.is_null() => self.more.push(words_of(detail)),
            _ => {}
        }
        for key in ["arguments", "announcement_url"] {
            match error.get("data").and_then(|data| data.get(key)) {
                None | Some(Value::Null) => {}
                Some(words) => self.more.push(words_of(words)),
            }
        }
        if let Some(id) = error.get("id").and_then(Value::as_str) {
            self.more.push(format!("error id {}", one_line(id)));
        }
        self.more.retain(|words| !words.is_empty());
    }

    /// Bitbucket's words and all it adds to them, on one line.
    #[must_use]
    pub fn words(&self) -> String {
        let mut words = if self.message.is_empty() { "no words".to_owned() } else { self.message.clone() };
        for (field, text) in &self.fields {
            let text = if field == "__all__" { text.clone() } else { format!("{field}: {text}") };
            words = format!("{words}; {text}");
        }
        for text in &self.more {
            words = format!("{words}; {text}");
        }
        if !self.missing_scopes.is_empty() {
            words = format!("{words}; the credential lacks {}", self.missing_scopes.join(", "));
        }
        // Grants are refused to OAuth consumers and access tokens, whatever their scopes (api.md §1.1, §5.1).
        if self.status == 403 && self.message.contains("authentication mechanism") {
            words.push_str("; an API token may: set BITBUCKET_EMAIL and BITBUCKET_API_TOKEN");
        }
        if self.status == 400 && self.message.contains("linked to this workspace") {
            words.push_str(
                "; nobody can change what an owner of the workspace may: leave the account out of the manifest, or list it \
                 with what it has",
            );
        }
        words
    }

    /// Whether the credential is refused for what it is, so that it is refused wherever it asks for the same: it lacks a
    /// scope, or is of a kind that may not (api.md §1.1).
    #[must_use]
    pub fn is_about_the_credential(&self) -> bool {
        let of_a_kind = ["authentication mechanism", "authentication using the provided token"];
        let says = |words: &&str| self.message.contains(words);
        self.status == 403 && (!self.missing_scopes.is_empty() || of_a_kind.iter().any(says))
    }

    /// Whether this says that an object of that name is there already. By field and status, since the words may be
    /// translated (api.md §2.1); a repository's says it of `name` (§3.2), a project's of `__all__` (§4).
    #[must_use]
    pub fn says_exists(&self) -> bool {
        let exists = |text: &str| text.contains("already");
        self.status == 409
            || self.status == 400 && self.fields.iter().any(|(field, text)| field == "name" && exists(text))
            || self.status == 400 && self.fields.iter().any(|(field, text)| field == "__all__" && exists(text))
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} was answered {}: {}", self.line, self.status, self.words())
    }
}

/// Words out of text, a list of texts, or anything else.
fn words_of(value: &Value) -> String {
    match value {
        Value::String(text) => one_line(text),
        Value::Array(items) => items.iter().map(words_of).collect::<Vec<_>>().join(" "),
        Value::Object(map) => map
            .iter()
            .map(|(key, value)| format!("{} {}", one_line(key), words_of(value)))
            .collect::<Vec<_>>()
            .join(", "),
        other => other.to_string(),
    }
}

/// The beginning of a body, on one line.
pub(super) fn excerpt(body: &[u8], most: usize) -> String {
    let text = String::from_utf8_lossy(&body[..body.len().min(most * 4)]);
    let text = one_line(&text);
    if text.chars().count() > most { format!("{}…", text.chars().take(most).collect::<String>()) } else { text }
}

/// Somebody else's words on one line, without anything that moves a cursor or turns the text around.
pub(super) fn one_line(text: &str) -> String {
    /// More than this is no message.
    const LONGEST: usize = 1_000;
    let mut line = String::new();
    for word in text.split_whitespace() {
        if line.len() + word.len() > LONGEST {
            line.extend(word.chars().take(LONGEST.saturating_sub(line.len())).chain(['…']));
            break;
        }
        line.extend([if line.is_empty() { "" } else { " " }, word]);
    }
    printable(&line)
}

/// A body in which no secret stands: a server, or something on the way to it, may repeat what it was sent.
pub(super) fn without<'a>(secrets: impl IntoIterator<Item = &'a str>, body: Vec<u8>) -> Vec<u8> {
    /// Anything shorter is no token, and would be found in ordinary words.
    const SHORTEST: usize = 8;
    let mut body = body;
    for secret in secrets.into_iter().filter(|secret| secret.len() >= SHORTEST) {
        if body.windows(secret.len()).any(|window| window == secret.as_bytes()) {
            body = String::from_utf8_lossy(&body).replace(secret, "(hidden)").into_bytes();
        }
    }
    body
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(status: u16, content_type: &str, body: &str) -> Refusal {
        Refusal::read(Line::new(Method::Post, "/2.0/x"), status, content_type, body.as_bytes())
    }

    #[test]
    fn every_shape_of_refusal_is_told_whole() {
        let json = "application/json";
        let cases = [
            (
                json,
                r#"{"error":{"message":"Bad request","fields":{"__all__":["Project exists already."]}}}"#,
                "Bad request; Project exists already.",
            ),
            (
                json,
                r#"{"error":{"message":"Bad","fields":{"links.avatar":"required key not provided"}}}"#,
                "Bad; links.avatar: required key not provided",
            ),
            (
                json,
                r#"{"error":{"message":"Lack","detail":{"required":["a","b"],"granted":["b"]}}}"#,
                "Lack; the credential lacks a",
            ),
            (
                json,
                r#"{"error":{"message":"Known host","data":{"arguments":{"key":"configured by Bitbucket"}},"id":"7"}}"#,
                "Known host; key configured by Bitbucket; error id 7",
            ),
            (json, r#"{"error":{"message":"Gone","data":{"announcement_url":"https://x"}}}"#, "Gone; https://x"),
            (
                "text/plain",
                "Rate limit for this resource has been exceeded",
                "Rate limit for this resource has been exceeded",
            ),
            ("text/html", "<html><body>502</body></html>", "an HTML page"),
            (json, "", "no words"),
        ];
        for (content_type, body, words) in cases {
            assert_eq!(read(400, content_type, body).words(), words, "{body}");
        }
    }

    #[test]
    fn existence_is_told_by_status_and_field() {
        let repository =
            r#"{"error":{"fields":{"name":["You already have a repository with this name."]},"message":"x"}}"#;
        let project = r#"{"error":{"message":"Bad request","fields":{"__all__":["Project with this Owner and Key already exists."]}}}"#;
        assert!(read(400, "application/json", repository).says_exists());
        assert!(read(400, "application/json", project).says_exists());
        assert!(
            !read(400, "application/json", r#"{"error":{"message":"x","fields":{"name":["too long"]}}}"#).says_exists()
        );
    }
}
