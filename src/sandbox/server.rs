//! The sockets: accepting, reading and answering over HTTP/1.1, late or wrongly where the options say
//! so (what goes wrong in life: api.md §6).

use std::io;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use http_body_util::{BodyExt, LengthLimitError, Limited};
use hyper::body::{Body, Bytes, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use thiserror::Error;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, sleep_until, timeout};

use super::answer::{Answer, AnswerBody};
use super::auth;
use super::exchange::{Door, Journal, Visit};
use super::faults::{Fault, Faults};
use super::request::Request;
use super::service::{self, Service, TOKEN_PATH};

/// The largest body that is read.
const LARGEST_BODY: usize = 10 * 1024 * 1024;

/// How long a connection may be silent between requests, or take over the head of one.
const HEAD_TIMEOUT: Duration = Duration::from_secs(75);

/// How long a body may take.
const BODY_TIMEOUT: Duration = Duration::from_secs(30);

/// How long a fault keeps a client waiting for nothing. Longer than any patient client's own limit.
const HANG: Duration = Duration::from_secs(90);

/// Everything a connection needs.
#[derive(Debug)]
pub(super) struct Server {
    pub(super) service: Service,
    pub(super) journal: Journal,
    pub(super) faults: Option<Faults>,
    pub(super) latency: Duration,
    pub(super) address: SocketAddr,
}

/// Why a connection ends without an answer.
#[derive(Debug, Error)]
enum Broken {
    #[error("reset as a fault")]
    Reset,
    #[error("nothing was answered, as a fault")]
    Hung,
    #[error("the request's body did not arrive")]
    Body,
}

/// Accepts connections until it is told to stop, or nobody is left who could tell. Then it ends those that are open.
pub(super) async fn accept(listener: TcpListener, server: Arc<Server>, mut stop: oneshot::Receiver<()>) {
    let mut connections = JoinSet::new();
    loop {
        let accepted = tokio::select! {
            _ = &mut stop => break,
            accepted = listener.accept() => accepted,
        };
        match accepted {
            Ok((stream, _)) => {
                connections.spawn(serve(stream, Arc::clone(&server)));
            }
            // Out of file descriptors, most likely: what is open now will be closed soon.
            Err(_) => sleep(Duration::from_millis(10)).await,
        }
        while connections.try_join_next().is_some() {}
    }
    drop(listener);
    connections.shutdown().await;
}

/// Serves one connection to its end.
async fn serve(stream: TcpStream, server: Arc<Server>) {
    // Small answers leave at once; without it tests only get slower.
    let _ = stream.set_nodelay(true);
    let reset = Arc::new(AtomicBool::new(false));
    let service = service_fn(|request: hyper::Request<Incoming>| {
        let (server, reset) = (Arc::clone(&server), Arc::clone(&reset));
        async move {
            let answered = respond(&server, request).await;
            reset.store(matches!(answered, Err(Broken::Reset)), Ordering::Relaxed);
            answered
        }
    });
    let mut connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIMEOUT)
        .serve_connection(TokioIo::new(stream), service);
    let ended = pin!(&mut connection).await;
    if ended.is_err() && reset.load(Ordering::Relaxed) {
        // Without lingering, closing resets the connection instead of ending it in good order.
        let _ = connection.into_parts().io.into_inner().set_zero_linger();
    }
}

