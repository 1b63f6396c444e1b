//! What is wrong with a manifest, at its place: the arrow from `load` to a person's eyes.
//!
//! A [`Diagnostic`] knows the bytes it speaks of ([`Span`]); the [`Sources`] know the text behind them. Rendering shows
//! `file:line:column`, the source line, a label and a help line, and never more of a long line than a terminal can hold.

mod closest;
mod code;
mod render;
mod sources;

use std::fmt::Write as _;

pub use closest::closest;
pub use code::Code;
use render::render;
pub use sources::{Place, Sources, Span};

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

    fn order(&self) -> (bool, Span) {
        self.primary.as_ref().map_or((false, Span::default()), |(span, _)| (true, *span))
    }
}

/// Everything that was found, in the order of the text.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Diagnostics(Vec<Diagnostic>);

/// After so many diagnostics the rest is only counted: nobody reads the hundredth, and a broken file can hold a million.
const SHOWN: usize = 20;

impl Diagnostics {
    /// Notes one more.
    pub fn push(&mut self, diagnostic: Diagnostic) {
        self.0.push(diagnostic);
    }

    /// Whether any of them stops the run.
    #[must_use]
    pub fn has_errors(&self) -> bool {
        self.0.iter().any(|diagnostic| diagnostic.severity == Severity::Error)
    }

    /// Whether there is nothing to tell.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// All of them, in the order of the text once [`Diagnostics::sort`] was called.
    pub fn iter(&self) -> impl Iterator<Item = &Diagnostic> {
        self.0.iter()
    }

    /// Puts them into the order of the text, and says once what is said again and again of one place: a default that does
    /// not suit a hundred repositories is one thing to mend.
    pub fn sort(&mut self) {
        self.0.sort_by_key(Diagnostic::order);
        let mut again = 0;
        let mut kept: Vec<Diagnostic> = Vec::with_capacity(self.0.len());
        for diagnostic in self.0.drain(..) {
            match kept.last_mut() {
                Some(last) if last.primary == diagnostic.primary && last.message == diagnostic.message => again += 1,
                _ => {
                    say_again(kept.last_mut(), &mut again);
                    kept.push(diagnostic);
                }
            }
        }
        say_again(kept.last_mut(), &mut again);
        self.0 = kept;
    }

    /// All of them as text for a person: the first twenty in full, the rest counted.
    #[must_use]
    pub fn render(&self, sources: &Sources) -> String {
        let mut text = String::new();
        for diagnostic in self.0.iter().take(SHOWN) {
            let _ = writeln!(text, "{}\n", render(diagnostic, sources));
        }
        if self.0.len() > SHOWN {
            let _ = writeln!(text, "and {} more: mend these first\n", self.0.len() - SHOWN);
        }
        let errors = self.0.iter().filter(|diagnostic| diagnostic.severity == Severity::Error).count();
        if errors > 1 {
            let _ = writeln!(text, "{errors} errors");
        }
        text
    }
}

fn say_again(last: Option<&mut Diagnostic>, again: &mut usize) {
    if let (Some(last), 1..) = (last, *again) {
        last.help.push(format!("the same holds for {again} more"));
    }
    *again = 0;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_very_long_line_is_shown_in_part() {
        let mut sources = Sources::default();
        let text = format!("slug: {}\n", "x".repeat(5_000_000));
        let end = u32::try_from(text.len()).unwrap_or_default();
        let source = sources.add("long.yaml", text);
        let mut all = Diagnostics::default();
        all.push(Diagnostic::error(Code::RepositorySlug, Span { source, start: 6, end }, "bad slug").label("too long"));
        assert!(all.render(&sources).len() < 1_000);
    }
}
