//! Everything that was found, however much that is: bounded, ordered, and summarised.

use std::collections::{BTreeMap, HashMap};
use std::fmt::Write as _;

use super::render::render;
use super::{Code, Diagnostic, Severity, Sources, Span};
use crate::output::printable;

/// Everything that was found, in the order of the text.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Diagnostics(Box<Found>);

#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Found {
    kept: Vec<Kept>,
    /// Where the newest of those stands that speak of one place: a default that does not suit a hundred repositories is one
    /// thing to mend, and said once.
    newest: HashMap<(Option<Span>, Code), usize>,
    errors: usize,
    warnings: usize,
    /// What is not kept, by file and code.
    rest: BTreeMap<(Option<u32>, Code), usize>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Kept {
    diagnostic: Diagnostic,
    /// How many more say the same of the same place.
    again: usize,
}

/// So many errors are kept, and as many warnings; the others are only counted. A file can hold a million.
const KEPT: usize = 5_000;

/// After so many the rest is only counted for a person: nobody reads the hundredth.
const SHOWN: usize = 20;

/// So many lines say what the rest is.
const SUMMED_UP: usize = 10;

impl Diagnostics {
    /// Notes one more, unless there is one at the same place already.
    pub fn push_once(&mut self, diagnostic: Diagnostic) {
        if !self.iter().any(|other| other.primary == diagnostic.primary) {
            self.push(diagnostic);
        }
    }

    /// Notes one more.
    pub fn push(&mut self, diagnostic: Diagnostic) {
        self.push_for(diagnostic, 0);
    }

    /// Notes one more, which holds for so many others as well.
    pub fn push_for(&mut self, diagnostic: Diagnostic, others: usize) {
        let place = (diagnostic.primary.as_ref().map(|(span, _)| *span), diagnostic.code);
        if let Some(last) = self.0.newest.get(&place).and_then(|at| self.0.kept.get_mut(*at))
            && last.diagnostic.says_the_same_as(&diagnostic)
        {
            last.again += 1 + others;
            return;
        }
        let count = match diagnostic.severity {
            Severity::Error => &mut self.0.errors,
            Severity::Warning => &mut self.0.warnings,
        };
        *count += 1;
        if *count > KEPT {
            *self.0.rest.entry((place.0.map(|span| span.source), diagnostic.code)).or_default() += 1;
        } else {
            self.0.newest.insert(place, self.0.kept.len());
            self.0.kept.push(Kept { diagnostic, again: others });
        }
    }

    /// Notes everything that was found elsewhere.
    pub fn extend(&mut self, other: Self) {
        let other = *other.0;
        let kept = |severity| other.kept.iter().filter(|kept| kept.diagnostic.severity == severity).count();
        let (errors, warnings) = (other.errors - kept(Severity::Error), other.warnings - kept(Severity::Warning));
        for Kept { diagnostic, again } in other.kept {
            self.push_for(diagnostic, again);
        }
        self.0.errors += errors;
        self.0.warnings += warnings;
        for (place, count) in other.rest {
            *self.0.rest.entry(place).or_default() += count;
        }
    }

    /// Whether there are so many errors that what is found is only counted: its words need not be chosen with care.
    #[must_use]
    pub fn is_full(&self) -> bool {
        self.0.errors >= KEPT
    }

    /// Whether any of them stops the run.
    #[must_use]
    pub fn has_errors(&self) -> bool {
        self.0.errors > 0
    }

    /// How many of them stop the run.
    #[must_use]
    pub fn errors(&self) -> usize {
        self.0.errors
    }

    /// How many a person should merely know.
    #[must_use]
    pub fn warnings(&self) -> usize {
        self.0.warnings
    }

    /// How many are only counted, since there are so many.
    #[must_use]
    pub fn omitted(&self) -> usize {
        self.0.rest.values().sum()
    }

