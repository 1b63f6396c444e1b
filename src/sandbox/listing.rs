//! Paging, ordering and partial responses, the same for every list (api.md §2.3, §2.4, §2.5).

use std::cmp::Ordering;
use std::ops::Range;

use hyper::StatusCode;
use serde_json::{Map, Value};

use super::answer::{Answer, Refusal};
use super::fields;
use super::query::Term;
use super::random::splitmix64;
use super::repository::Detail;
use super::request::{Request, percent_encode};

/// The longest page. More is refused, as is anything below nothing; a length of 0 was seen to mean the default, and
/// lengths below the documented 10 to be honoured.
pub(super) const LONGEST_PAGE: usize = 100;
const DEFAULT_PAGE: usize = 10;

/// What the pages of a list say of each other.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Pages {
    /// Each says its number, the size of the whole list and, by number, which is next.
    #[default]
    Numbered,
    /// Each has a `next` that holds a cursor in place of a number, and says neither a number nor a size.
    Opaque,
    /// Each says its number and nothing else, as lists of the Pipelines family do.
    WithoutNext,
}

/// A request as operations see it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Call<'a> {
    pub(super) request: &'a Request,
    /// Whether somebody asks who was let in: anonymous people see what is public.
    pub(super) known: bool,
    pub(super) pages: Pages,
    pub(super) longest_page: usize,
}

impl Call<'_> {
    /// Shapes a document by the `fields` parameter. `show` is asked for the full form only when somebody may want it.
    pub(super) fn shape(&self, show: impl Fn(Detail) -> Value) -> Value {
        match self.request.parameter("fields") {
            Some(terms) if !terms.is_empty() => fields::apply(terms, &show(Detail::Condensed), || show(Detail::Full)),
            _ => show(Detail::Condensed),
        }
    }

    /// One page of a list of `total` things; `show` gives those within a range.
    pub(super) fn page(
        &self,
        total: usize,
        show: impl Fn(Range<usize>, Detail) -> Vec<Value>,
    ) -> Result<Value, Refusal> {
        let page = Page::asked(self)?;
        let start = page.start.min(total);
        let end = start.saturating_add(page.length).min(total);
        Ok(self.shape(|detail| {
            let mut envelope = Map::new();
            envelope.insert("values".to_owned(), show(start..end, detail).into());
            self.links(&page, end, total, &mut envelope);
            Value::Object(envelope)
        }))
    }

    /// What surrounds the values: numbers and links, or an opaque link alone.
    fn links(&self, page: &Page, end: usize, total: usize, envelope: &mut Map<String, Value>) {
        let number = page.start / page.length + 1;
        match self.pages {
            Pages::Opaque => {
                envelope.insert("pagelen".to_owned(), page.length.into());
                if end < total {
                    envelope.insert("next".to_owned(), self.link("ctx", &cursor(end)).into());
                }
                return;
            }
            Pages::WithoutNext => {
                envelope.insert("page".to_owned(), number.into());
                return;
            }
            Pages::Numbered => {}
        }
        envelope.insert("pagelen".to_owned(), page.length.into());
        envelope.insert("size".to_owned(), total.into());
        envelope.insert("page".to_owned(), number.into());
        if end < total {
            envelope.insert("next".to_owned(), self.link("page", &(number + 1).to_string()).into());
        }
        if number > 1 {
            envelope.insert("previous".to_owned(), self.link("page", &(number - 1).to_string()).into());
        }
    }

    /// This request's own URL with another place in the list.
    fn link(&self, name: &str, value: &str) -> String {
        let mut url = format!("{}{}?", self.request.origin, self.request.path);
        for (key, value) in self.request.parameters().iter().filter(|(key, _)| key != "page" && key != "ctx") {
            for part in [&percent_encode(key), "=", &percent_encode(value), "&"] {
                url.push_str(part);
            }
        }
        url + name + "=" + value
    }

    /// The field to sort by, and whether downwards.
    pub(super) fn sort(&self, sortable: &[&'static str]) -> Result<Option<(&'static str, bool)>, Refusal> {
        let Some(sort) = self.request.parameter("sort").filter(|sort| !sort.is_empty()) else {
            return Ok(None);
        };
        let (name, descending) = sort.strip_prefix('-').map_or((sort, false), |name| (name, true));
        let Some(field) = sortable.iter().find(|field| **field == name) else {
            let message = format!("Field \".{name}\" does not support sorting");
            return Err(Refusal::from(Answer::error(StatusCode::BAD_REQUEST, &message)));
        };
        Ok(Some((field, descending)))
    }
}

/// The place in a list that was asked for.
#[derive(Debug)]
struct Page {
    start: usize,
    length: usize,
}

