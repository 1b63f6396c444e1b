//! What is wrong with a manifest, at its place: the arrow from `load` to a person's eyes.
//!
//! A [`Diagnostic`] knows the bytes it speaks of ([`Span`]); the [`Sources`] know the text behind them. Rendering shows
//! `file:line:column`, the source line, a label and a help line, and never more of a long line than a terminal can hold.

use std::fmt::Write as _;
use std::ops::Range;

use annotate_snippets::renderer::DecorStyle;
use annotate_snippets::{AnnotationKind, Group, Level, Origin, Renderer, Snippet};

use crate::masked::masked;
use crate::output::printable;

/// A range of bytes in one of the [`Sources`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Span {
    /// Which source: an index into [`Sources`].
    pub source: u32,
    /// The first byte.
    pub start: u32,
    /// One past the last byte.
    pub end: u32,
}

/// A place as people and editors write it; line and column count from 1, the column in characters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// The file's name as it was given, or `<stdin>`.
    pub file: String,
    /// The line, from 1.
    pub line: usize,
    /// The column in characters, from 1.
    pub column: usize,
}

impl std::fmt::Display for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}:{}:{}", self.file, self.line, self.column)
    }
}

/// The texts that were read, in the order in which they were read.
#[derive(Debug, Clone, Default)]
pub struct Sources {
    files: Vec<Source>,
}

#[derive(Debug, Clone)]
struct Source {
    name: String,
    text: String,
}

impl Sources {
    /// Adds a text and returns its index for [`Span::source`].
    pub fn add(&mut self, name: impl Into<String>, text: impl Into<String>) -> u32 {
        self.files.push(Source { name: name.into(), text: text.into() });
        u32::try_from(self.files.len() - 1).unwrap_or(u32::MAX)
    }

    /// The name and the text of a source.
    #[must_use]
    pub fn get(&self, source: u32) -> Option<(&str, &str)> {
        let source = self.files.get(source as usize)?;
        Some((&source.name, &source.text))
    }

    /// The bytes a span covers; nothing if the span is not of these sources.
    #[must_use]
    pub fn text(&self, span: Span) -> &str {
        self.get(span.source).and_then(|(_, text)| text.get(span.start as usize..span.end as usize)).unwrap_or_default()
    }

    /// Makes what a span covers unreadable, line by line as long as it was: whatever is shown of it holds no secret.
    pub fn conceal(&mut self, span: Span) {
        let hidden: String = self.text(span).bytes().map(|byte| if byte == b'\n' { '\n' } else { '*' }).collect();
        if let Some(source) = self.files.get_mut(span.source as usize).filter(|_| !hidden.is_empty()) {
            source.text.replace_range(span.start as usize..span.end as usize, &hidden);
        }
    }

    /// Where a span begins.
    #[must_use]
    pub fn place(&self, span: Span) -> Place {
        let Some((name, text)) = self.get(span.source) else {
            return Place { file: "<unknown>".into(), line: 1, column: 1 };
        };
        let before = text.get(..span.start as usize).unwrap_or(text);
        let line_start = before.rfind('\n').map_or(0, |at| at + 1);
        Place {
            file: name.to_owned(),
            line: before.bytes().filter(|&byte| byte == b'\n').count() + 1,
            column: before[line_start..].chars().count() + 1,
        }
    }

