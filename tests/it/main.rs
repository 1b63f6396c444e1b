//! Whole runs of the program against the sandbox, over real sockets: one binary, so that it links once.

#![expect(clippy::unwrap_used, clippy::panic, reason = "in a test, this is how it fails")]

mod apply;
mod bill;
mod composition;
mod contract;
mod credentials;
mod diagnostics;
mod drift;
mod editors;
mod examples;
mod export;
mod formula;
mod limits;
mod lists;
mod manifests;
mod official;
mod ownership;
mod people;
mod plan;
mod renames;
mod report;
mod schemas;
mod sections;
mod storms;
mod support;
mod terraform;
mod trouble;
mod unread;
