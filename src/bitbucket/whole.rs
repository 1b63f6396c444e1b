//! Lists read to their end, with as few requests as the API allows, and never with a hole in them (api.md §2.3).
//!
//! Things appear and vanish while the pages of a list are read, and shift what follows over the borders of pages: an item
//! may then be on none of those that were read. That it was not so is proved without a request more. Let *then* be the
//! moment of the first page, whose `size` says how much there was. If as many different items were read as that, and each of
//! them was there then, all that was there then was read, in whatever order the pages came and whatever happened meanwhile.
//! Each was there if it is on the first page, or older than the youngest there, which a list sorted by age has first.
//!
//! Where ages say nothing, as in a list that cannot be sorted, there is less: every page says the same `size`, so many items
//! were read, none of them twice. Still possible there is that between two of its pages one item vanished and another
//! appeared, so that a third slipped over the border unseen. In a sorted list that takes a whole page of new items and as
//! many that go, or something old that comes into sight just then (moved here from another workspace, or shown to this
//! credential) while something else goes. A repository that is missed so is planned as new, and refused by Bitbucket as
//! existing; the apply then compares it and takes it for done, or says how it differs. One that is to go stays until the
//! next run, and a project whose last repository was missed is not deleted, as Bitbucket deletes none that is not empty.
//!
//! What is not proved is read again, one page after the other, and in the end is an error.

use std::borrow::Cow;
use std::collections::HashSet;
use std::hash::{BuildHasher, RandomState};

use futures::stream::{self, StreamExt};
use serde_json::Value;

use super::Read;
use super::error::{Error, Line};
use super::page::{After, List, Page, unusable};

/// A list of more pages than this is none of Bitbucket's, whose largest workspaces fill a few hundred.
const MOST_PAGES: usize = 10_000;

/// How often a list is read in sequence that does not hold still.
const READINGS: usize = 3;

/// What was read of a list: each item once, as it was made into something to keep.
#[derive(Debug)]
pub struct Items<T> {
    /// The items, in the list's order.
    pub items: Vec<T>,
    /// Whether these are all.
    pub whole: bool,
}

/// Reads the first page of a list, sorted if it can be. `again` hears of a second request.
///
/// # Errors
/// What reading a page brings.
pub async fn begin<R: Read>(client: &R, list: List, again: impl FnOnce()) -> Result<(List, Page), Error> {
    match client.page(list.target(1)).await {
        // Which lists can be sorted, and by what, is documented in principle only (api.md §2.4).
        Err(Error::Refused(refusal)) if refusal.status == 400 && list.is_sorted() => {
            let list = list.unsorted();
            again();
            let first = client.page(list.target(1)).await?;
            Ok((list, first))
        }
        first => Ok((list, first?)),
    }
}

/// Reads the pages that follow a first one, if that pays, and gives what `keep` makes of each item, every item once. `key`
/// tells items apart. Items are let go of as soon as `keep` has seen them: a list can be long.
///
/// `pays` is asked after the first page whether to read the others; where nobody knows how many these are, it is asked again
/// after each.
///
/// # Errors
/// What reading a page brings, and a list whose pages do not add up.
pub async fn rest<R: Read, T>(
    client: &R,
    list: &List,
    first: Page,
    key: impl Fn(&Value) -> Option<Cow<'_, str>>,
    keep: impl Fn(&Value) -> T,
    mut pays: impl FnMut(&Page) -> bool,
) -> Result<Items<T>, Error> {
    let hasher = RandomState::new();
    let take = |value: &Value| Some((hasher.hash_one(key(value)?), keep(value)));
    let remaining = list.remaining(&first);
    let goes_on = remaining == Some(0) || pays(&first);
    if !goes_on || remaining == Some(0) {
        let (size, line) = (first.size, first.line.clone());
        let mut union = Union::new(list, &first);
        union.add(first, &take)?;
        let had = union.items.len();
        return match size.filter(|size| goes_on && had < *size) {
            Some(size) => Err(unusable(line, format!("it holds {had} items and says that there are {size}"))),
            None => Ok(Items { items: union.items, whole: goes_on }),
        };
    }
    if remaining.is_none_or(|_| !list.is_numbered(&first)) {
        return until_it_holds_still(client, list, first, &take, |page| remaining.is_some() || pays(page)).await;
    }
    let union = side_by_side(client, list, first, remaining.unwrap_or_default(), &take).await?;
    if union.is_proved() {
        return Ok(Items { items: union.items, whole: true });
    }
    drop(union);
    let again = client.page(list.target(1)).await?;
    until_it_holds_still(client, list, again, &take, |_| true).await
}

/// Reads in sequence, and again if what was read does not show that it is all.
async fn until_it_holds_still<R: Read, T>(
    client: &R,
    list: &List,
    first: Page,
    take: &impl Fn(&Value) -> Option<(u64, T)>,
    mut goes_on: impl FnMut(&Page) -> bool,
) -> Result<Items<T>, Error> {
    let mut page = first;
    let mut readings = 0;
    loop {
        let union = in_sequence(client, list, page, take, &mut goes_on).await?;
        readings += 1;
        let held_still = union.steady && !union.double;
        let had = union.items.len();
        match union.size {
            _ if union.open => return Ok(Items { items: union.items, whole: false }),
            Some(size) if held_still && had < size => {
                return Err(unusable(union.line, format!("the list ended after {had} of {size} items")));
            }
            // Without a size nothing else can be known; and a list may hold more than it says, all the time.
            None if union.steady => return Ok(Items { items: union.items, whole: true }),
            Some(_) if held_still || union.is_proved() => return Ok(Items { items: union.items, whole: true }),
            _ if readings == READINGS => {
                let why = format!("it changed each time it was read, {READINGS} times: run again when it is at rest");
                return Err(unusable(union.line, why));
            }
            _ => page = client.page(list.target(1)).await?,
        }
    }
}

