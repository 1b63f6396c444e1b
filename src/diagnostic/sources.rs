//! The texts that were read, and places in them.

use std::sync::OnceLock;

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
    /// Line and column of every [`STEP`]th byte, once somebody asks for a place: counted from the beginning each time, a
    /// thousand places in a large file would take minutes.
    steps: OnceLock<Box<[(u32, u32)]>>,
}

/// How far apart the known places are, in bytes.
const STEP: usize = 4096;

impl Source {
    /// Line and column of a byte, from 0. The column counts characters.
    fn at(&self, byte: usize) -> (u32, u32) {
        let text = self.text.as_bytes();
        let byte = byte.min(text.len());
        let steps = self.steps.get_or_init(|| {
            let next = |place: &mut (u32, u32), chunk: &[u8]| Some(std::mem::replace(place, after(*place, chunk)));
            text.chunks(STEP).scan((0, 0), next).collect()
        });
        let step = (byte / STEP).min(steps.len().saturating_sub(1));
        after(steps.get(step).copied().unwrap_or_default(), text.get(step * STEP..byte).unwrap_or_default())
    }
}

/// The place behind some bytes, of which the first is at this one.
fn after(place: (u32, u32), bytes: &[u8]) -> (u32, u32) {
    bytes.iter().fold(place, |(line, column), byte| match byte {
        b'\n' => (line + 1, 0),
        // The rest of a character.
        0x80..=0xbf => (line, column),
        _ => (line, column + 1),
    })
}

impl Sources {
    /// Adds a text and returns its index for [`Span::source`].
    pub fn add(&mut self, name: impl Into<String>, text: impl Into<String>) -> u32 {
        self.files.push(Source { name: name.into(), text: text.into(), steps: OnceLock::new() });
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
            source.steps.take();
        }
    }

    /// Where a span begins.
    #[must_use]
    pub fn place(&self, span: Span) -> Place {
        let (line, column) = self.line_and_column(span.source, span.start);
        let file = self.get(span.source).map_or("<unknown>", |(name, _)| name).to_owned();
        Place { file, line, column }
    }

    /// Line and column of a byte, both from 1, the column in characters.
    #[must_use]
    pub fn line_and_column(&self, source: u32, byte: u32) -> (usize, usize) {
        let (line, column) = self.files.get(source as usize).map_or((0, 0), |source| source.at(byte as usize));
        (line as usize + 1, column as usize + 1)
    }

    /// A span that begins and ends within its text, and between characters.
    pub(super) fn within(&self, span: Span) -> Span {
        let text = self.get(span.source).map_or("", |(_, text)| text);
        let floor = |at: u32| {
            let mut at = (at as usize).min(text.len());
            while !text.is_char_boundary(at) {
                at -= 1;
            }
            u32::try_from(at).unwrap_or(u32::MAX)
        };
        let start = floor(span.start);
        Span { start, end: floor(span.end).max(start), ..span }
    }

    /// What of a span is worth marking: without the space behind it, and of a place without width, such as where a block
    /// begins, the first word.
    pub(super) fn marked(&self, span: Span) -> Span {
        let span = self.within(span);
        let text = self.get(span.source).map_or("", |(_, text)| text);
        let (start, end) = (span.start as usize, span.end as usize);
        let covered = text[start..end].trim_end().len();
        // No word is so long that its end is worth looking for in all of a large file.
        let word = || text[start..].bytes().take(1_000).position(|byte| b" :\t\r\n".contains(&byte));
        let word = || word().unwrap_or(text.len() - start);
        let long =
            if covered > 0 { covered } else { word().max(usize::from(text[start..].starts_with([' ', ':', '\t']))) };
        self.within(Span { end: u32::try_from(start + long).unwrap_or(u32::MAX), ..span })
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

#[cfg(test)]
mod tests {
    use super::*;

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
    fn places_are_the_same_however_far_into_a_text() {
        let mut sources = Sources::default();
        let text = format!("{}\n{}é{}\né: x", "ä".repeat(3 * STEP), "b".repeat(STEP - 3), "c".repeat(2 * STEP));
        let source = sources.add("a.yaml", text.as_str());
        for (at, _) in text.char_indices().filter(|(at, _)| at % 97 == 0 || at % STEP < 4 || at + 5 > text.len()) {
            let line_start = text[..at].rfind('\n').map_or(0, |at| at + 1);
            let expected = (text[..at].matches('\n').count() + 1, text[line_start..at].chars().count() + 1);
            assert_eq!(sources.line_and_column(source, u32::try_from(at).unwrap()), expected, "byte {at}");
        }
        assert_eq!(sources.line_and_column(source, u32::MAX), (3, 5));
    }
}
