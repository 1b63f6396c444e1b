//! Plan → text, the last step: what fits into the columns of a terminal, and where the rest goes.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::hash::Hash;

use crate::output::{ASIDE, printable, styled};

/// How wide a terminal is taken to be: what is read at night is read in a small window.
pub(super) const WIDTH: usize = 80;

/// How many characters a text has.
pub(super) fn length(text: &str) -> usize {
    text.chars().count()
}

/// A text cut at its end where it is longer.
pub(super) fn cut(text: &str, width: usize) -> String {
    if length(text) <= width {
        return text.to_owned();
    }
    format!("{}…", text.chars().take(width.saturating_sub(1)).collect::<String>())
}

/// A name cut in its middle where it is longer: names of one sort often begin alike, and often end alike.
pub(super) fn cut_name(name: &str, width: usize) -> String {
    let all = length(name);
    if all <= width {
        return name.to_owned();
    }
    let end = width / 3;
    let begin = width.saturating_sub(end + 1);
    name.chars().take(begin).chain(['…']).chain(name.chars().skip(all - end)).collect()
}

/// The words of a text on lines of so many columns. A word that is longer has a line of its own.
pub(super) fn wrapped(text: &str, width: usize) -> Vec<String> {
    wrapped_after(text, width, width)
}

/// The same where the first line has another width.
fn wrapped_after(text: &str, first: usize, width: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split(' ').filter(|word| !word.is_empty()) {
        let room = if lines.len() == 1 { first } else { width };
        match lines.last_mut() {
            Some(line) if length(line) + 1 + length(word) <= room => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines
}

/// Writes a text on as many lines as it takes. `lead` begins the first and takes `indent` columns, which the others leave free.
pub(super) fn write_hanging(text: &mut String, lead: &str, indent: usize, words: &str) {
    write_below(text, lead, indent, indent, words);
}

/// The same, with the other lines somewhere else than below the first: `lead` takes `first` columns, and they leave `indent`.
pub(super) fn write_below(text: &mut String, lead: &str, first: usize, indent: usize, words: &str) {
    let lines = wrapped_after(words, WIDTH.saturating_sub(first), WIDTH.saturating_sub(indent));
    for (at, line) in lines.iter().enumerate() {
        let _ = match at {
            0 => writeln!(text, "{lead}{line}"),
            _ => writeln!(text, "{:indent$}{line}", ""),
        };
    }
}

/// One line of what happens: a sign, what it happens to, a few words, and something by the way.
pub(super) struct Row<'a> {
    pub indent: usize,
    /// The sign, in its style; a space where nothing happens to the thing itself.
    pub sign: &'a str,
    pub label: &'a str,
    /// How many columns the labels beside each other take.
    pub width: usize,
    pub words: &'a str,
    pub aside: &'a str,
}

impl Row<'_> {
    /// Whether the words fit beside the label.
    pub fn fits(&self) -> bool {
        self.label_width(length(self.words)).is_some()
    }

    /// How wide the label can be where so much stands beside it: as wide as the others, or as wide as it is.
    fn label_width(&self, beside: usize) -> Option<usize> {
        let own = length(self.label);
        let fits = |width: &usize| self.indent + 2 + width + 2 + beside <= WIDTH;
        [self.width.max(own), own].into_iter().find(fits)
    }

    /// Writes it on one line, if that fits. Otherwise what is by the way goes below, and the words as well if they must.
    pub fn write(&self, text: &mut String) {
        let Self { indent, sign, words, aside, .. } = self;
        let label = printable(self.label);
        let gap = if aside.is_empty() || words.is_empty() { "" } else { "  " };
        let whole = format!("{words}{}", by_the_way(gap, aside));
        let long = length(words) + gap.len() + length(aside);
        let mut below: Vec<String> = Vec::new();
        let room = WIDTH - BELOW - indent;
        let dimmed = || wrapped(aside, room).into_iter().map(|line| by_the_way("", &line));
        let (width, beside) = match (self.label_width(long), self.label_width(length(words))) {
            (Some(width), _) => (width, whole.as_str()),
            (None, Some(width)) => {
                below.extend(dimmed());
                (width, *words)
            }
            (None, None) if long <= room => {
                below.push(whole);
                (0, "")
            }
            (None, None) => {
                below.extend(wrapped(words, room));
                below.extend(dimmed());
                (0, "")
            }
        };
        let _ = writeln!(text, "{}", format!("{:indent$}{sign} {label:<width$}  {beside}", "").trim_end());
        for line in below {
            let _ = writeln!(text, "{:indent$}{:BELOW$}{line}", "", "");
        }
    }
}

