//! x
pub mod diagnostic;
pub mod manifest;
pub mod resource;
