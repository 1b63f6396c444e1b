//! The language of `q=`: operators, types and grouping (api.md §2.4), over the fields that a list allows.
//!
//! A subset: `=`, `!=`, `~`, `!~`, `IN`, `NOT IN`, `AND`, `OR` and parentheses. A field that a list does not allow is
//! answered as Bitbucket answers it, so that a client cannot rely on a filter which was never seen to work.

use std::borrow::Cow;

use super::answer::{Answer, Refusal};
use hyper::StatusCode;

/// How deep parentheses may nest, so that a hostile query cannot exhaust the stack.
const DEEPEST: usize = 64;

/// A value of a field or of a query.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Term<'a> {
    Null,
    Bool(bool),
    Number(f64),
    Text(Cow<'a, str>),
}

impl<'a> From<&'a str> for Term<'a> {
    fn from(text: &'a str) -> Self {
        Term::Text(Cow::Borrowed(text))
    }
}

/// A parsed query.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Query {
    And(Vec<Query>),
    Or(Vec<Query>),
    Compare { field: &'static str, test: Test, negated: bool },
}

/// What a field is held against.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Test {
    /// Equal to one of these; `=` has one.
    Among(Vec<Term<'static>>),
    /// Contains this, whatever the case; kept in lower case.
    Contains(String),
}

impl Query {
    /// Reads a query whose fields are among those a list allows.
    pub(super) fn parse(text: &str, allowed: &[&'static str]) -> Result<Self, Refusal> {
        let mut parser = Parser { tokens: tokens(text)?, at: 0, allowed };
        let query = parser.any(0)?;
        if parser.at < parser.tokens.len() { Err(malformed()) } else { Ok(query) }
    }

    /// Whether an object matches; `field` gives the value of one of its fields.
    pub(super) fn matches<'a>(&self, field: &impl Fn(&str) -> Term<'a>) -> bool {
        match self {
            Self::And(parts) => parts.iter().all(|part| part.matches(field)),
            Self::Or(parts) => parts.iter().any(|part| part.matches(field)),
            Self::Compare { field: name, test, negated } => {
                let value = field(name);
                let holds = match test {
                    Test::Among(terms) => terms.contains(&value),
                    Test::Contains(part) => {
                        matches!(&value, Term::Text(text) if text.to_lowercase().contains(part.as_str()))
                    }
                };
                holds != *negated
            }
        }
    }
}

fn malformed() -> Refusal {
    Refusal::from(Answer::error(StatusCode::BAD_REQUEST, "Invalid query"))
}

#[derive(Debug, Clone, PartialEq)]
enum Token {
    Word(String),
    Text(String),
    Symbol(&'static str),
}

/// Cuts a query into tokens.
fn tokens(text: &str) -> Result<Vec<Token>, Refusal> {
    const SYMBOLS: [&str; 11] = ["!=", "!~", ">=", "<=", "=", "~", ">", "<", "(", ")", ","];
    let mut tokens = Vec::new();
    let mut rest = text.trim_start();
    while let Some(first) = rest.chars().next() {
        if first == '"' {
            let (string, after) = string(&rest[1..])?;
            tokens.push(Token::Text(string));
            rest = after;
        } else if let Some(symbol) = SYMBOLS.iter().find(|symbol| rest.starts_with(**symbol)) {
            tokens.push(Token::Symbol(symbol));
            rest = &rest[symbol.len()..];
        } else {
            let is_word = |c: char| c.is_alphanumeric() || matches!(c, '_' | '.' | '-' | '+' | ':');
            let end = rest.find(|c| !is_word(c)).unwrap_or(rest.len());
            if end == 0 {
                return Err(malformed());
            }
            tokens.push(Token::Word(rest[..end].to_owned()));
            rest = &rest[end..];
        }
        rest = rest.trim_start();
    }
    Ok(tokens)
}

/// A string after its opening quote, and what follows its closing one.
fn string(text: &str) -> Result<(String, &str), Refusal> {
    let mut string = String::new();
    let mut characters = text.char_indices();
    while let Some((at, character)) = characters.next() {
        match character {
            '"' => return Ok((string, &text[at + 1..])),
            '\\' => string.push(characters.next().ok_or_else(malformed)?.1),
            other => string.push(other),
        }
    }
    Err(malformed())
}

struct Parser<'a> {
    tokens: Vec<Token>,
    at: usize,
    allowed: &'a [&'static str],
}