    /// Whether there is nothing to tell.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.kept.is_empty()
    }

    /// All that are kept, in the order of the text once [`Diagnostics::sort`] was called.
    pub fn iter(&self) -> impl Iterator<Item = &Diagnostic> {
        self.0.kept.iter().map(|kept| &kept.diagnostic)
    }

    /// Puts them into the order of the text, and says of each how often it holds.
    pub fn sort(&mut self) {
        self.0.kept.sort_by_key(|kept| kept.diagnostic.order());
        self.0.newest.clear();
        for kept in &mut self.0.kept {
            let again = std::mem::take(&mut kept.again);
            if again > 0 {
                kept.diagnostic.help.push(format!("the same holds for {again} more"));
            }
        }
    }

    /// All of them as text for a person: the first twenty in full, the rest by code and file. For a terminal of `width`
    /// columns, or for a file or another program, which has no width.
    #[must_use]
    pub fn render(&self, sources: &Sources, width: Option<usize>) -> String {
        let mut text = String::new();
        for diagnostic in self.iter().take(SHOWN) {
            let _ = writeln!(text, "{}\n", render(diagnostic, sources, width));
        }
        self.sum_up(&mut text, sources);
        if self.0.errors > 1 {
            let _ = writeln!(text, "{} errors", self.0.errors);
        }
        text
    }

    /// What the rest is, by file and code.
    fn sum_up(&self, text: &mut String, sources: &Sources) {
        let mut rest = self.0.rest.clone();
        for diagnostic in self.iter().skip(SHOWN) {
            let source = diagnostic.primary.as_ref().map(|(span, _)| span.source);
            *rest.entry((source, diagnostic.code)).or_default() += 1;
        }
        if rest.is_empty() {
            return;
        }
        let _ = writeln!(text, "and {} more:", rest.values().sum::<usize>());
        let digits = rest.values().max().map_or(1, |most| most.to_string().len());
        for ((source, code), count) in rest.iter().take(SUMMED_UP) {
            let file = source
                .and_then(|source| sources.get(source))
                .map_or(String::new(), |(name, _)| format!("{}: ", printable(name)));
            let _ = writeln!(text, "  {count:digits$} {code}  {file}{}", code.title());
        }
        if rest.len() > SUMMED_UP {
            let others: usize = rest.values().skip(SUMMED_UP).sum();
            let _ = writeln!(text, "  {others:digits$} others");
        }
        let _ = writeln!(text, "mend the first ones first: others may go with them\n");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(start: u32) -> Span {
        Span { source: 0, start, end: start + 1 }
    }

    fn sources() -> Sources {
        let mut sources = Sources::default();
        sources.add("a.yaml", "x".repeat(100_000));
        sources
    }

    #[test]
    fn a_million_are_counted_and_few_are_kept() {
        let mut all = Diagnostics::default();
        for place in 0..1_000_000 {
            all.push(Diagnostic::warning(Code::ShutDown, at(place), "w"));
        }
        for place in 0..50_000 {
            all.push(Diagnostic::error(Code::UnknownKey, at(place), "e"));
        }
        all.sort();
        assert_eq!((all.iter().count(), all.omitted()), (2 * KEPT, 1_050_000 - 2 * KEPT));
        assert_eq!((all.errors(), all.warnings(), all.has_errors()), (50_000, 1_000_000, true));
        let text = all.render(&sources(), None);
        assert!(text.contains("and 1049980 more:\n"), "{text}");
        assert!(text.contains("BB0101  a.yaml: a key that is not known here"), "{text}");
    }

    #[test]
    fn what_was_found_in_several_places_adds_up() {
        let some = |from: u32, count: u32| {
            let mut some = Diagnostics::default();
            (from..from + count).for_each(|place| some.push(Diagnostic::error(Code::UnknownKey, at(place), "e")));
            some
        };
        let mut all = some(0, 3);
        all.extend(some(2, 6_000));
        assert_eq!((all.errors(), all.iter().count(), all.omitted()), (6_002, KEPT, 1_002));
        all.sort();
        assert_eq!(all.iter().nth(2).unwrap().help, ["the same holds for 1 more"]);
    }

    #[test]
    fn what_is_said_of_one_place_again_and_again_is_said_once() {
        let mut all = Diagnostics::default();
        for _ in 0..100_000 {
            all.push(Diagnostic::error(Code::NoProject, at(7), "no project"));
            all.push(Diagnostic::error(Code::ForkPolicy, at(7), "no such policy"));
        }
        all.push(Diagnostic::error(Code::NoProject, at(7), "something else"));
        all.sort();
        let help: Vec<_> = all.iter().map(|one| one.help.join(" ")).collect();
        assert_eq!(help, ["the same holds for 99999 more", "the same holds for 99999 more", ""]);
        assert_eq!((all.errors(), all.omitted()), (3, 0));
    }

    #[test]
    fn a_very_long_line_is_shown_in_part() {
        let mut sources = Sources::default();
        let text = format!("slug: {}\n", "x".repeat(5_000_000));
        let end = u32::try_from(text.len()).unwrap_or_default();
        let source = sources.add("long.yaml", text);
        let mut all = Diagnostics::default();
        all.push(Diagnostic::error(Code::RepositorySlug, Span { source, start: 6, end }, "bad slug").label("too long"));
        assert!(all.render(&sources, None).len() < 1_000);
    }
}
