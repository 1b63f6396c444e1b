//! Whole runs of the program against the sandbox, over real sockets: one binary, so that it links once.

mod apply;
mod contract;
mod credentials;
mod examples;
mod manifests;
mod plan;
mod schemas;
mod support;
mod trouble;