/// Asks for the other pages by number, as many at once as the client may send.
async fn side_by_side<'a, R: Read, T>(
    client: &R,
    list: &'a List,
    first: Page,
    remaining: usize,
    take: &impl Fn(&Value) -> Option<(u64, T)>,
) -> Result<Union<'a, T>, Error> {
    if remaining > MOST_PAGES {
        return Err(unusable(first.line, format!("it says that it has {remaining} more pages")));
    }
    let mut union = Union::new(list, &first);
    union.add(first, take)?;
    let mut reading =
        stream::iter(2..2 + remaining).map(|number| client.page(list.target(number))).buffered(client.concurrency());
    while let Some(page) = reading.next().await {
        match page {
            Ok(page) => drop(union.add(page, take)?),
            Err(error) if union.has_ended(&error) => break,
            Err(error) => return Err(error),
        }
    }
    Ok(union)
}

/// Goes from page to page, by `next` or, where a list has none, by number.
async fn in_sequence<'a, R: Read, T>(
    client: &R,
    list: &'a List,
    first: Page,
    take: &impl Fn(&Value) -> Option<(u64, T)>,
    mut goes_on: impl FnMut(&Page) -> bool,
) -> Result<Union<'a, T>, Error> {
    let mut union = Union::new(list, &first);
    let mut links = HashSet::new();
    let mut page = first;
    let mut number = 1;
    loop {
        let line = page.line.clone();
        let had = page.values.len();
        // The first page was asked about before.
        let enough = number > 1 && page.next.is_some() && !goes_on(&page);
        let after = list.after(&page, number, union.items.len() + had);
        let new = union.add(page, take)?;
        let circle = had > 0 && new == 0;
        let next = match after {
            After::End => return Ok(union),
            After::Link(next) if circle || !links.insert(next.clone()) => {
                return Err(unusable(line, "its `next` leads in a circle".to_owned()));
            }
            After::Number(_) if circle => return Err(unusable(line, "its pages repeat each other".to_owned())),
            _ if enough => return Ok(union),
            _ if number > MOST_PAGES => {
                return Err(unusable(line, format!("the list has no end, after {MOST_PAGES} pages")));
            }
            After::Link(next) => client.next(&Page { line, ..Page::default() }, next).await,
            After::Number(next) => client.page(list.target(next)).await,
        };
        number += 1;
        page = match next {
            Ok(page) => page,
            Err(error) if union.has_ended(&error) => return Ok(union),
            Err(error) => return Err(error),
        };
    }
}

/// What the pages of one reading hold together, and what shows that it is all.
struct Union<'a, T> {
    list: &'a List,
    line: Option<Line>,
    items: Vec<T>,
    seen: HashSet<u64>,
    /// How many there were at the time of the first page.
    size: Option<usize>,
    /// When the youngest of these came to be. Nothing, unless all items read since are known to be older.
    youngest: Option<String>,
    /// Every page said the same size, and there was a page wherever one was to be.
    steady: bool,
    double: bool,
    /// The last page says that there are more.
    open: bool,
}

impl<'a, T> Union<'a, T> {
    fn new(list: &'a List, first: &Page) -> Self {
        let youngest = first.values.first().and_then(|value| list.age(value)).map(str::to_owned);
        Self {
            list,
            line: None,
            items: Vec::new(),
            seen: HashSet::new(),
            size: first.size,
            youngest,
            steady: true,
            double: false,
            open: false,
        }
    }

    /// Takes in a page, and says how many of its items were new.
    fn add(&mut self, page: Page, take: &impl Fn(&Value) -> Option<(u64, T)>) -> Result<usize, Error> {
        let before = self.items.len();
        self.youngest = self.youngest.take().filter(|youngest| self.are_older(&page.values, youngest, before == 0));
        for (at, value) in page.values.iter().enumerate() {
            let Some((key, item)) = take(value) else {
                // It would count as one that is not there.
                return Err(unusable(page.line, format!("an item of the list, number {}, has no name", at + 1)));
            };
            if self.seen.insert(key) {
                self.items.push(item);
            }
        }
        let new = self.items.len() - before;
        self.double |= new < page.values.len();
        self.steady &= page.size.is_none_or(|size| Some(size) == self.size);
        self.open = page.next.is_some();
        self.line = page.line;
        Ok(new)
    }

    /// Whether a page is sorted by age as it was asked for, and, if it is not the first, all of its items are older than this.
    fn are_older(&self, values: &[Value], youngest: &str, first: bool) -> bool {
        let Some(ages) = values.iter().map(|value| self.list.age(value)).collect::<Option<Vec<_>>>() else {
            return false;
        };
        let sorted = ages.is_sorted_by(|younger, older| younger >= older);
        sorted && (first || ages.first().is_none_or(|age| *age < youngest))
    }

    fn is_proved(&self) -> bool {
        !self.open && self.size == Some(self.items.len()) && (self.youngest.is_some() || self.steady && !self.double)
    }

    /// Whether an answer says that there is no such page. If there was to be one, something has vanished.
    fn has_ended(&mut self, error: &Error) -> bool {
        let ended = error.refusal().is_some_and(|refusal| refusal.status == 404);
        if ended {
            self.steady &= !self.open && self.size.is_none();
            self.open = false;
        }
        ended
    }
}
