//! Declarative provisioning of Bitbucket Cloud: manifests say what shall be, a plan says what to change, an apply does it.
//!
//! ```text
//!  manifest files ──load──▶ Manifest ──resolve──▶ desired state ──┐
//!                              │                                  ├──diff──▶ Plan ──apply──▶ Account ──▶ report
//!                      Diagnostics (spans)                        │           │                 ▲
//!  Bitbucket ──────refresh, GET only──────────▶ actual state ─────┘           └──▶ Bitbucket ───┘
//!                                                                       POST / PUT / DELETE
//!                      events from refresh and apply ──▶ progress (stderr)
//!
//!  Bitbucket ──inventory, GET only──▶ what there is ──write──▶ manifest files
//! ```
//!
//! The three parts are the loader ([`manifest`]), the planner ([`plan`]) and the executor ([`apply`](mod@apply)). Both
//! states speak one vocabulary, [`resource`], in which a kind of object is one file. [`bitbucket`] is the way to the world:
//! the planner is given something that can only [`Read`](bitbucket::Read), the executor something that can
//! [`Write`](bitbucket::Write). The way back is that of the [`inventory`], of which [`manifest::write`] makes a manifest.
//! [`sandbox`] is a Bitbucket in memory that shares nothing with them.
//!
//! The command line ([`cli`], [`commands`]) only joins these; a program can do the same:
//!
//! ```no_run
//! use std::sync::Arc;
//!
//! use bbprov::bitbucket::{Client, Credential, Options};
//!
//! # async fn run() -> Result<(), Box<dyn std::error::Error>> {
//! let manifest = bbprov::manifest::load(&["repos.yaml".to_owned()])?;
//! let token = std::env::var("BITBUCKET_ACCESS_TOKEN")?;
//! let client = Client::new(Options::new(Credential::Bearer(token.into())), Arc::new(()))?;
//! let plan = bbprov::plan::plan(&client, &manifest, &()).await?;
//! let (_stop, stopped) = tokio::sync::watch::channel(None);
//! let account = bbprov::apply::apply(&client, &plan, &bbprov::apply::Secrets::default(), &(), stopped).await;
//! println!("{} of {} done", account.count("done"), plan.changes.len());
//! # Ok(())
//! # }
//! ```

pub mod apply;
pub mod bitbucket;
pub mod cli;
pub mod commands;
pub mod diagnostic;
pub mod error;
pub mod inventory;
pub mod manifest;
mod masked;
pub mod output;
pub mod plan;
pub mod progress;
pub mod report;
pub mod resource;
pub mod sandbox;
pub mod terraform;
