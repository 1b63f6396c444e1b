//! An in-memory Bitbucket Cloud, served over HTTP on loopback: what `bbprov sandbox` runs, and every test talks to.
//!
//! It is written from the notes on Bitbucket's API (`api.md`, whose sections each module names) and the official
//! document (`openapi.json`), and shares nothing with this crate's client, so that a misunderstanding cannot hide in both. Where the
//! notes do not know what Bitbucket does, the choice is made where it is visible, with its reason beside it.
//!
//! What it answers is a table (`routes`) of what its modules answer. The things that govern repositories, projects and
//! workspaces are one file each (`sections`). Without a credentials file it knows four people, of whom `people` tells,
//! and takes every slug for a group.
//!
//! ```text
//! server ──▶ service ──▶ operation ─▶ repositories · projects · branches · account · sections/* ──▶ store
//!   │           ├─▶ auth · scopes · rate  (routes)          └─▶ listing · query · fields · people
//!   └─▶ faults  └─▶ oauth
//! ```

mod account;
mod answer;
mod auth;
mod body;
mod branches;
mod credentials;
mod exchange;
mod faults;
mod fields;
mod listing;
mod oauth;
mod operation;
mod people;
mod project;
mod projects;
mod query;
mod random;
mod rate;
mod repositories;
mod repository;
mod repository_body;
mod request;
mod routes;
mod scopes;
mod sections;
mod server;
mod service;
mod slug;
mod state;
mod store;
mod subscription;
#[cfg(test)]
mod tests;
mod timestamp;
mod workspace;

use std::fmt;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::oneshot;
use tokio::task::JoinHandle;

pub use self::credentials::{AccessToken, AccessTokenKind, Credentials, OAuthClient, User};
pub use self::exchange::{Counters, Exchange};
pub use self::faults::{Faults, InvalidFaults};
pub use self::listing::Pages;
pub use self::rate::{InvalidRateLimit, RateLimit};
use self::server::Server;
use self::service::{Service, TOKEN_PATH};
use self::state::StateFile;
use self::store::Store;
pub use self::subscription::Subscription;

/// How a sandbox behaves. By default it is fast, lets everybody do everything and forgets all of it.
#[derive(Debug, Clone)]
pub struct Options {
    /// Where to listen; loopback only. Port 0 takes a free one.
    pub listen: SocketAddr,
    /// The workspaces that exist. `None`: every valid slug is one from the first time it is named.
    pub workspaces: Option<Vec<String>>,
    /// How long every answer takes, counted from the request's arrival.
    pub latency: Duration,
    /// How long a change takes to show where Bitbucket was seen to be late: whether Pipelines runs, the variables of an
    /// environment, and what an environment is. A repository younger than that is unknown to Pipelines.
    pub settling: Duration,
    /// What the workspaces have paid for.
    pub subscription: Subscription,
    /// How much each credential may ask under `/2.0`.
    pub rate_limit: Option<RateLimit>,
    /// The scopes of every credential that does not say its own. `None`: all.
    pub scopes: Option<Vec<String>>,
    /// Who is let in. `None`: everybody.
    pub credentials: Option<Credentials>,
    /// The e-mail addresses of further people, who are members of every workspace.
    pub members: Vec<String>,
    /// How long the tokens live that the token endpoint gives out.
    pub token_lifetime: Duration,
    /// What the pages of a list say of each other.
    pub pages: Pages,
    /// The longest page that is given, whatever is asked for: Bitbucket has lists with less than 100 (api.md §2.3).
    pub longest_page: usize,
    /// What goes wrong on purpose.
    pub faults: Option<Faults>,
    /// Whether every [`Exchange`] is kept. Counters always are.
    pub record: bool,
    /// A file to start from, if it exists, and to save changes in.
    pub state: Option<PathBuf>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            workspaces: None,
            latency: Duration::ZERO,
            settling: Duration::ZERO,
            subscription: Subscription::default(),
            rate_limit: None,
            scopes: None,
            credentials: None,
            members: Vec::new(),
            token_lifetime: Duration::from_secs(2 * 60 * 60),
            pages: Pages::default(),
            longest_page: listing::LONGEST_PAGE,
            faults: None,
            record: false,
            state: None,
        }
    }
}

