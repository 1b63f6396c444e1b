//! Lists that change while they are read, lists of every shape, and what is saved by asking for little.

use std::collections::BTreeSet;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use bbprov::bitbucket::error::{Error, Line, Refusal};
use bbprov::bitbucket::page::{List, Page};
use bbprov::bitbucket::whole::{Items, rest};
use bbprov::bitbucket::{self, Client, Credential, Read};
use bbprov::resource::Method;
use bbprov::sandbox::{Options, Pages};
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::support::{Bitbucket, lines};

/// How pages are served.
#[derive(Debug, Clone, Copy)]
struct Style {
    /// Whether `sort` is heeded.
    sorts: bool,
    /// Whether `next` holds a number, a cursor, or is not there at all.
    pages: Pages,
    size: bool,
    /// How many there are beyond the size.
    hidden: usize,
    length: usize,
    /// How long each page says that it is.
    says: Option<usize>,
    /// Whether a page behind the end is refused, in place of empty.
    refuses_beyond: bool,
}

const PLAIN: Style = Style {
    sorts: true,
    pages: Pages::Numbered,
    size: true,
    hidden: 0,
    length: 4,
    says: Some(4),
    refuses_beyond: false,
};

/// Something that happens.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Change {
    Appears,
    /// The item at this share of the list, from the oldest, goes.
    Vanishes(u8),
}

/// A list in memory that changes by a schedule: before each page is served the next changes happen.
struct Shelf {
    style: Style,
    /// The items by age, the oldest first.
    items: Mutex<Vec<usize>>,
    /// All that were there at every moment since the beginning.
    constant: Mutex<BTreeSet<usize>>,
    schedule: Vec<Vec<Change>>,
    /// How long each request is on its way, so that they overtake each other.
    delays: Vec<u8>,
    requests: AtomicUsize,
    served: AtomicUsize,
}

impl Shelf {
    fn new(style: Style, items: usize) -> Self {
        Self::changing(style, items, Vec::new(), Vec::new())
    }

    fn changing(style: Style, items: usize, schedule: Vec<Vec<Change>>, delays: Vec<u8>) -> Self {
        Self {
            style,
            items: Mutex::new((0..items).collect()),
            constant: Mutex::new((0..items).collect()),
            schedule,
            delays,
            requests: AtomicUsize::new(0),
            served: AtomicUsize::new(0),
        }
    }

    /// How many appeared, and how many vanished.
    fn happened(&self) -> (usize, usize) {
        let changes: Vec<_> = self.schedule.iter().take(self.served.load(Ordering::Relaxed)).flatten().collect();
        let appeared = changes.iter().filter(|change| ***change == Change::Appears).count();
        (appeared, changes.len() - appeared)
    }

    fn change(&self) {
        let at = self.served.fetch_add(1, Ordering::Relaxed);
        let mut items = self.items.lock().unwrap();
        for (number, change) in self.schedule.get(at).into_iter().flatten().enumerate() {
            match change {
                Change::Appears => items.push(1_000_000 + 100 * at + number),
                Change::Vanishes(_) if items.is_empty() => {}
                Change::Vanishes(share) => {
                    let gone = usize::from(*share) * items.len() / 256;
                    let gone = items.remove(gone);
                    self.constant.lock().unwrap().remove(&gone);
                }
            }
        }
    }

    async fn serve(&self, target: &str) -> Result<Page, Error> {
        let number = self.requests.fetch_add(1, Ordering::Relaxed);
        for _ in 0..self.delays.get(number).copied().unwrap_or_default() {
            tokio::task::yield_now().await;
        }
        self.change();
        let parameter = |name: &str| {
            let (_, query) = target.split_once('?').unwrap();
            query.split('&').find_map(|pair| pair.strip_prefix(name)?.strip_prefix('='))
        };
        let mut items = self.items.lock().unwrap().clone();
        if self.style.sorts && parameter("sort") == Some("-created_on") {
            items.reverse();
        }
        let length = self.style.length;
        let start = match (parameter("ctx"), parameter("page")) {
            (Some(cursor), _) => cursor.parse().unwrap(),
            (None, page) => (page.map_or(1, |page| page.parse::<usize>().unwrap()) - 1) * length,
        };
        let line = Line::new(Method::Get, target);
        if start >= items.len() && start > 0 && self.style.refuses_beyond {
            return Err(Error::Refused(Box::new(Refusal::read(line, 404, "application/json", b"{}"))));
        }
        let end = (start + length).min(items.len());
        let page = items.get(start..end).unwrap_or_default().iter();
        // Two that follow each other are as old as each other.
        let shown = page.map(|item| json!({"slug": format!("r{item}"), "created_on": format!("{:09}", item / 2)}));
        let next = (end < items.len()).then(|| match self.style.pages {
            Pages::Numbered => Some(format!("https://x/list?sort=-created_on&page={}", start / length + 2)),
            Pages::Opaque => Some(format!("https://x/list?sort=-created_on&ctx={end}")),
            Pages::WithoutNext => None,
        });
        Ok(Page {
            line: Some(line),
            values: shown.collect(),
            next: next.flatten(),
            size: self.style.size.then_some(items.len() - self.style.hidden),
            length: self.style.says,
        })
    }
}

