//! Secrets that an answer repeats: in which forms they may stand there, and how they are taken out.

use secrecy::SecretString;

/// A line of a secret that is shorter says nothing.
const SHORTEST_LINE: usize = 8;

/// The forms in which an answer may repeat a secret that stood in a JSON body, the longest first: as it is, as JSON writes it
/// in one way or another, as a form does, and line by line.
pub(super) fn forms(secret: &str) -> Vec<SecretString> {
    let lines = secret.lines().map(str::trim).filter(|line| line.len() >= SHORTEST_LINE);
    let mut forms: Vec<String> = [secret].into_iter().chain(lines).flat_map(written).collect();
    forms.retain(|form| !form.is_empty());
    forms.sort_by_key(|form| std::cmp::Reverse(form.len()));
    forms.dedup();
    forms.into_iter().map(SecretString::from).collect()
}

/// One text in all the ways of writing it.
fn written(text: &str) -> Vec<String> {
    let json = serde_json::Value::from(text).to_string();
    let json = json.get(1..json.len() - 1).unwrap_or_default().to_owned();
    let mut units = [0; 2];
    let ascii = |c: char| match c {
        c if c.is_ascii() => c.to_string(),
        c => c.encode_utf16(&mut units).iter().map(|unit| format!("\\u{unit:04x}")).collect(),
    };
    let ascii: String = json.chars().map(ascii).collect();
    let form = reqwest::Url::parse_with_params("http://form/", [("", text)]).ok();
    let form = form.and_then(|url| url.query()?.strip_prefix('=').map(str::to_owned));
    let percent = form.as_deref().map(|form| form.replace('+', "%20"));
    let html = text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;");
    let slashes = [json.replace('/', "\\/"), ascii.replace('/', "\\/")];
    [text.to_owned(), json, ascii, html].into_iter().chain(slashes).chain(form).chain(percent).collect()
}

/// A body without a secret. A short one is taken for one only where it stands alone: it may well be a part of other words.
pub(super) fn without(secret: &str, body: Vec<u8>) -> Vec<u8> {
    const SHORT: usize = 8;
    const HIDDEN: &[u8] = b"(hidden)";
    let wanted = secret.as_bytes();
    let is_word = |byte: Option<&u8>| byte.is_some_and(|byte| byte.is_ascii_alphanumeric() || *byte == b'_');
    let mut shown = Vec::new();
    let mut rest = 0;
    while let Some(found) = body[rest..].windows(wanted.len().max(1)).position(|window| window == wanted) {
        let (start, end) = (rest + found, rest + found + wanted.len());
        let before = start.checked_sub(1).and_then(|at| body.get(at));
        let alone = wanted.len() >= SHORT || !is_word(before) && !is_word(body.get(end));
        shown.extend_from_slice(&body[rest..start]);
        shown.extend_from_slice(if alone { HIDDEN } else { wanted });
        rest = end;
    }
    if rest == 0 {
        return body;
    }
    shown.extend_from_slice(&body[rest..]);
    shown
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret;

    use super::*;

    fn concealed(secret: &str, body: &str) -> String {
        let forms = forms(secret);
        let body = forms.iter().fold(body.as_bytes().to_vec(), |body, form| without(form.expose_secret(), body));
        String::from_utf8_lossy(&body).into_owned()
    }

    #[test]
    fn a_secret_is_found_however_it_is_repeated() {
        for body in ["x hunter2-and-more y", "hunter2-and-more", "{\"a\":\"hunter2-and-more\"}"] {
            assert!(!concealed("hunter2-and-more", body).contains("hunter"), "{body}");
        }
        assert_eq!(concealed("a/b\"c\\d&é+ f", r#"{"v":"a\/b\"c\\d&\u00e9+ f"}"#), r#"{"v":"(hidden)"}"#);
        assert_eq!(concealed("a/b\"c\\d&é+ f", "v=a%2Fb%22c%5Cd%26%C3%A9%2B+f"), "v=(hidden)");
        assert_eq!(concealed("a b<c>d&e", "<p>a b&lt;c&gt;d&amp;e</p>"), "<p>(hidden)</p>");
    }

    #[test]
    fn a_key_of_several_lines_is_found_by_each() {
        let key = "-----BEGIN X-----\nMC4CAQAwBQYDK2VwBCIE\nIPr0/m6aSxYt7Q\n-----END X-----\n";
        assert_eq!(concealed(key, &serde_json::json!({"k": key}).to_string()), r#"{"k":"(hidden)"}"#);
        assert_eq!(concealed(key, "line 2: MC4CAQAwBQYDK2VwBCIE IPr0\\/m6aSxYt7Q"), "line 2: (hidden) (hidden)");
    }

    #[test]
    fn a_short_secret_is_hidden_where_it_stands_alone() {
        assert_eq!(
            concealed("abc", "abc: \"abc\" is no abcde, abc_ or xabc"),
            "(hidden): \"(hidden)\" is no abcde, abc_ or xabc"
        );
        assert_eq!(concealed("", "nothing"), "nothing");
    }
}
