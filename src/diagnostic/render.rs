//! A diagnostic as text for a person.

use std::ops::Range;

use annotate_snippets::renderer::DecorStyle;
use annotate_snippets::{AnnotationKind, Group, Level, Origin, Renderer, Snippet};

use super::{Diagnostic, Severity, Sources, Span};
use crate::masked::masked;
use crate::output::printable;

/// The title with its code, the places with what is said there, and what to do.
pub(super) fn render(diagnostic: &Diagnostic, sources: &Sources) -> String {
    let level = match diagnostic.severity {
        Severity::Error => Level::ERROR,
        Severity::Warning => Level::WARNING,
    };
    let mut group =
        Group::with_title(level.primary_title(printable(&masked(&diagnostic.message))).id(diagnostic.code.id()));
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
