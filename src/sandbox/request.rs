//! A request after its body has arrived, and the encodings it is written in (api.md §2.2, §2.6).

use std::fmt::Write;

use hyper::body::Bytes;
use hyper::header::{CONTENT_LENGTH, CONTENT_TYPE, HOST, TRANSFER_ENCODING};
use hyper::{HeaderMap, Method, StatusCode, http};
use serde_json::{Map, Value};

use super::answer::{Answer, Refusal};

/// A request as the rest of the sandbox sees it.
#[derive(Debug)]
pub(super) struct Request {
    pub(super) method: Method,
    /// As sent, percent-encoded.
    pub(super) path: String,
    pub(super) query: Option<String>,
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
    /// Scheme and authority under which the client reached us, for links.
    pub(super) origin: String,
    parameters: Vec<(String, String)>,
}

impl Request {
    /// Joins head and body. `local` stands in for a missing `Host`.
    pub(super) fn new(head: http::request::Parts, body: Bytes, local: &str) -> Self {
        let host = head.headers.get(HOST).and_then(|host| host.to_str().ok()).unwrap_or(local);
        let query = head.uri.query().map(str::to_owned);
        Self {
            origin: format!("http://{host}"),
            path: head.uri.path().to_owned(),
            parameters: query.as_deref().map(form).unwrap_or_default(),
            query,
            method: head.method,
            headers: head.headers,
            body,
        }
    }

    /// The API's root, for links to resources.
    pub(super) fn api(&self) -> String {
        format!("{}/2.0", self.origin)
    }

    /// The first query parameter of this name.
    pub(super) fn parameter(&self, name: &str) -> Option<&str> {
        self.parameters.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    pub(super) fn parameters(&self) -> &[(String, String)] {
        &self.parameters
    }

    pub(super) fn header(&self, name: &http::HeaderName) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }

    /// The media type of the body, lower case and without its parameters.
    fn media_type(&self) -> String {
        let content_type = self.header(&CONTENT_TYPE).unwrap_or_default();
        content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase()
    }

    /// Whether a write came without saying how long it is, which Bitbucket answers with 411.
    pub(super) fn lacks_length(&self) -> bool {
        matches!(self.method, Method::POST | Method::PUT)
            && !self.headers.contains_key(CONTENT_LENGTH)
            && !self.headers.contains_key(TRANSFER_ENCODING)
    }

    /// The body as an object: JSON, or a flat form. No body at all is an empty object, but an empty body that claims
    /// to be JSON is not.
    pub(super) fn object(&self) -> Result<Map<String, Value>, Refusal> {
        let media_type = self.media_type();
        if self.body.is_empty() && media_type != "application/json" {
            return Ok(Map::new());
        }
        if media_type == "application/x-www-form-urlencoded" {
            let text = String::from_utf8_lossy(&self.body);
            return Ok(form(&text).into_iter().map(|(key, value)| (key, form_value(value))).collect());
        }
        match serde_json::from_slice(&self.body) {
            Ok(Value::Object(object)) => Ok(object),
            Ok(_) => Err(Refusal::from(Answer::bad_request("the body must be a JSON object"))),
            Err(error) => Err(Refusal::from(Answer::bad_request(&format!("the body is not JSON: {error}")))),
        }
    }

    /// One field of a form, plain or multipart.
    pub(super) fn form_field(&self, name: &str) -> Option<String> {
        if self.media_type() == "multipart/form-data" {
            let boundary = self.header(&CONTENT_TYPE)?.split(';').find_map(|part| {
                let (key, value) = part.trim().split_once('=')?;
                key.eq_ignore_ascii_case("boundary").then(|| value.trim_matches('"').to_owned())
            })?;
            return multipart_field(&String::from_utf8_lossy(&self.body), &boundary, name);
        }
        self.form().into_iter().find(|(key, _)| key == name).map(|(_, value)| value)
    }

    /// The body as a plain form.
    pub(super) fn form(&self) -> Vec<(String, String)> {
        form(&String::from_utf8_lossy(&self.body))
    }

