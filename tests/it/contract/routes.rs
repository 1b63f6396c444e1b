//! Finds the operation a request means, and checks its query.

use std::cmp::Ordering;

use serde_json::Value;

use super::Finding;
use super::exceptions::UNFILTERED;
use super::shape;

/// The document's path templates.
#[derive(Debug)]
pub(super) struct Routes {
    base: String,
    routes: Vec<Route>,
}

#[derive(Debug)]
struct Route {
    template: String,
    segments: Vec<Segment>,
}

/// One part of a template. The order is the order of preference: a literal beats a parameter.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Segment {
    /// `permissions-config`
    Literal(String),
    /// `{repo_name}-issues-{task_id}.zip`: what stands before the first and behind the last parameter
    Mixed(String, String),
    /// `{workspace}`
    Parameter,
    /// The last parameter, where it is a file's path or a branch's name, which contain slashes.
    Rest,
}

impl Segment {
    fn new(text: &str, last: bool) -> Self {
        match (text.find('{'), text.rfind('}')) {
            (Some(0), _) if last && matches!(text, "{path}" | "{name}") => Self::Rest,
            (Some(0), Some(end)) if end + 1 == text.len() && text.matches('{').count() == 1 => Self::Parameter,
            (Some(start), Some(end)) => Self::Mixed(text[..start].to_owned(), text[end + 1..].to_owned()),
            _ => Self::Literal(text.to_owned()),
        }
    }

    fn fits(&self, text: &str) -> bool {
        match self {
            Self::Literal(literal) => literal == text,
            Self::Mixed(head, tail) => {
                text.len() > head.len() + tail.len() && text.starts_with(head.as_str()) && text.ends_with(tail.as_str())
            }
            Self::Parameter | Self::Rest => !text.is_empty(),
        }
    }

    fn rank(&self) -> u8 {
        match self {
            Self::Literal(_) => 0,
            Self::Mixed(..) => 1,
            Self::Parameter => 2,
            Self::Rest => 3,
        }
    }
}

impl Route {
    fn new(template: &str) -> Self {
        let parts: Vec<_> = template.trim_start_matches('/').split('/').collect();
        let last = parts.len() - 1;
        let segments = parts.iter().enumerate().map(|(index, part)| Segment::new(part, index == last)).collect();
        Self { template: template.to_owned(), segments }
    }

    fn fits(&self, path: &[String]) -> bool {
        let long_enough = match self.segments.last() {
            Some(Segment::Rest) => path.len() >= self.segments.len(),
            _ => path.len() == self.segments.len(),
        };
        long_enough && self.segments.iter().zip(path).all(|(segment, text)| segment.fits(text))
    }

    /// Of two templates that fit one path, the one with a literal where the other has a parameter wins.
    fn compare(&self, other: &Self) -> Ordering {
        self.segments.iter().map(Segment::rank).cmp(other.segments.iter().map(Segment::rank))
    }
}

/// An operation of the document.
#[derive(Debug)]
pub(super) struct Operation<'a> {
    /// `GET /repositories/{workspace}`: its name in the table of exceptions.
    pub(super) name: String,
    pub(super) method: &'a str,
    pub(super) node: &'a Value,
    item: &'a Value,
}

impl<'a> Operation<'a> {
    pub(super) fn deprecated(&self) -> bool {
        self.node["deprecated"] == true
    }

    /// The parameters of one kind, its own and those of all operations of its path.
    pub(super) fn parameters(&self, kind: &'static str) -> impl Iterator<Item = &'a Value> + use<'a> {
        let lists = [&self.node["parameters"], &self.item["parameters"]];
        lists.into_iter().filter_map(Value::as_array).flatten().filter(move |parameter| parameter["in"] == kind)
    }
}

impl Routes {
    pub(super) fn new(root: &Value) -> Result<Self, String> {
        let base = root["basePath"].as_str().ok_or("the document has no base path")?.to_owned();
        let paths = root["paths"].as_object().ok_or("the document has no paths")?;
        Ok(Self { base, routes: paths.keys().map(|template| Route::new(template)).collect() })
    }

    pub(super) fn find<'a>(&self, root: &'a Value, method: &'a str, path: &str) -> Result<Operation<'a>, Finding> {
        let segments = self.segments(path).map_err(|problem| Finding::new("path", problem))?;
        let route = self.routes.iter().filter(|route| route.fits(&segments)).min_by(|one, other| one.compare(other));
        let Some(Route { template, .. }) = route else {
            return Err(Finding::new("path", "is not in the document"));
        };
        let item = &root["paths"][template.as_str()];
        match item.get(method.to_ascii_lowercase()) {
            Some(node) if method != "PARAMETERS" => {
                Ok(Operation { name: format!("{method} {template}"), method, node, item })
            }
            _ => Err(Finding::new("method", format!("the document has no {method} for {template}"))),
        }
    }