/// How much further what goes below stands to the right.
pub(super) const BELOW: usize = 6;

/// Something by the way, if there is anything.
pub(super) fn by_the_way(gap: &str, aside: &str) -> String {
    if aside.is_empty() { String::new() } else { format!("{gap}{}", styled(ASIDE, aside)) }
}

/// `1,000`.
pub(super) fn grouped(count: usize) -> String {
    let digits = count.to_string();
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// `1 repository`, `2 repositories`.
pub(super) fn plural(count: usize, many: &str) -> String {
    if count != 1 {
        return format!("{} {many}", grouped(count));
    }
    let kind = crate::resource::KINDS.iter().find(|kind| kind.section() == many);
    let one = kind.map_or_else(|| many.strip_suffix('s').unwrap_or(many), |kind| kind.name());
    format!("1 {one}")
}

/// The names that fit into a line of so many columns, and how many more there are. A few are named in any case.
pub(super) fn names(all: &[String], few: usize, width: usize) -> String {
    let more = |left: usize| format!(" and {} more", grouped(left));
    let room = width.saturating_sub(length(&more(all.len())));
    let ends = all.iter().scan(0, |end, name| {
        *end += length(name) + 2;
        Some(*end - 2)
    });
    let mut fitting = 0;
    for end in ends {
        if end > width {
            let shown = if all.len() <= few { all.len() } else { fitting.max(1) };
            let left = all.len() - shown;
            return all[..shown].join(", ") + &if left > 0 { more(left) } else { String::new() };
        }
        fitting += usize::from(end <= room);
    }
    all.join(", ")
}

/// Things by what they have in common, in the order of the first of each.
pub(super) fn by<K: Copy + Eq + Hash, T>(
    things: impl IntoIterator<Item = T>,
    key: impl Fn(&T) -> K,
) -> Vec<(K, Vec<T>)> {
    let mut groups: Vec<(K, Vec<T>)> = Vec::new();
    let mut places: HashMap<K, usize> = HashMap::new();
    for thing in things {
        let key = key(&thing);
        let at = *places.entry(key).or_insert(groups.len());
        if at == groups.len() {
            groups.push((key, Vec::new()));
        }
        groups[at].1.push(thing);
    }
    groups
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_is_too_long_loses_its_middle() {
        assert_eq!(cut_name("https://ci.example.com/hook", 80), "https://ci.example.com/hook");
        assert_eq!(cut_name("https://ci.example.com/hook", 16), "https://ci…/hook");
        assert_eq!(cut("größer", 4), "grö…");
    }

    #[test]
    fn names_are_named_as_far_as_they_fit() {
        let all: Vec<String> = (0..40).map(|number| format!("service-{number:02}")).collect();
        assert_eq!(names(&all, 6, 40), "service-00, service-01 and 38 more");
        assert_eq!(names(&all[..3], 6, 10), "service-00, service-01, service-02");
        assert_eq!(names(&all[..1], 0, 0), "service-00");
    }

    #[test]
    fn lines_are_no_longer_than_they_may_be_unless_a_word_is() {
        assert_eq!(wrapped("one two  three", 7), ["one two", "three"]);
        assert_eq!(wrapped("a-very-long-word b", 4), ["a-very-long-word", "b"]);
        assert_eq!(wrapped("", 4), [""; 0]);
    }
}
