//! A diagnostic as text for a person.

use std::ops::Range;

use annotate_snippets::renderer::DecorStyle;
use annotate_snippets::{Annotation, AnnotationKind, Group, Level, Renderer, Snippet};

use super::{Diagnostic, Place, Severity, Sources, Span};
use crate::masked::masked_at;
use crate::output::{folded, printable};

/// How much of a line is shown to who has no terminal.
const NO_TERMINAL: usize = 80;

/// No terminal is narrower.
const NARROWEST: usize = 40;

/// The title with its code, the places with what is said there, and what to do. For a terminal nothing is wider than it.
pub(super) fn render(diagnostic: &Diagnostic, sources: &Sources, width: Option<usize>) -> String {
    let (level, word) = match diagnostic.severity {
        Severity::Error => (Level::ERROR, "error"),
        Severity::Warning => (Level::WARNING, "warning"),
    };
    let width = width.map(|width| width.max(NARROWEST));
    // What continues stands under what it continues.
    let fit = |text: &str, before: usize| match width {
        Some(width) => folded(text, width - before, 0),
        None => text.to_owned(),
    };
    let id = diagnostic.code.id();
    let title = fit(&Diagnostic::safe(&diagnostic.message), word.len() + id.len() + "[]: ".len());
    let mut group = Group::with_title(level.primary_title(title).id(id));
    let places = diagnostic.primary.iter().chain(&diagnostic.secondary);
    let lines = places.clone().map(|(span, _)| sources.line_and_column(span.source, span.start).0);
    let gutter = lines.max().map_or(0, |line| line.to_string().len()) + " | ".len();
    let room = width.unwrap_or(NO_TERMINAL) - gutter - 1;
    let mut cropped = Vec::new();
    for (at, (span, label)) in places.enumerate() {
        let kind =
            if at == 0 && diagnostic.primary.is_some() { AnnotationKind::Primary } else { AnnotationKind::Context };
        let excerpt = Excerpt::new(sources, *span, room);
        let label = Diagnostic::safe(label);
        // Beside the place if there is room for it, and below if there is not.
        let beside = width.is_none() || excerpt.marked.1 + 1 + label.chars().count() <= room;
        let place = sources.place(*span);
        if excerpt.cropped {
            let at = |column| format!("{}:{}:{column}", printable(&place.file), place.line);
            cropped.push((at(excerpt.marked.0 + 1), at(place.column)));
        }
        group = group.element(excerpt.snippet(&place, if beside { &label } else { "" }, kind));
        if !beside {
            group = group.element(Level::NOTE.message(fit(&label, gutter + "= note: ".len())));
        }
    }
    for help in &diagnostic.help {
        group = group.element(Level::HELP.message(fit(&Diagnostic::safe(help), gutter + "= help: ".len())));
    }
    // Everything that is too wide has been cut with care.
    let text = Renderer::styled().decor_style(DecorStyle::Ascii).term_width(usize::MAX / 4).render(&[group]);
    // The renderer takes what it is shown for the whole line, and counts its columns.
    cropped.iter().fold(text, |text, (shown, real)| text.replacen(shown, real, 1))
}

/// What is shown of the line that a place is on.
struct Excerpt {
    text: String,
    /// What of it is the place, in bytes.
    mark: Range<usize>,
    /// The same in characters.
    marked: (usize, usize),
    /// Whether its beginning is left out, so that its columns are not those of the line.
    cropped: bool,
}

/// What stands where something is left out.
const CUT: &str = "...";