impl Parser<'_> {
    fn any(&mut self, depth: usize) -> Result<Query, Refusal> {
        let mut parts = vec![self.all(depth)?];
        while self.take_word("OR") {
            parts.push(self.all(depth)?);
        }
        Ok(single(parts, Query::Or))
    }

    fn all(&mut self, depth: usize) -> Result<Query, Refusal> {
        let mut parts = vec![self.one(depth)?];
        while self.take_word("AND") {
            parts.push(self.one(depth)?);
        }
        Ok(single(parts, Query::And))
    }

    fn one(&mut self, depth: usize) -> Result<Query, Refusal> {
        if self.take_symbol("(") {
            if depth == DEEPEST {
                return Err(malformed());
            }
            let inner = self.any(depth + 1)?;
            return if self.take_symbol(")") { Ok(inner) } else { Err(malformed()) };
        }
        let field = self.field()?;
        let (test, negated) = self.test()?;
        Ok(Query::Compare { field, test, negated })
    }

    fn field(&mut self) -> Result<&'static str, Refusal> {
        let Some(Token::Word(name)) = self.next() else {
            return Err(malformed());
        };
        self.allowed.iter().copied().find(|allowed| *allowed == name).ok_or_else(|| {
            let message = format!("Field \".{name}\" does not support filtering");
            Refusal::from(Answer::error(StatusCode::BAD_REQUEST, &message))
        })
    }

    fn test(&mut self) -> Result<(Test, bool), Refusal> {
        match self.next() {
            Some(Token::Symbol("=")) => Ok((Test::Among(vec![self.term()?]), false)),
            Some(Token::Symbol("!=")) => Ok((Test::Among(vec![self.term()?]), true)),
            Some(Token::Symbol("~")) => Ok((self.contains()?, false)),
            Some(Token::Symbol("!~")) => Ok((self.contains()?, true)),
            Some(Token::Word(word)) if word.eq_ignore_ascii_case("IN") => Ok((self.among()?, false)),
            Some(Token::Word(word)) if word.eq_ignore_ascii_case("NOT") && self.take_word("IN") => {
                Ok((self.among()?, true))
            }
            _ => Err(malformed()),
        }
    }

    fn contains(&mut self) -> Result<Test, Refusal> {
        match self.next() {
            Some(Token::Text(text)) => Ok(Test::Contains(text.to_lowercase())),
            _ => Err(malformed()),
        }
    }

    fn among(&mut self) -> Result<Test, Refusal> {
        if !self.take_symbol("(") {
            return Err(malformed());
        }
        let mut terms = vec![self.term()?];
        while self.take_symbol(",") {
            terms.push(self.term()?);
        }
        if self.take_symbol(")") { Ok(Test::Among(terms)) } else { Err(malformed()) }
    }

    fn term(&mut self) -> Result<Term<'static>, Refusal> {
        match self.next() {
            Some(Token::Text(text)) => Ok(Term::Text(Cow::Owned(text))),
            Some(Token::Word(word)) => match word.as_str() {
                "null" => Ok(Term::Null),
                "true" => Ok(Term::Bool(true)),
                "false" => Ok(Term::Bool(false)),
                number => number.parse().map(Term::Number).map_err(|_| malformed()),
            },
            _ => Err(malformed()),
        }
    }

    fn next(&mut self) -> Option<Token> {
        let token = self.tokens.get(self.at).cloned();
        self.at += 1;
        token
    }

    fn take_symbol(&mut self, symbol: &str) -> bool {
        let here = matches!(self.tokens.get(self.at), Some(Token::Symbol(found)) if *found == symbol);
        self.at += usize::from(here);
        here
    }

    fn take_word(&mut self, word: &str) -> bool {
        let here = matches!(self.tokens.get(self.at), Some(Token::Word(found)) if found.eq_ignore_ascii_case(word));
        self.at += usize::from(here);
        here
    }
}

fn single(mut parts: Vec<Query>, join: fn(Vec<Query>) -> Query) -> Query {
    match (parts.len(), parts.pop()) {
        (1, Some(only)) => only,
        (_, last) => {
            parts.extend(last);
            join(parts)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALLOWED: [&str; 4] = ["name", "is_private", "project.key", "language"];

    fn matches(text: &str) -> Option<bool> {
        let value = |field: &str| match field {
            "name" => "My \"Ledger\"".into(),
            "is_private" => Term::Bool(true),
            "project.key" => "PAY".into(),
            _ => Term::Null,
        };
        Query::parse(text, &ALLOWED).ok().map(|query| query.matches(&value))
    }

    #[test]
    fn operators() {
        for yes in [
            r#"project.key="PAY""#,
            r#"project.key = "PAY""#,
            r#"project.key != "WEB""#,
            r#"name ~ "ledg""#,
            r#"name !~ "x""#,
            r#"name = "My \"Ledger\"""#,
            "is_private = true",
            "is_private!=false",
            "language = null",
            r#"project.key IN ("WEB", "PAY")"#,
            r#"project.key not in ("WEB")"#,
            r#"project.key = "WEB" OR name ~ "LEDGER" and is_private = true"#,
            r#"(project.key = "WEB" OR is_private = true) AND (name ~ "my")"#,
        ] {
            assert_eq!(matches(yes), Some(true), "{yes}");
        }
        for no in [
            r#"project.key = "pay""#,
            r#"is_private = "true""#,
            r#"(project.key = "WEB" OR is_private = true) AND name ~ "x""#,
            r#"project.key NOT IN ("WEB", "PAY")"#,
            r#"language ~ "null""#,
        ] {
            assert_eq!(matches(no), Some(false), "{no}");
        }
    }

    fn message(text: &str) -> String {
        let refusal = Query::parse(text, &ALLOWED).err();
        refusal.map_or_else(String::new, |refusal| String::from_utf8_lossy(&refusal.0.bytes()).into_owned())
    }

    #[test]
    fn what_is_not_allowed_is_named() {
        assert!(message(r#"summary.raw ~ "x""#).contains(r#"Field \".summary.raw\" does not support filtering"#));
    }

    #[test]
    fn what_is_malformed_is_refused() {
        for bad in [
            "",
            "name",
            "name =",
            r#"name = "x"#,
            r#"name > "a""#,
            r#"(name = "a""#,
            r#"name = "a" name"#,
            "name IN ()",
        ] {
            assert!(message(bad).contains("Invalid query"), "{bad}");
        }
        let deep = format!("{}is_private = true{}", "(".repeat(10_000), ")".repeat(10_000));
        assert!(message(&deep).contains("Invalid query"));
    }
}
