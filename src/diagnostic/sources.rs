//! The texts that were read, and places in them.

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
}
