//! The one door through which everything leaves: data to stdout, everything else to stderr, colour only where it helps.

use std::io::{self, Write};

use anstyle::{AnsiColor, Style};

/// What was added.
pub const ADDED: Style = AnsiColor::Green.on_default();
/// What was changed.
pub const CHANGED: Style = AnsiColor::Yellow.on_default();
/// What was removed, or went wrong.
pub const REMOVED: Style = AnsiColor::Red.on_default();
/// What must not be overlooked.
pub const ALARM: Style = AnsiColor::Red.on_default().bold();
/// What is by the way.
pub const ASIDE: Style = Style::new().dimmed();
/// What is a heading.
pub const HEADING: Style = Style::new().bold();

/// Text in a style; whoever reads it through a pipe gets the text alone.
#[must_use]
pub fn styled(style: Style, text: &str) -> String {
    format!("{style}{text}{style:#}")
}

/// Writes data to stdout. A reader who went away is no error.
///
/// # Errors
/// What the system says of a full disk and the like.
pub fn data(text: &str) -> io::Result<()> {
    let mut stdout = anstream::stdout().lock();
    match stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush()) {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        other => other,
    }
}

/// Writes a line to stderr, on a terminal folded to its width. If that is not possible there is nobody left to tell.
pub fn say(text: &str) {
    let text = width().map_or_else(|| text.to_owned(), |width| folded(text, width, 2));
    let mut stderr = anstream::stderr().lock();
    let _ = writeln!(stderr, "{text}");
}

/// Says why a run failed.
pub fn fail(text: &str) {
    say(&format!("{} {text}", styled(ALARM, "error:")));
}

/// How many columns the terminal has that stderr is; nothing if it is none.
#[must_use]
pub fn width() -> Option<usize> {
    terminal_size::terminal_size_of(io::stderr()).map(|(width, _)| width.0.into())
}

/// Lines that are longer than `width` columns, folded between words. What continues stands under the line's first word, so
/// much further to the right. A word that is longer than that stays whole: nobody can copy half a URL.
#[must_use]
pub fn folded(text: &str, width: usize, indent: usize) -> String {
    let mut lines = text.split('\n').map(|line| fold_line(line, width, indent));
    let first = lines.next().unwrap_or_default();
    lines.fold(first, |text, line| text + "\n" + &line)
}

fn fold_line(line: &str, width: usize, indent: usize) -> String {
    if line.len() <= width || columns(line) <= width {
        return line.to_owned();
    }
    let own = line.len() - line.trim_start_matches(' ').len();
    let (mut folded, mut column) = (String::with_capacity(line.len() + 16), 0);
    for (at, word) in line.split(' ').enumerate() {
        let wide = columns(word);
        if column > own + indent && !word.is_empty() && column + 1 + wide > width {
            folded.truncate(folded.trim_end_matches(' ').len());
            folded.push('\n');
            folded.extend(std::iter::repeat_n(' ', own + indent));
            column = own + indent;
        } else if at > 0 {
            folded.push(' ');
            column += 1;
        }
        folded.push_str(word);
        column += wide;
    }
    folded
}

/// How wide a text is, colours aside.
fn columns(text: &str) -> usize {
    anstream::adapter::strip_str(text).map(|part| part.chars().count()).sum()
}

/// Text that can be shown on a terminal: whatever Bitbucket or a manifest holds, it moves no cursor and hides nothing.
#[must_use]
pub fn printable(text: &str) -> String {
    if !text.contains(is_hidden) {
        return text.to_owned();
    }
    text.chars().map(|c| if is_hidden(c) { c.escape_default().to_string() } else { c.to_string() }).collect()
}

/// Whether a character is seen as nothing, or changes how others are seen.
#[must_use]
pub fn is_hidden(c: char) -> bool {
    c.is_control() || matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_folded_between_words() {
        assert_eq!(folded("one two three", 8, 0), "one two\nthree");
        assert_eq!(folded("  one two three\nfour", 9, 2), "  one two\n    three\nfour");
        assert_eq!(folded("one https://example.com/a/b two", 8, 2), "one\n  https://example.com/a/b\n  two");
        assert_eq!(folded("a   b", 80, 2), "a   b");
        assert_eq!(folded("12345678", 4, 2), "12345678");
        assert_eq!(folded(&format!("{} two", styled(ALARM, "one:")), 8, 2), format!("{} two", styled(ALARM, "one:")));
        for width in 0..12 {
            let words = |text: &str| text.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
            assert_eq!(words(&folded("größe ist   nicht alles", width, 3)), words("größe ist nicht alles"));
        }
    }
}
