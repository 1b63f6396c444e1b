//! What is wrong with a manifest, at its place: the arrow from `load` to a person's eyes.
//!
//! A [`Diagnostic`] knows the bytes it speaks of ([`Span`]); the [`Sources`] know the text behind them. Rendering shows
//! `file:line:column`, the source line, a label and a help line, and never more of a long line than a terminal can hold.

mod closest;
mod code;
mod github;
mod list;
mod render;
mod sarif;
mod sources;
mod told;

pub use closest::{closest, misspelt};
pub use code::Code;
pub use list::Diagnostics;
pub use sources::{Place, Sources, Span};
pub use told::diagnostics_schema;

use crate::masked::masked;
use crate::output::printable;

/// How bad it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Severity {
    /// The manifest cannot be used.
    Error,
    /// The manifest can be used, and a person should know.
    Warning,
}

/// One thing to tell a person about a manifest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diagnostic {
    /// What kind of thing it is, for whoever wants to know more or to count.
    pub code: Code,
    /// Whether it stops the run.
    pub severity: Severity,
    /// What is wrong, a lower-case fragment.
    pub message: String,
    /// The place it is about, with what to say there.
    pub primary: Option<(Span, String)>,
    /// Other places that matter, such as the first of two equal entries.
    pub secondary: Vec<(Span, String)>,
    /// What to do.
    pub help: Vec<String>,
}

impl Diagnostic {
    /// An error about a place.
    pub fn error(code: Code, span: Span, message: impl Into<String>) -> Self {
        Self {
            code,
            severity: Severity::Error,
            message: message.into(),
            primary: Some((span, String::new())),
            secondary: Vec::new(),
            help: Vec::new(),
        }
    }

    /// A warning about a place.
    pub fn warning(code: Code, span: Span, message: impl Into<String>) -> Self {
        Self { severity: Severity::Warning, ..Self::error(code, span, message) }
    }

    /// An error about no place in particular: a file that cannot be read, a folder without manifests.
    pub fn general(code: Code, message: impl Into<String>) -> Self {
        Self { primary: None, ..Self::error(code, Span::default(), message) }
    }

    /// Says something at the primary place.
    #[must_use]
    pub fn label(mut self, text: impl Into<String>) -> Self {
        if let Some((_, label)) = &mut self.primary {
            *label = text.into();
        }
        self
    }

    /// Shows another place.
    #[must_use]
    pub fn also(mut self, span: Span, text: impl Into<String>) -> Self {
        self.secondary.push((span, text.into()));
        self
    }

    /// Adds a line that says what to do.
    #[must_use]
    pub fn help(mut self, text: impl Into<String>) -> Self {
        self.help.push(text.into());
        self
    }

    /// Words of it that can be shown: they may quote what nobody has looked at.
    fn safe(text: &str) -> String {
        printable(&masked(text))
    }

    /// Whether it says of the same place what another one says.
    fn says_the_same_as(&self, other: &Self) -> bool {
        self.message == other.message && self.primary == other.primary
    }

    fn order(&self) -> (bool, Span) {
        self.primary.as_ref().map_or((false, Span::default()), |(span, _)| (true, *span))
    }
}