impl Read for Shelf {
    async fn get(&self, _: &str) -> Result<Option<Value>, Error> {
        Ok(None)
    }

    async fn page(&self, target: String) -> Result<Page, Error> {
        self.serve(&target).await
    }

    async fn next(&self, _: &Page, link: String) -> Result<Page, Error> {
        self.serve(&link).await
    }

    async fn scopes(&self, _: &str) -> Option<Vec<String>> {
        None
    }

    fn requests(&self) -> usize {
        self.requests.load(Ordering::Relaxed)
    }

    fn hourly(&self) -> usize {
        bbprov::bitbucket::HOURLY
    }

    fn concurrency(&self) -> usize {
        3
    }
}

/// Reads all of a list, and gives the names of its items.
async fn read_by(client: &impl Read, list: &List) -> Result<Vec<String>, Error> {
    let first = client.page(list.target(1)).await?;
    let slug = |value: &Value| value["slug"].as_str().unwrap().to_owned();
    let Items { items, whole } =
        rest(client, list, first, |value| value["slug"].as_str().map(Into::into), slug, |_| true).await?;
    assert!(whole);
    Ok(items)
}

fn read(shelf: &Shelf) -> Result<Vec<String>, Error> {
    let list = List::new("/list", ["slug"]);
    let list = if matches!(shelf.style.pages, Pages::WithoutNext) { list.numbered_without_next() } else { list };
    let list = if shelf.style.sorts { list.newest_first() } else { list };
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(read_by(shelf, &list))
}

/// What was read, if it was read, holds nothing twice; and what of all that was there all the time it lacks.
fn holes(shelf: &Shelf, read: &[String]) -> usize {
    let names: BTreeSet<&str> = read.iter().map(String::as_str).collect();
    assert_eq!(names.len(), read.len(), "something was read twice");
    let constant = shelf.constant.lock().unwrap();
    constant.iter().filter(|item| !names.contains(format!("r{item}").as_str())).count()
}

#[test]
fn a_list_at_rest_is_read_once_whatever_its_pages_say() {
    for items in [0, 1, 3, 4, 5, 8, 9, 41] {
        for pages in [Pages::Numbered, Pages::Opaque, Pages::WithoutNext] {
            for (sorts, size, says) in [
                (true, true, Some(4)),
                (false, true, Some(4)),
                (false, true, None),
                (true, false, Some(4)),
                // A page that says it is longer than it is.
                (true, true, Some(100)),
            ] {
                let style = Style { sorts, pages, size, says, ..PLAIN };
                let shelf = Shelf::new(style, items);
                assert_eq!(holes(&shelf, &read(&shelf).unwrap()), 0, "{style:?}");
                // Only a full last page that does not say that it is the last costs one more.
                let unsure = !size && matches!(pages, Pages::WithoutNext) && items > 0 && items % 4 == 0;
                let best = items.div_ceil(4).max(1) + usize::from(unsure);
                assert_eq!(shelf.requests(), best, "{items} of {style:?}");
            }
        }
    }
}

#[test]
fn a_list_that_holds_more_than_it_says_is_read_to_its_end() {
    for sorts in [false, true] {
        let shelf = Shelf::new(Style { sorts, hidden: 4, ..PLAIN }, 12);
        assert_eq!(holes(&shelf, &read(&shelf).unwrap()), 0);
    }
}

