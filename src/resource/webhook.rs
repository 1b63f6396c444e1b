//! Webhooks of repositories and of workspaces (api.md §5.6).

use std::borrow::Cow;
use std::net::IpAddr;

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde_json::Value;

use super::project::quoted;
use super::secret::Secret;
use super::{
    Absent, Action, Field, Fields, Finding, Form, Kind, KindRef, Method, Parent, Place, Request, Scopes, Set, Shape,
    hook_event,
};
use crate::diagnostic::Code;

/// The kind of [`WebhookSettings`].
pub struct Webhook {
    parent: Option<KindRef>,
}

/// Webhooks of a repository.
pub static OF_REPOSITORY: Webhook = Webhook { parent: Some(KindRef::REPOSITORY) };

/// Webhooks of a workspace: they hear of all its repositories.
pub static OF_WORKSPACE: Webhook = Webhook { parent: None };

/// A webhook: Bitbucket sends a request to its URL when something happens.
#[derive(Debug, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct WebhookSettings {
    /// Where the requests go. It tells one webhook from another.
    #[schemars(length(min = 1))]
    pub url: String,
    /// What it is for.
    pub description: Option<String>,
    /// What it hears of, such as `repo:push` and `pullrequest:created`.
    pub events: Option<Vec<String>>,
    /// Whether requests are sent.
    pub active: Option<bool>,
    /// Where the key comes from that requests are signed with. It has at most 128 characters.
    pub secret: Option<Secret>,
}

const FIELDS: &[Field] = &[
    Field::plain("url", &["url"], Absent::Text),
    Field::plain("description", &["description"], Absent::Text),
    Field { form: Form::Set, ..Field::plain("events", &["events"], Absent::Null) },
    Field::plain("active", &["active"], Absent::False),
    Field { set: Set::Blindly, ..Field::plain("secret", &["secret"], Absent::Null) },
];

impl Kind for Webhook {
    fn name(&self) -> &'static str {
        "webhook"
    }

    fn section(&self) -> &'static str {
        "webhooks"
    }

    fn parent(&self) -> Option<KindRef> {
        self.parent
    }

    fn shape(&self) -> Shape {
        Shape::List
    }

    fn identity(&self) -> &'static str {
        "url"
    }

    fn settings(&self, generator: &mut SchemaGenerator) -> Schema {
        WebhookSettings::json_schema(generator)
    }

    fn summary(&self) -> &'static str {
        "The webhooks. Others stay as they are."
    }

    fn fields(&self) -> &'static [Field] {
        FIELDS
    }

    /// A URL that leads to a public address, and events that exist (api.md §5.6).
    fn check(&self, _id: &str, fields: &Fields) -> Vec<Finding> {
        let mut findings: Vec<_> = check_url(fields.text("url").unwrap_or_default()).into_iter().collect();
        let events = fields.get("events").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
        if events.is_empty() {
            findings.push(
                Finding::error(Code::WebhookEvents, "events", "a webhook hears of at least one event")
                    .help("write `events: [\"repo:push\"]`"),
            );
        }
        let events = events.iter().filter_map(Value::as_str);
        findings.extend(events.filter_map(|event| hook_event::check("events", event, self.parent.is_none())));
        findings
    }

    fn describe(&self, fields: &Fields) -> String {
        let events = fields.get("events").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
        events.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(", ")
    }

    fn list(&self, parent: Parent<'_>) -> String {
        parent.path(&["hooks"])
    }

    fn identify<'a>(&self, answer: &'a Value) -> Option<Cow<'a, str>> {
        answer.get("url")?.as_str().map(Cow::Borrowed)
    }

    fn create(&self, place: Place<'_>, fields: &Fields) -> Request {
        let mut body = fields.to_body(FIELDS);
        body.entry("description").or_insert_with(|| fields.text("url").unwrap_or_default().into());
        body.entry("active").or_insert(true.into());
        Request { method: Method::Post, path: place.parent.path(&["hooks"]), body: Some(Value::Object(body)) }
    }

    fn holds_secret(&self, field: &Field, answer: &Value) -> bool {
        field.name == "secret" && answer.get("secret_set") == Some(&Value::Bool(true))
    }

    /// It is sent, and described by its URL.
    fn goes_without_saying(&self, id: &str, field: &Field, fields: &Fields) -> bool {
        match field.name {
            "active" => fields.flag("active") == Some(true),
            "description" => fields.text("description").is_none_or(|text| text.is_empty() || text == id),
            _ => fields.get(field.name).is_none_or(|value| *value == field.absent.value()),
        }
    }

    fn lacks_secret(&self, answer: &Value) -> bool {
        answer.get("secret_set") == Some(&Value::Bool(false))
    }

    /// Everything is sent that the manifest says: of what a PUT leaves out, only the secret is known to stay.
    fn update(&self, place: Place<'_>, changed: &Fields, whole: &Fields) -> Request {
        let mut body = whole.to_body(FIELDS);
        if changed.get("secret").is_none() {
            body.remove("secret");
        }
        let body = Some(Value::Object(body));
        Request { method: Method::Put, path: place.parent.path(&["hooks", place.id]), body }
    }

    fn delete(&self, place: Place<'_>) -> Request {
        Request { method: Method::Delete, path: place.parent.path(&["hooks", place.id]), body: None }
    }

    fn scopes(&self, action: Action) -> Scopes {
        let deletes = action == Action::Delete;
        let api_token = if deletes { "delete:webhook:bitbucket" } else { "write:webhook:bitbucket" };
        Scopes { classic: "webhook", api_token }
    }
}