    /// How many bytes were read.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.files.iter().map(|source| source.text.len()).sum()
    }

    /// How many files were read.
    #[must_use]
    pub fn len(&self) -> usize {
        self.files.len()
    }

    /// Whether nothing was read.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.files.is_empty()
    }
}

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
    pub fn error(span: Span, message: impl Into<String>) -> Self {
        Self {
            severity: Severity::Error,
            message: message.into(),
            primary: Some((span, String::new())),
            secondary: Vec::new(),
            help: Vec::new(),
        }
    }

    /// A warning about a place.
    pub fn warning(span: Span, message: impl Into<String>) -> Self {
        Self { severity: Severity::Warning, ..Self::error(span, message) }
    }

    /// An error about no place in particular: a file that cannot be read, a folder without manifests.
    pub fn general(message: impl Into<String>) -> Self {
        Self { primary: None, ..Self::error(Span::default(), message) }
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

fn render(diagnostic: &Diagnostic, sources: &Sources) -> String {
    let level = match diagnostic.severity {
        Severity::Error => Level::ERROR,
        Severity::Warning => Level::WARNING,
    };
    let mut group = Group::with_title(level.primary_title(printable(&masked(&diagnostic.message))));
    if let Some((span, label)) = &diagnostic.primary {
        group = excerpt(group, sources, *span, label, AnnotationKind::Primary);
    }
    for (span, label) in &diagnostic.secondary {
        group = excerpt(group, sources, *span, label, AnnotationKind::Context);
    }
    for help in &diagnostic.help {
        group = group.element(Level::HELP.message(printable(help)));
    }
    Renderer::styled().decor_style(DecorStyle::Ascii).render(&[group])
}

/// Adds the line a span begins on, with the span marked; of a very long line only what surrounds it.
fn excerpt<'a>(group: Group<'a>, sources: &'a Sources, span: Span, label: &str, kind: AnnotationKind) -> Group<'a> {
    /// A line is shown whole if the place begins within so many bytes; otherwise only so many before it.
    const WHOLE: usize = 160;
    const BEFORE: usize = 40;
    /// How much is shown from the place on.
    const AFTER: usize = 80;

    let (name, text) = sources.get(span.source).unwrap_or(("<unknown>", ""));
    let name = printable(name);
    let start = floor(text, span.start as usize);
    let line_start = text[..start].rfind('\n').map_or(0, |at| at + 1);
    let line_end = text[start..].find('\n').map_or(text.len(), |at| start + at);
    let cropped = start - line_start > WHOLE;
    let from = if cropped { floor(text, start - BEFORE) } else { line_start };
    let shown = from..floor(text, line_end.min(start + AFTER)).max(start);
    let marked = mark(text, span, &shown);
    let place = sources.place(span);
    let snippet = Snippet::source(masked(&text[shown.clone()]))
        .line_start(place.line)
        .fold(false)
        .annotation(kind.span(marked.start - shown.start..marked.end - shown.start).label(printable(&masked(label))));
    if cropped {
        // The excerpt's own columns would be wrong, so the place is said beforehand.
        let origin = Origin::path(name).line(place.line).char_column(place.column);
        return group.element(origin).element(snippet);
    }
    group.element(snippet.path(name))
}

/// The part of a span that its first line shows: what it covers there, at least one character.
fn mark(text: &str, span: Span, shown: &Range<usize>) -> Range<usize> {
    let start = floor(text, span.start as usize).clamp(shown.start, shown.end);
    let end = floor(text, span.end as usize).clamp(start, shown.end);
    let covered = text[start..end].trim_end();
    if covered.is_empty() {
        // A block mapping's place has no width: mark its first word.
        let word = text[start..shown.end].find([' ', ':', '\t', '\r']).unwrap_or(shown.end - start);
        return start..start + word.max(usize::from(start < shown.end));
    }
    start..start + covered.len()
}

/// The nearest character boundary at or before a byte.
fn floor(text: &str, at: usize) -> usize {
    let mut at = at.min(text.len());
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    at
}

/// The known name that somebody probably meant, if one is near enough to be worth proposing.
#[must_use]
pub fn closest<'a>(wanted: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    // Distances grow with the product of the lengths: nobody means a short name by a very long one.
    if wanted.len() > 100 {
        return None;
    }
    let folded = wanted.to_lowercase().replace('-', "_");
    known
        .into_iter()
        .filter_map(|name| {
            let candidate = name.to_lowercase().replace('-', "_");
            // Nobody forgets what a key is about, many forget that it begins with `is_`.
            let bare = candidate.trim_start_matches("is_").trim_start_matches("has_");
            let distance = [&candidate, bare].map(|name| strsim::damerau_levenshtein(&folded, name));
            let distance = distance.into_iter().min().unwrap_or_default();
            let near = distance * 3 <= folded.chars().count().max(bare.chars().count())
                || (folded.len() >= 4 && candidate.starts_with(&folded));
            near.then_some((distance, name))
        })
        .min()
        .map(|(_, name)| name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_closest_name_is_proposed_and_a_far_one_is_not() {
        let known = ["is_private", "description", "fork_policy", "project"];
        assert_eq!(closest("privte", known), Some("is_private"));
        assert_eq!(closest("is_privte", known), Some("is_private"));
        assert_eq!(closest("isPrivate", known), Some("is_private"));
        assert_eq!(closest("fork-policy", known), Some("fork_policy"));
        assert_eq!(closest("desc", known), Some("description"));
        assert_eq!(closest("webhooks", known), None);
    }

    #[test]
    fn a_place_counts_lines_and_characters() {
        let mut sources = Sources::default();
        let source = sources.add("a.yaml", "ä: 1\nüü: x\n");
        let start = u32::try_from("ä: 1\nüü: ".len()).unwrap_or_default();
        let place = sources.place(Span { source, start, end: start + 1 });
        assert_eq!(place.to_string(), "a.yaml:2:5");
        assert_eq!(sources.place(Span { source, start: 2, end: 3 }).to_string(), "a.yaml:1:2");
    }

    #[test]
    fn a_very_long_line_is_shown_in_part() {
        let mut sources = Sources::default();
        let text = format!("slug: {}\n", "x".repeat(5_000_000));
        let end = u32::try_from(text.len()).unwrap_or_default();
        let source = sources.add("long.yaml", text);
        let mut all = Diagnostics::default();
        all.push(Diagnostic::error(Span { source, start: 6, end }, "bad slug").label("too long"));
        assert!(all.render(&sources).len() < 1_000);
    }
}