/// Nothing but the items and the number of the page: shorter than the API's shortest page is the end.
#[test]
fn a_list_without_next_size_and_length_is_read_to_its_end() {
    for (items, length, requests) in [(0, 50, 1), (9, 50, 1), (10, 50, 2), (50, 50, 2), (120, 50, 4), (130, 10, 14)] {
        for refuses_beyond in [false, true] {
            let style = Style {
                sorts: false,
                pages: Pages::WithoutNext,
                size: false,
                hidden: 0,
                length,
                says: None,
                refuses_beyond,
            };
            let shelf = Shelf::new(style, items);
            assert_eq!(holes(&shelf, &read(&shelf).unwrap()), 0, "{items} by {length}");
            assert_eq!(shelf.requests(), requests, "{items} by {length}");
        }
    }
}

fn changes() -> impl Strategy<Value = (usize, Vec<Vec<Change>>, Vec<u8>, usize)> {
    let change = prop_oneof![Just(Change::Appears), any::<u8>().prop_map(Change::Vanishes)];
    let at_once = prop_oneof![3 => Just(0), 2 => Just(1), 1 => Just(2), 1 => Just(4)]
        .prop_flat_map(move |count| prop::collection::vec(change.clone(), count));
    let schedule = prop::collection::vec(at_once, 0..24);
    (1..30usize, schedule, prop::collection::vec(0..6u8, 0..24), 1..5usize)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 4_000, failure_persistence: None, ..ProptestConfig::default() })]

    /// Whatever appears and vanishes, in whatever order the pages come: what was there all the time is read, and once.
    #[test]
    fn a_sorted_list_has_no_hole((items, schedule, delays, length) in changes(), refuses_beyond: bool) {
        let shelf = Shelf::changing(Style { refuses_beyond, length, says: Some(length), ..PLAIN }, items, schedule, delays);
        match read(&shelf) {
            // Unless so many came that some of them are on the second page, and as many went: then ages prove nothing.
            Ok(names) if holes(&shelf, &names) > 0 => {
                let (appeared, vanished) = shelf.happened();
                prop_assert!(appeared >= length && vanished >= length);
            }
            Ok(_) => {}
            // Only what vanishes while it is read, and each time again, is given up; and so many new ones that a whole page
            // is seen twice look like a circle.
            Err(error) => {
                let error = error.to_string();
                let (appeared, vanished) = shelf.happened();
                let changed = error.contains("changed each time it was read") && vanished > 2;
                prop_assert!(changed || error.contains("circle") && appeared >= length, "{}", error);
            }
        }
    }

    /// Where it cannot be sorted, a hole takes one that vanishes and one that appears at once.
    #[test]
    fn an_unsorted_list_has_a_hole_only_if_one_comes_for_one_that_goes((items, schedule, delays, length) in changes()) {
        let shelf = Shelf::changing(Style { sorts: false, length, says: Some(length), ..PLAIN }, items, schedule, delays);
        if let Ok(names) = read(&shelf) && holes(&shelf, &names) > 0 {
            let (appeared, vanished) = shelf.happened();
            prop_assert!(appeared > 0 && vanished > 0);
        }
    }
}

/// One thing that happens is never the end: the list is read again if need be, and what appears costs nothing.
#[test]
fn one_change_is_survived_and_costs_one_more_reading_at_most() {
    for sorts in [true, false] {
        for at in 1..6 {
            for change in [Change::Appears, Change::Vanishes(0), Change::Vanishes(128), Change::Vanishes(255)] {
                let mut schedule = vec![vec![]; at];
                schedule.push(vec![change]);
                let shelf = Shelf::changing(Style { sorts, ..PLAIN }, 18, schedule, Vec::new());
                assert_eq!(holes(&shelf, &read(&shelf).unwrap()), 0, "{change:?} at {at}");
                assert!(shelf.requests() <= 5 + 5, "{change:?} at {at}: {}", shelf.requests());
            }
        }
    }
}

/// What no size shows: one goes and one comes at once, so that all pages say the same, nothing is read twice, and the item
/// that moves up over the border of the first page is on none. By age nothing comes at the end, where it would fill the gap.
#[test]
fn a_hole_that_no_size_shows_needs_a_list_that_cannot_be_sorted() {
    for share in 0..=255 {
        let swap = |sorts| {
            let schedule = vec![vec![], vec![Change::Vanishes(share), Change::Appears]];
            Shelf::changing(Style { sorts, ..PLAIN }, 12, schedule, Vec::new())
        };
        let (unsorted, sorted) = (swap(false), swap(true));
        assert_eq!(holes(&unsorted, &read(&unsorted).unwrap()), usize::from(share < 86), "{share}");
        assert_eq!(holes(&sorted, &read(&sorted).unwrap()), 0, "{share}");
        // One after the other, and a page in between that says another size.
        let schedule = vec![vec![], vec![Change::Vanishes(share)], vec![Change::Appears]];
        let seen = Shelf::changing(Style { sorts: false, ..PLAIN }, 12, schedule, Vec::new());
        assert_eq!(holes(&seen, &read(&seen).unwrap()), 0, "{share}");
    }
}

