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

/// Writes a line to stderr. If that is not possible there is nobody left to tell.
pub fn say(text: &str) {
    let mut stderr = anstream::stderr().lock();
    let _ = writeln!(stderr, "{text}");
}

/// Says why a run failed.
pub fn fail(text: &str) {
    say(&format!("{} {text}", styled(ALARM, "error:")));
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