/// What is wrong with a URL. Whether it resolves cannot be known here, but what leads to this machine or into an inner
/// network is written in some.
fn check_url(url: &str) -> Option<Finding> {
    let none = |why| Some(Finding::error(Code::WebhookUrl, "url", "a webhook needs a URL").label(why));
    let Some(rest) = url.strip_prefix("https://").or_else(|| url.strip_prefix("http://")) else {
        return none("neither http:// nor https://");
    };
    if url.contains(|c: char| c.is_whitespace() || c.is_control()) {
        return none("a space; in a URL it is written %20");
    }
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let host = authority.rsplit('@').next().unwrap_or_default();
    let (host, port) = match host.strip_prefix('[').and_then(|host| host.split_once(']')) {
        Some((host, port)) => (host, port.strip_prefix(':')),
        None => host.split_once(':').map_or((host, None), |(host, port)| (host, Some(port))),
    };
    if host.is_empty() || port.is_some_and(|port| port.parse::<u16>().is_err()) {
        return none(if host.is_empty() { "it names no host" } else { "what follows the host is no port" });
    }
    (!is_public(host)).then(|| {
        Finding::error(Code::WebhookHost, "url", format!("Bitbucket cannot reach {}", quoted(host)))
            .label("neither an address nor a name of the public internet")
            .help("webhooks are sent from Bitbucket's own machines: name one that they can reach")
    })
}

fn is_public(host: &str) -> bool {
    match host.parse() {
        Ok(IpAddr::V4(ip)) => {
            !(ip.is_loopback() || ip.is_private() || ip.is_link_local() || ip.is_unspecified() || ip.is_broadcast())
        }
        Ok(IpAddr::V6(ip)) => {
            !(ip.is_loopback() || ip.is_unique_local() || ip.is_unicast_link_local() || ip.is_unspecified())
        }
        Err(_) => {
            let host = host.trim_end_matches('.').to_ascii_lowercase();
            // Names that are reserved for what is near (RFC 6761, RFC 6762, and ICANN's `internal`).
            let is_near = ["localhost", "local", "internal"].contains(&host.rsplit('.').next().unwrap_or_default());
            host.contains('.') && !is_near
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn webhooks_lead_out() {
        for good in [
            "https://example.com",
            "https://user:word@ci.example.com:8443/a?b=c#d",
            "http://8.8.8.8:8080/",
            "https://[2606:4700::1111]:443/",
            "https://example.com?x=http://localhost",
        ] {
            assert_eq!(check_url(good), None, "{good}");
        }
        for bad in [
            "http://localhost:8080/",
            "https://10.0.0.1",
            "https://192.168.1.1/x",
            "https://[::1]/",
            "https://[fd00::1]:80",
            "http://jenkins:8080/hook",
            "https://ci.internal/",
            "https://printer.local.",
            "https://user@LOCALHOST/",
        ] {
            assert_eq!(check_url(bad).map(|finding| finding.code), Some(Code::WebhookHost), "{bad}");
        }
        for bad in
            ["", "example.com", "ftp://example.com", "https://", "https://:80/", "https://a.b:x/", "https://a.b/ c"]
        {
            assert_eq!(check_url(bad).map(|finding| finding.code), Some(Code::WebhookUrl), "{bad}");
        }
    }
}