/// So many appear that some are on the second page, and go again: as many items were read as there were, and yet not those.
#[test]
fn what_came_later_does_not_stand_for_what_was_there() {
    let (appear, youngest_of_three) = (Change::Appears, Change::Vanishes(200));
    let schedule = vec![vec![], vec![youngest_of_three, appear, appear], vec![Change::Vanishes(255)]];
    let shelf = Shelf::changing(Style { length: 1, says: Some(1), ..PLAIN }, 3, schedule, Vec::new());
    assert_eq!(holes(&shelf, &read(&shelf).unwrap()), 0);
    assert!(shelf.requests() > 3);
}

/// A list without an end, or of which somebody says so.
#[test]
fn a_list_without_an_end_is_given_up() {
    let endless = Shelf::new(Style { size: false, pages: Pages::Opaque, length: 1, ..PLAIN }, 20_000);
    let error = read(&endless).unwrap_err().to_string();
    assert!(error.contains("the list has no end, after 10000 pages"), "{error}");
    assert!(endless.requests() <= 10_001);
    let numbered = Shelf::new(Style { length: 1, ..PLAIN }, 20_000);
    let error = read(&numbered).unwrap_err().to_string();
    assert!(error.contains("more pages"), "{error}");
    assert_eq!(numbered.requests(), 1);
}

fn client(bitbucket: &Bitbucket) -> Client {
    let options = bitbucket::Options {
        api_url: bitbucket.sandbox().api_url(),
        token_url: bitbucket.sandbox().token_url(),
        ..bitbucket::Options::new(Credential::Bearer("hand".to_owned().into()))
    };
    Client::new(options, std::sync::Arc::new(())).unwrap()
}

fn filled(options: Options, repositories: usize) -> Bitbucket {
    let bitbucket = Bitbucket::with(options);
    let repositories = lines(repositories, |number| format!("      - {{slug: r{number}, project: PAY}}\n"));
    bitbucket.manifest(&format!(
        "version: 1\nworkspaces:\n  - workspace: acme\n    projects: [{{key: PAY}}]\n    repositories:\n{repositories}"
    ));
    bitbucket.run(&["apply", "-j", "16"]).exits(0);
    bitbucket
}

/// The same over sockets, as the Pipelines family serves its lists.
#[test]
fn lists_without_next_are_read_from_the_sandbox_by_number() {
    let bitbucket = Bitbucket::with(Options { pages: Pages::WithoutNext, ..Options::default() });
    bitbucket.by_hand("POST", "/workspaces/acme/projects", &json!({"key": "PAY", "name": "Payments"}));
    for number in 0..23 {
        bitbucket.by_hand("POST", &format!("/repositories/acme/r{number}"), &json!({}));
    }
    let list = List::new("/repositories/acme", ["slug"]).numbered_without_next();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let names = runtime.block_on(async { read_by(&client(&bitbucket), &list).await.unwrap() });
    assert_eq!(names, (0..23).map(|number| format!("r{number}")).collect::<Vec<_>>());
}

/// What a plan asks of each repository, beside what Bitbucket would send unasked.
#[test]
fn asking_for_few_fields_keeps_answers_small() {
    let bitbucket = filled(Options::default(), 100);
    bitbucket.run(&["plan"]).exits(0);
    bitbucket.by_hand("GET", "/repositories/acme?pagelen=100", &Value::Null);
    let exchanges = bitbucket.sandbox().exchanges();
    let lists = exchanges.iter().filter(|exchange| exchange.method == "GET" && exchange.path.ends_with("/acme"));
    let bytes: Vec<usize> = lists.map(|exchange| exchange.response_body.len() / 100).collect();
    let [.., asked, whole] = bytes[..] else { panic!("{bytes:?}") };
    println!("{asked} bytes for each repository in place of {whole}: a {}th", whole / asked);
    assert!(whole > 12 * asked, "{asked} of {whole}");
}