    /// The path's segments after `/2.0`, decoded; one slash at the end is accepted.
    ///
    /// Raw braces are refused: UUIDs have to be written with `%7B` and `%7D`.
    pub(super) fn segments(&self) -> Result<Vec<String>, Refusal> {
        let path = self.path.strip_prefix("/2.0/").unwrap_or_default();
        let path = path.strip_suffix('/').unwrap_or(path);
        if path.contains(['{', '}']) {
            return Err(Refusal::from(Answer::error(StatusCode::BAD_REQUEST, "Bad request")));
        }
        path.split('/')
            .map(|segment| percent_decode(segment, false))
            .collect::<Option<_>>()
            .ok_or_else(|| Refusal::from(Answer::error(StatusCode::BAD_REQUEST, "Bad request")))
    }
}

/// What a form's text means in a flat object.
fn form_value(text: String) -> Value {
    match text.as_str() {
        "true" => Value::Bool(true),
        "false" => Value::Bool(false),
        _ => Value::String(text),
    }
}

/// The pairs of a form or a query. What cannot be decoded stands as it was sent.
pub(super) fn form(text: &str) -> Vec<(String, String)> {
    let decode = |part: &str| percent_decode(part, true).unwrap_or_else(|| part.to_owned());
    text.split('&')
        .filter(|pair| !pair.is_empty())
        .map(|pair| {
            let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
            (decode(key), decode(value))
        })
        .collect()
}

/// Decodes `%XX`, and `+` as a space in forms and queries. `None` for what is not UTF-8 or not two digits.
pub(super) fn percent_decode(text: &str, plus_is_space: bool) -> Option<String> {
    let mut decoded = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        decoded.push(match byte {
            b'%' => {
                let high = char::from(rest.next()?).to_digit(16)?;
                let low = char::from(rest.next()?).to_digit(16)?;
                u8::try_from(high * 16 + low).ok()?
            }
            b'+' if plus_is_space => b' ',
            other => other,
        });
    }
    String::from_utf8(decoded).ok()
}

/// Encodes everything but RFC 3986's unreserved characters.
pub(super) fn percent_encode(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~') {
            encoded.push(char::from(byte));
        } else {
            // Writing to a string cannot fail.
            let _ = write!(encoded, "%{byte:02X}");
        }
    }
    encoded
}

/// A plain field of a multipart form; parts with a file name are files and never fields.
fn multipart_field(body: &str, boundary: &str, name: &str) -> Option<String> {
    let delimiter = format!("--{boundary}");
    let wanted = format!("name=\"{name}\"");
    body.split(delimiter.as_str()).find_map(|part| {
        let (head, content) = part.split_once("\r\n\r\n")?;
        let disposition = head.lines().find(|line| line.to_ascii_lowercase().starts_with("content-disposition:"))?;
        let mut parameters = disposition.split(';').map(str::trim);
        let is_field = parameters.clone().any(|parameter| parameter == wanted);
        let is_file = parameters.any(|parameter| parameter.starts_with("filename"));
        (is_field && !is_file).then(|| content.strip_suffix("\r\n").unwrap_or(content).to_owned())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forms_are_decoded() {
        assert_eq!(
            form("a=1+2&b=%7Bx%7D&c&d=%zz"),
            [("a", "1 2"), ("b", "{x}"), ("c", ""), ("d", "%zz")].map(|(k, v)| (k.to_owned(), v.to_owned())),
        );
        assert_eq!(percent_decode("a+b", false).as_deref(), Some("a+b"));
        assert_eq!(percent_decode("%FF", false), None);
        assert_eq!(percent_decode("%4", false), None);
        assert_eq!(percent_encode("a b{é}"), "a%20b%7B%C3%A9%7D");
    }

    #[test]
    fn multipart_fields_are_found_and_files_are_not() {
        let body = "--b\r\nContent-Disposition: form-data; name=\"branch\"; filename=\"branch\"\r\n\r\nfile\r\n--b\r\n\
                    Content-Disposition: form-data; name=\"branch\"\r\n\r\ndevelop\r\n--b--\r\n";
        assert_eq!(multipart_field(body, "b", "branch").as_deref(), Some("develop"));
        assert_eq!(multipart_field(body, "b", "message"), None);
    }
}
