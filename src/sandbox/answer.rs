//! What the sandbox says: answers and the bodies of its errors (api.md §2.1, §3.2, §4, §8).

use http_body_util::Full;
use hyper::body::{Body, Bytes, Frame, SizeHint};
use hyper::header::{ALLOW, CONTENT_LENGTH, CONTENT_TYPE, HeaderName, HeaderValue, LOCATION, RETRY_AFTER};
use hyper::{Response, StatusCode};
use serde_json::{Map, Value, json};
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

/// The 46 bytes that come with every 429 (api.md §6).
const RATE_LIMITED: &str = "Rate limit for this resource has been exceeded";

/// The page of a gateway whose Bitbucket does not answer.
const BAD_GATEWAY: &str = "<html>\r\n<head><title>502 Bad Gateway</title></head>\r\n<body>\r\n<center><h1>502 Bad \
                           Gateway</h1></center>\r\n</body>\r\n</html>\r\n";

/// Where Bitbucket announces what it takes away.
const ANNOUNCEMENT: &str = "https://developer.atlassian.com/cloud/bitbucket/changelog#CHANGE-2770";

/// An answer before it is sent.
#[derive(Debug, Clone)]
pub(super) struct Answer {
    pub(super) status: StatusCode,
    pub(super) headers: Vec<(HeaderName, HeaderValue)>,
    pub(super) content_type: Option<&'static str>,
    pub(super) body: Content,
}

/// The body of an answer: JSON stays a value until `fields=` has been applied.
#[derive(Debug, Clone)]
pub(super) enum Content {
    Nothing,
    Text(String),
    Json(Value),
}

/// What a step answers when it cannot go on; small, as it is the rare half of many results.
#[derive(Debug)]
pub(super) struct Refusal(pub(super) Box<Answer>);

impl From<Answer> for Refusal {
    fn from(answer: Answer) -> Self {
        Self(Box::new(answer))
    }
}

impl From<Refusal> for Answer {
    fn from(refusal: Refusal) -> Self {
        *refusal.0
    }
}

impl Answer {
    pub(super) fn json(status: StatusCode, body: Value) -> Self {
        Self { status, headers: Vec::new(), content_type: Some("application/json"), body: Content::Json(body) }
    }

    pub(super) fn ok(body: Value) -> Self {
        Self::json(StatusCode::OK, body)
    }

    pub(super) fn empty(status: StatusCode) -> Self {
        Self { status, headers: Vec::new(), content_type: None, body: Content::Nothing }
    }

    pub(super) fn text(status: StatusCode, content_type: &'static str, body: impl Into<String>) -> Self {
        Self { content_type: Some(content_type), body: Content::Text(body.into()), ..Self::empty(status) }
    }

    /// Adds a header; a value that cannot stand in one is left out.
    pub(super) fn with(mut self, name: HeaderName, value: &str) -> Self {
        if let Ok(value) = HeaderValue::from_str(value) {
            self.headers.push((name, value));
        }
        self
    }

    pub(super) fn with_location(self, location: &str) -> Self {
        self.with(LOCATION, location)
    }

    /// The error object of api.md §2.1 around its inside.
    fn error_object(status: StatusCode, error: Value) -> Self {
        let mut object = Map::new();
        object.insert("type".to_owned(), "error".into());
        object.insert("error".to_owned(), error);
        Self::json(status, Value::Object(object))
    }

    pub(super) fn error(status: StatusCode, message: &str) -> Self {
        Self::error_object(status, json!({ "message": message }))
    }

    pub(super) fn error_with_detail(status: StatusCode, message: &str, detail: &Value) -> Self {
        Self::error_object(status, json!({ "message": message, "detail": detail }))
    }

    /// 400 with the fields that are wrong.
    pub(super) fn invalid(message: &str, fields: Map<String, Value>) -> Self {
        Self::error_object(StatusCode::BAD_REQUEST, json!({ "message": message, "fields": Value::Object(fields) }))
    }

    pub(super) fn bad_request(detail: &str) -> Self {
        Self::error_with_detail(StatusCode::BAD_REQUEST, "Bad request", &detail.into())
    }

    /// 400 with one field that is wrong.
    pub(super) fn invalid_field(field: &str, problem: &str) -> Self {
        let mut fields = Map::new();
        fields.insert(field.to_owned(), json!([problem]));
        Self::invalid("Bad request", fields)
    }

