//! The JSON of an answer, without its `links`: they are most of what Bitbucket says, and nobody here follows them.

use std::fmt;

use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value};

/// What is left out, wherever it stands.
const LINKS: &str = "links";

/// Reads an answer. What is left out must be JSON all the same.
pub(super) fn read(body: &[u8]) -> serde_json::Result<Value> {
    serde_json::from_slice::<Answer>(body).map(|answer| answer.0)
}

struct Answer(Value);

impl<'de> Deserialize<'de> for Answer {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(AnswerVisitor).map(Self)
    }
}

struct AnswerVisitor;

impl<'de> Visitor<'de> for AnswerVisitor {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_string<E>(self, value: String) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let mut list = Vec::new();
        while let Some(Answer(item)) = items.next_element()? {
            list.push(item);
        }
        Ok(Value::Array(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Value, A::Error> {
        let mut map = Map::new();
        while let Some(key) = entries.next_key::<String>()? {
            if key == LINKS {
                entries.next_value::<IgnoredAny>()?;
            } else {
                let Answer(value) = entries.next_value()?;
                map.insert(key, value);
            }
        }
        Ok(Value::Object(map))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn all_but_the_links_is_as_it_was_sent() {
        let body = br#"{"a": [1, -2, 2.5, null, true, "x\u0041"], "links": {"self": {"href": "h"}}, "b": {"links": [], "c": {}}}"#;
        let expected = json!({"a": [1, -2, 2.5, null, true, "xA"], "b": {"c": {}}});
        assert_eq!(read(body).ok(), Some(expected));
    }

    #[test]
    fn what_breaks_off_is_noticed_in_the_links_too() {
        for body in ["", "{", "[1,", "{\"links\": {\"self\": ", "{\"links\": {]}", "{} {}"] {
            assert!(read(body.as_bytes()).is_err(), "{body}");
        }
    }
}