    /// The decoded segments below the base path; one slash at the end is tolerated, as Bitbucket tolerates it.
    fn segments(&self, path: &str) -> Result<Vec<String>, String> {
        let below = path.strip_prefix(self.base.as_str()).and_then(|below| below.strip_prefix('/'));
        let below = below.ok_or_else(|| format!("does not begin with {}/", self.base))?;
        let below = below.strip_suffix('/').unwrap_or(below);
        below.split('/').map(|segment| decode(segment, false)).collect()
    }
}

/// Undoes percent-encoding; in a query a plus stands for a space.
fn decode(text: &str, query: bool) -> Result<String, String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        match byte {
            b'%' => {
                let escape =
                    [rest.next(), rest.next()].map(|digit| digit.and_then(|digit| char::from(digit).to_digit(16)));
                let [Some(high), Some(low)] = escape else {
                    return Err(format!("{text:?} has a broken percent-escape"));
                };
                bytes.extend(u8::try_from(high * 16 + low));
            }
            b'+' if query => bytes.push(b' '),
            _ if byte.is_ascii_alphanumeric() || b"-._~!$&'()*+,;=:@/?".contains(&byte) => bytes.push(byte),
            _ => return Err(format!("{text:?} has {:?}, which must be percent-encoded", char::from(byte))),
        }
    }
    String::from_utf8(bytes).map_err(|_| format!("{text:?} is not utf-8"))
}

/// The names of a query's parameters.
pub(super) fn names(query: &str) -> impl Iterator<Item = &str> {
    pairs(query).map(|(name, _)| name)
}

fn pairs(query: &str) -> impl Iterator<Item = (&str, &str)> {
    query.split('&').filter(|pair| !pair.is_empty()).map(|pair| pair.split_once('=').unwrap_or((pair, "")))
}

/// Whether every parameter is the operation's own or one of the document-wide ones, and holds what it should.
pub(super) fn check_query(operation: &Operation<'_>, query: &str, collection: bool) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut seen: Vec<&str> = Vec::new();
    for (name, value) in pairs(query) {
        let own = operation.parameters("query").find(|parameter| parameter["name"] == name);
        let problem = decode(value, true).and_then(|value| match own {
            Some(parameter) => shape::check_parameter(parameter, &value).and_then(|()| check_form(name, &value)),
            None if seen.contains(&name) => Err("is given more than once".to_owned()),
            None => check_common(operation, name, &value, collection).and_then(|()| check_form(name, &value)),
        });
        findings.extend(problem.err().map(|problem| Finding::new(format!("query: {name}"), problem)));
        seen.push(name);
    }
    let required = operation.parameters("query").filter(|parameter| parameter["required"] == true);
    let missing = required.filter_map(|parameter| parameter["name"].as_str()).filter(|name| !seen.contains(name));
    findings.extend(missing.map(|name| Finding::new(format!("query: {name}"), "is required")));
    findings
}

/// Whether the operation takes a parameter that the document's narrative grants to every collection, or `fields`, which
/// it grants to every answer.
fn check_common(operation: &Operation<'_>, name: &str, value: &str, collection: bool) -> Result<(), String> {
    match name {
        "fields" => Ok(()),
        "page" | "pagelen" | "q" | "sort" if !collection => Err("only a collection takes it".to_owned()),
        "q" | "sort" => match UNFILTERED.iter().find(|(part, _)| operation.name.contains(part)) {
            Some((_, reason)) => Err((*reason).to_owned()),
            None => Ok(()),
        },
        // A list of commits is walked by an opaque mark instead of a number.
        "page" if operation.name.contains("/commits") => Ok(()),
        "page" => in_range(value, 1, u32::MAX),
        "pagelen" => in_range(value, 1, 100),
        _ => Err("is not documented for this operation".to_owned()),
    }
}

/// Whether a document-wide parameter, documented for the operation or not, is written as the narrative wants it.
fn check_form(name: &str, value: &str) -> Result<(), String> {
    match name {
        "fields" | "q" | "sort" if value.is_empty() => Err("is empty".to_owned()),
        "sort" if value.contains([',', ' ']) => Err(format!("{value:?} is more than one field")),
        "fields" if value.contains(' ') => Err("has a space: a plus must be written as %2B".to_owned()),
        "fields" if value.split(',').any(str::is_empty) => Err(format!("{value:?} has an empty field name")),
        _ => Ok(()),
    }
}

fn in_range(value: &str, low: u32, high: u32) -> Result<(), String> {
    match value.parse::<u32>() {
        Ok(number) if (low..=high).contains(&number) => Ok(()),
        _ => Err(format!("{value:?} is not a number from {low} to {high}")),
    }
}