impl Page {
    fn asked(call: &Call<'_>) -> Result<Self, Refusal> {
        let refuse = |message| Refusal::from(Answer::error(StatusCode::BAD_REQUEST, message));
        let length = match call.request.parameter("pagelen").map(str::parse) {
            None | Some(Ok(0)) => DEFAULT_PAGE,
            Some(Ok(length)) if length <= LONGEST_PAGE => length,
            Some(_) => return Err(refuse("Invalid pagelen")),
        };
        let length = length.min(call.longest_page.max(1));
        if call.pages == Pages::Opaque {
            // A page number means nothing here: whoever builds one gets the first page again.
            let start = match call.request.parameter("ctx") {
                None => 0,
                Some(text) => offset(text).ok_or_else(|| refuse("Invalid ctx"))?,
            };
            return Ok(Self { start, length });
        }
        let number = match call.request.parameter("page").map(str::parse::<usize>) {
            None => 1,
            Some(Ok(number)) if number > 0 => number,
            Some(_) => return Err(refuse("Invalid page")),
        };
        Ok(Self { start: (number - 1).saturating_mul(length), length })
    }
}

/// A place in a list as nobody would guess it: scrambled, with a check.
fn cursor(offset: usize) -> String {
    let offset = u64::try_from(offset).unwrap_or(u64::MAX);
    let key = splitmix64(1);
    format!("{:016x}{:08x}", offset ^ key, splitmix64(offset) >> 32)
}

fn offset(cursor: &str) -> Option<usize> {
    let scrambled = u64::from_str_radix(cursor.get(..16)?, 16).ok()?;
    let check = u64::from_str_radix(cursor.get(16..)?, 16).ok()?;
    let offset = scrambled ^ splitmix64(1);
    if splitmix64(offset) >> 32 == check { usize::try_from(offset).ok() } else { None }
}

/// The order of two values of a field: nothing first, then by kind.
pub(super) fn compare(left: &Term<'_>, right: &Term<'_>) -> Ordering {
    let rank = |term: &Term<'_>| match term {
        Term::Null => 0,
        Term::Bool(_) => 1,
        Term::Number(_) => 2,
        Term::Text(_) => 3,
    };
    match (left, right) {
        (Term::Bool(left), Term::Bool(right)) => left.cmp(right),
        (Term::Number(left), Term::Number(right)) => left.total_cmp(right),
        (Term::Text(left), Term::Text(right)) => left.cmp(right),
        _ => rank(left).cmp(&rank(right)),
    }
}

#[cfg(test)]
mod tests {
    use hyper::body::Bytes;
    use serde_json::json;

    use super::*;

    fn page(query: &str, pages: Pages, total: usize) -> Result<Value, String> {
        let (head, ()) = hyper::Request::get(format!("/2.0/repositories/acme?{query}"))
            .header("host", "localhost:1")
            .body(())
            .map_err(|error| error.to_string())?
            .into_parts();
        let request = Request::new(head, Bytes::new(), "");
        let call = Call { request: &request, known: true, pages, longest_page: 50 };
        call.page(total, |range, _| range.map(Value::from).collect())
            .map_err(|refusal| String::from_utf8_lossy(&refusal.0.bytes()).into_owned())
    }

    #[test]
    fn numbered_pages() {
        let second = page("pagelen=2&page=2&q=a+b", Pages::Numbered, 5);
        let link = |n| format!("http://localhost:1/2.0/repositories/acme?pagelen=2&q=a%20b&page={n}");
        assert_eq!(
            second,
            Ok(json!({"pagelen": 2, "page": 2, "size": 5, "values": [2, 3], "next": link(3), "previous": link(1)})),
        );
        assert_eq!(page("page=9", Pages::Numbered, 3).map(|page| page["values"].clone()), Ok(json!([])));
        assert_eq!(page("pagelen=0", Pages::Numbered, 30).map(|page| page["pagelen"].clone()), Ok(json!(10)));
        assert_eq!(page("pagelen=50&page=1", Pages::Numbered, 50).map(|page| page.get("next").cloned()), Ok(None));
        assert_eq!(page("pagelen=100", Pages::Numbered, 100).map(|page| page["pagelen"].clone()), Ok(json!(50)));
        for bad in ["pagelen=101", "pagelen=-1", "pagelen=x", "page=0", "page=x"] {
            assert!(page(bad, Pages::Numbered, 3).is_err_and(|error| error.contains("Invalid page")), "{bad}");
        }
    }

    #[test]
    fn opaque_pages_lead_through_everything_once() {
        let mut seen = Vec::new();
        let mut query = "pagelen=3".to_owned();
        while let Ok(answer) = page(&query, Pages::Opaque, 8) {
            assert!(answer.get("size").is_none() && answer.get("page").is_none());
            seen.extend(answer["values"].as_array().cloned().unwrap_or_default());
            match answer["next"].as_str().and_then(|next| next.split_once('?')) {
                Some((_, next)) => next.clone_into(&mut query),
                None => break,
            }
        }
        assert_eq!(json!(seen), json!([0, 1, 2, 3, 4, 5, 6, 7]));
        assert!(page("ctx=1", Pages::Opaque, 8).is_err());
    }

    #[test]
    fn pages_without_next_say_their_number() {
        let second = page("pagelen=2&page=2", Pages::WithoutNext, 9);
        assert_eq!(second, Ok(json!({"page": 2, "values": [2, 3]})));
    }

    #[test]
    fn a_list_without_next_in_its_fields_has_none() {
        assert_eq!(page("pagelen=1&fields=values", Pages::Numbered, 2), Ok(json!({"values": [0]})));
    }
}