    pub(super) fn no_workspace(identifier: &str) -> Self {
        Self::error(StatusCode::NOT_FOUND, &format!("No workspace with identifier '{identifier}'."))
    }

    pub(super) fn no_repository() -> Self {
        Self::error(StatusCode::NOT_FOUND, &missing("repository"))
    }

    pub(super) fn no_project() -> Self {
        Self::error(StatusCode::NOT_FOUND, &missing("project"))
    }

    pub(super) fn no_resource() -> Self {
        Self::error_with_detail(
            StatusCode::NOT_FOUND,
            "Resource not found",
            &"There is no API hosted at this URL.".into(),
        )
    }

    pub(super) fn method_not_allowed(allowed: &str) -> Self {
        Self::error(StatusCode::METHOD_NOT_ALLOWED, "Method not allowed").with(ALLOW, allowed)
    }

    pub(super) fn gone() -> Self {
        Self::error_object(
            StatusCode::GONE,
            json!({
                "message": "CHANGE-2770 - Functionality has been deprecated",
                "detail": "Please read the changelog entry for more details.",
                "data": { "announcement_url": ANNOUNCEMENT },
            }),
        )
    }

    pub(super) fn rate_limited() -> Self {
        Self::text(StatusCode::TOO_MANY_REQUESTS, "text/plain", RATE_LIMITED)
    }

    pub(super) fn bad_gateway() -> Self {
        Self::text(StatusCode::BAD_GATEWAY, "text/html", BAD_GATEWAY)
    }

    pub(super) fn unavailable() -> Self {
        Self::text(StatusCode::SERVICE_UNAVAILABLE, "text/plain", "Service Unavailable").with(RETRY_AFTER, "1")
    }

    /// The body's bytes as they are sent.
    pub(super) fn bytes(&self) -> Bytes {
        match &self.body {
            Content::Nothing => Bytes::new(),
            Content::Text(text) => Bytes::copy_from_slice(text.as_bytes()),
            Content::Json(value) => Bytes::from(value.to_string()),
        }
    }

    /// The answer in hyper's form. `cut` sends half of the body and then ends the connection.
    pub(super) fn into_response(self, body: Bytes, cut: bool) -> Response<AnswerBody> {
        let length = body.len();
        let body = if cut { AnswerBody::cut(&body) } else { AnswerBody::Whole(Full::new(body)) };
        let mut response = Response::new(body);
        *response.status_mut() = self.status;
        let headers = response.headers_mut();
        if let Some(content_type) = self.content_type {
            headers.insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
        }
        if self.status != StatusCode::NO_CONTENT {
            headers.insert(CONTENT_LENGTH, length.into());
        }
        for (name, value) in self.headers {
            headers.append(name, value);
        }
        response
    }
}

/// One wording for what is not there and for what one may not see (api.md §3.2).
fn missing(what: &str) -> String {
    format!(
        "You may not have access to this {what} or it no longer exists in this workspace. If you think this {what} \
         exists and you have access, make sure you are authenticated."
    )
}

/// A body on its way: whole, or cut off in the middle as a fault.
#[derive(Debug)]
pub(super) enum AnswerBody {
    Whole(Full<Bytes>),
    Cut { part: Option<Bytes>, length: u64, flushed: bool },
}

impl AnswerBody {
    fn cut(body: &Bytes) -> Self {
        let length = u64::try_from(body.len()).unwrap_or(u64::MAX);
        Self::Cut { part: Some(body.slice(..body.len() / 2)), length, flushed: false }
    }
}

impl Body for AnswerBody {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        match self.get_mut() {
            Self::Whole(body) => Pin::new(body).poll_frame(context).map_err(|never| match never {}),
            Self::Cut { part, flushed, .. } => {
                if let Some(part) = part.take() {
                    return Poll::Ready(Some(Ok(Frame::data(part))));
                }
                if !*flushed {
                    // hyper sends what it has buffered only when the body has nothing more to give for the moment.
                    *flushed = true;
                    context.waker().wake_by_ref();
                    return Poll::Pending;
                }
                Poll::Ready(Some(Err(io::Error::other("the answer is cut off here as a fault"))))
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Self::Whole(body) => body.is_end_stream(),
            Self::Cut { .. } => false,
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Whole(body) => body.size_hint(),
            Self::Cut { length, .. } => SizeHint::with_exact(*length),
        }
    }
}