/// A sandbox that runs. Dropping it stops it without saving what was not saved yet.
pub struct Sandbox {
    server: Arc<Server>,
    state: Option<Arc<StateFile>>,
    /// Dropping it stops the listener, too.
    stop: Option<oneshot::Sender<()>>,
    listener: Option<JoinHandle<()>>,
    saver: Option<JoinHandle<()>>,
}

impl fmt::Debug for Sandbox {
    /// Says where it listens, and nothing of all that it holds.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Sandbox").field("address", &self.address()).finish_non_exhaustive()
    }
}

impl Sandbox {
    /// Starts a sandbox on the current tokio runtime.
    ///
    /// # Errors
    ///
    /// When the address is not loopback or cannot be had, when a workspace's slug is not valid, or when the state
    /// cannot be read.
    pub async fn start(options: Options) -> io::Result<Self> {
        if let Some(bad) = options.workspaces.iter().flatten().find(|name| !slug::is_workspace_slug(name)) {
            let message = format!("{bad:?} is not a workspace's slug: lower-case letters, digits, - and _ only");
            return Err(io::Error::new(io::ErrorKind::InvalidInput, message));
        }
        let listener = server::bind(options.listen).await?;
        let mut store = Store::new(options.workspaces.clone());
        let state = options.state.clone().map(|path| StateFile::open(path, &mut store)).transpose()?.map(Arc::new);
        let server = Arc::new(Server {
            service: Service::new(&options, store),
            journal: exchange::Journal::new(options.record),
            faults: options.faults,
            latency: options.latency,
            address: listener.local_addr()?,
        });
        let (stop, stopped) = oneshot::channel();
        let listener = tokio::spawn(server::accept(listener, Arc::clone(&server), stopped));
        let saver = state.clone().map(|state| tokio::spawn(state.follow(Arc::clone(&server))));
        Ok(Self { server, state, stop: Some(stop), listener: Some(listener), saver })
    }

    /// Where the sandbox listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.server.address
    }

    /// The root of the API.
    #[must_use]
    pub fn api_url(&self) -> String {
        format!("http://{}/2.0", self.address())
    }

    /// The token endpoint for OAuth consumers.
    #[must_use]
    pub fn token_url(&self) -> String {
        format!("http://{}{TOKEN_PATH}", self.address())
    }

    /// Every exchange so far in order of arrival, if [`Options::record`] is set.
    #[must_use]
    pub fn exchanges(&self) -> Vec<Exchange> {
        self.server.journal.exchanges()
    }

    /// How much was asked so far.
    #[must_use]
    pub fn counters(&self) -> Counters {
        self.server.journal.counters()
    }

    /// All that it holds, in the form that [`Options::state`] keeps.
    ///
    /// # Errors
    ///
    /// When it cannot be written down.
    pub fn saved(&self) -> io::Result<Vec<u8>> {
        self.server.service.store().save().map_err(io::Error::other)
    }

    /// Lets a workspace exist. A slug that is not valid makes none, as no URL could name it.
    pub fn add_workspace(&self, slug: &str) {
        self.server.service.store().add(slug);
    }

    /// Stops, and saves the state if there is a file for it.
    ///
    /// # Errors
    ///
    /// When the state cannot be written.
    pub async fn shutdown(mut self) -> io::Result<()> {
        drop(self.stop.take());
        if let Some(listener) = self.listener.take() {
            // Every connection has ended after this, so that no write can come after the save.
            listener.await.map_err(io::Error::other)?;
        }
        let Some(state) = self.state.take() else {
            return Ok(());
        };
        let server = Arc::clone(&self.server);
        tokio::task::spawn_blocking(move || state.save(&server)).await.map_err(io::Error::other)?
    }
}

impl Drop for Sandbox {
    fn drop(&mut self) {
        if let Some(saver) = &self.saver {
            saver.abort();
        }
    }
}