impl Excerpt {
    /// The whole line if there is room for it, or what surrounds the place. No more of the line is looked at than that.
    fn new(sources: &Sources, span: Span, room: usize) -> Self {
        let (_, text) = sources.get(span.source).unwrap_or_default();
        let span = sources.within(span);
        let start = span.start as usize;
        let (_, column) = sources.line_and_column(span.source, span.start);
        let in_line = |(_, c): &(usize, char)| *c != '\n';
        let before = text[..start].char_indices().rev().take_while(in_line).take(room);
        let before: Vec<usize> = before.map(|(at, _)| at).collect();
        // Where each character ends.
        let after = text[start..].char_indices().take_while(in_line).take(room + 1);
        let after: Vec<usize> = after.map(|(at, c)| start + at + c.len_utf8()).collect();
        // A third of what is shown stands before the place, and more if the rest is short. What begins in the first half
        // stays where it is.
        let at_least = (room / 3).max(room.saturating_sub(after.len() + 2 * CUT.len()));
        let whole = column - 1 + after.len() <= room || column - 1 <= room / 2;
        let shown_before = if whole { before.len() } else { before.len().min(at_least) };
        let cropped = shown_before + 1 < column;
        let left = if cropped { CUT } else { "" };
        let fits = left.len() + shown_before + after.len() <= room;
        let shown_after = if fits { after.len() } else { room.saturating_sub(left.len() + shown_before + CUT.len()) };
        let last = |count: usize, ends: &[usize]| count.checked_sub(1).and_then(|at| ends.get(at)).copied();
        let (from, to) = (last(shown_before, &before).unwrap_or(start), last(shown_after, &after).unwrap_or(start));
        let marked = sources.marked(span);
        let mark = (marked.start as usize).clamp(from, to)..(marked.end as usize).clamp(from, to);
        let line = masked_at(text, from..to);
        let shown = format!("{left}{}{}", line.trim_end_matches('\r'), if fits { "" } else { CUT });
        let mark = mark.start - from + left.len()..mark.end - from + left.len();
        let chars = |end: usize| shown.get(..end).map_or(0, |text| text.chars().count());
        Self { marked: (chars(mark.start), chars(mark.end)), text: shown, mark, cropped }
    }

    fn snippet<'a>(self, place: &Place, label: &str, kind: AnnotationKind) -> Snippet<'a, Annotation<'a>> {
        let annotation = kind.span(self.mark);
        let annotation = if label.is_empty() { annotation } else { annotation.label(label.to_owned()) };
        let snippet = Snippet::source(self.text).path(printable(&place.file));
        snippet.line_start(place.line).fold(false).annotation(annotation)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnostic::Code;

    fn shown(text: &str, at: usize, length: usize, width: Option<usize>) -> String {
        let mut sources = Sources::default();
        let source = sources.add("a.yaml", text);
        let number = |at: usize| u32::try_from(at).unwrap();
        let span = Span { source, start: number(at), end: number(at + length) };
        let diagnostic = Diagnostic::error(Code::UnknownKey, span, "a rather long message about a rather short key")
            .label("a label that says much more than there is room for beside it")
            .help("a help line that has even more to say than both of them together");
        let text = render(&diagnostic, &sources, width);
        anstream::adapter::strip_str(&text).to_string()
    }

    #[test]
    fn nothing_is_wider_than_the_terminal_and_nothing_is_lost() {
        let line = format!("{}kéy: value{}", "é".repeat(300), "ü".repeat(300));
        let at = line.find("kéy").unwrap();
        for (text, at) in
            [(line.as_str(), at), (&line[at..], 0), (&line[..at + 4], at), ("kéy", 0), ("", 0), ("x\n", 1)]
        {
            for width in [1, 40, 57, 80, 133, 1_000] {
                let text = shown(text, at, 4, Some(width));
                assert!(text.lines().all(|line| line.chars().count() <= width.max(40)), "{width}\n{text}");
                for word in ["together", "beside it", "short key"].map(|words| words.rsplit(' ').next().unwrap()) {
                    assert!(text.contains(word), "{word}\n{text}");
                }
            }
        }
    }

    #[test]
    fn a_place_keeps_its_column_wherever_the_line_is_cut() {
        let line = format!("{}key: value", "é".repeat(300));
        let text = shown(&line, 600, 3, None);
        assert!(text.contains(" a.yaml:1:301\n") && text.contains("...é") && text.contains("ékey: value\n"), "{text}");
    }
}
