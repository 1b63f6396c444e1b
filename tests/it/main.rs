//! Whole runs of the program against the sandbox, over real sockets: one binary, so that it links once.

mod apply;
mod contract;
mod examples;
mod official;
mod plan;
mod schemas;
mod storms;
mod support;