/// Answers one request.
async fn respond(server: &Server, request: hyper::Request<Incoming>) -> Result<Response<AnswerBody>, Broken> {
    let arrival = Instant::now();
    let (head, body) = request.into_parts();
    match (&head.method, head.uri.path()) {
        (&Method::GET, "/") => return Ok(plain(service::greeting())),
        (&Method::GET, "/_sandbox/requests") => return Ok(plain(service::requests(&server.journal))),
        _ => {}
    }
    let door = if head.uri.path() == TOKEN_PATH { Door::Token } else { Door::Api };
    let visit = server.journal.arrive(door, head.method.as_str());
    let body = match read(body).await? {
        Ok(body) => body,
        Err(answer) => return Ok(plain(answer)),
    };
    let request = Request::new(head, body, &server.address.to_string());
    let fault = server.fault(door, &request, &visit, arrival);
    let answer = match fault {
        Some(fault) if !fault.happens() => None,
        _ => Some(server.answer(door, &request, arrival)),
    };
    let answer = disturb(fault, answer);
    let Some(answer) = answer else {
        visit.record(door, &request, None);
        if matches!(fault, Some(Fault::Hang { .. })) {
            sleep(HANG).await;
            return Err(Broken::Hung);
        }
        sleep_until(arrival + server.latency).await;
        return Err(Broken::Reset);
    };
    if answer.status == StatusCode::TOO_MANY_REQUESTS {
        visit.count_rate_limited();
    }
    let body = answer.bytes();
    visit.record(door, &request, Some((answer.status.as_u16(), answer.content_type, &body)));
    if !server.latency.is_zero() {
        sleep_until(arrival + server.latency).await;
    }
    Ok(answer.into_response(body, fault == Some(Fault::Truncated)))
}

impl Server {
    fn answer(&self, door: Door, request: &Request, now: Instant) -> Answer {
        match door {
            Door::Token => self.service.token(request, now),
            Door::Api => self.service.answer(request, now),
        }
    }

    /// What goes wrong with this request.
    fn fault(&self, door: Door, request: &Request, visit: &Visit<'_>, now: Instant) -> Option<Fault> {
        let faults = self.faults?;
        let fault = match door {
            Door::Token => faults.of_token_fetch(visit.number),
            Door::Api => faults.of_request(visit.number),
        }?;
        visit.count_fault();
        // Only a token given out here can die early: any other could not be had again, and nothing would work any more.
        if fault == Fault::ExpiredToken && !self.service.door.kill(request, now) {
            return Some(Fault::Unavailable);
        }
        Some(fault)
    }
}

/// What a fault leaves of an answer; `None` is silence.
fn disturb(fault: Option<Fault>, answer: Option<Answer>) -> Option<Answer> {
    match fault {
        None => answer,
        Some(Fault::ResetBefore | Fault::ResetAfter | Fault::Hang { .. }) => None,
        // Half of nothing is nothing: an answer without a body is lost instead.
        Some(Fault::Truncated) => answer.filter(|answer| answer.content_type.is_some()),
        Some(Fault::BadGateway { .. }) => Some(Answer::bad_gateway()),
        Some(Fault::Unavailable) => Some(Answer::unavailable()),
        Some(Fault::RateLimited) => Some(Answer::rate_limited()),
        Some(Fault::ExpiredToken) => Some(auth::expired().into()),
    }
}

/// Reads a body, within limits of size and time.
async fn read(body: Incoming) -> Result<Result<Bytes, Answer>, Broken> {
    if body.is_end_stream() {
        return Ok(Ok(Bytes::new()));
    }
    match timeout(BODY_TIMEOUT, Limited::new(body, LARGEST_BODY).collect()).await {
        Ok(Ok(body)) => Ok(Ok(body.to_bytes())),
        Ok(Err(error)) if error.is::<LengthLimitError>() => {
            Ok(Err(Answer::error(StatusCode::PAYLOAD_TOO_LARGE, "Request body too large")))
        }
        Ok(Err(_)) | Err(_) => Err(Broken::Body),
    }
}

fn plain(answer: Answer) -> Response<AnswerBody> {
    let body = answer.bytes();
    answer.into_response(body, false)
}

/// Binds a listener, on this machine only.
pub(super) async fn bind(address: SocketAddr) -> io::Result<TcpListener> {
    if !address.ip().is_loopback() {
        let message = format!("the sandbox serves loopback addresses only, and {address} is none: try 127.0.0.1");
        return Err(io::Error::new(io::ErrorKind::InvalidInput, message));
    }
    TcpListener::bind(address).await
}
