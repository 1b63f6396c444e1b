//! Objects as they are → a manifest that says so.

pub mod yaml;
