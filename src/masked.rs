//! Text that is shown although nobody knows what is in it: lines of files that could not be read as they were meant. What is
//! probably a secret there is masked, byte by byte, so that places in it stay where they are.

use std::borrow::Cow;
use std::ops::Range;

/// How Atlassian's tokens begin (api.md §1.1), and the base64 of private keys of SSH.
const PREFIXES: [&str; 4] = ["ATATT", "ATCTT", "ATBB", "b3BlbnNzaC1rZXktdjE"];

/// What private keys stand between. Neither is in a public key.
const KEY: (&str, &str) = ("-----BEGIN", "-----END");

/// What stands in the names of keys that hold secrets.
const NAMES: [&str; 4] = ["token", "secret", "password", "private_key"];

/// Whether a text begins like a token, or holds a private key. Keys that are merely named like secrets are not looked at.
#[must_use]
pub fn looks_secret(text: &str) -> bool {
    PREFIXES.iter().any(|prefix| text.starts_with(prefix)) || text.contains(KEY.0) && text.contains("PRIVATE KEY")
}

/// A line without what is probably a secret: words that begin like one, and plain values of keys that are named like one.
#[must_use]
pub fn masked(line: &str) -> Cow<'_, str> {
    let words = words(line).chain(values(line)).chain(keys(line));
    let mut bytes: Option<Vec<u8>> = None;
    for (start, end) in words {
        let bytes = bytes.get_or_insert_with(|| line.as_bytes().to_vec());
        bytes[start..end].fill(b'*');
    }
    // Whole words are masked, so that no character is cut.
    bytes.and_then(|bytes| String::from_utf8(bytes).ok()).map_or(Cow::Borrowed(line), Cow::Owned)
}

/// A part of a line as [`masked`] shows it, whatever begins before that part: a key of many lines, or a token.
#[must_use]
pub fn masked_at(text: &str, part: Range<usize>) -> String {
    /// A private key of RSA takes 3 kB, and a line is hardly ever longer.
    const BEFORE: usize = 8_192;
    let mut from = part.start.saturating_sub(BEFORE);
    while !text.is_char_boundary(from) {
        from += 1;
    }
    let before = &text[from..part.start];
    let line = before.rfind('\n').map_or(0, |at| at + 1);
    // A line of a key begins like its first one, for whoever looks at it alone.
    let key = before.rfind(KEY.0).filter(|begin| begin + key_length(&text[from + begin..part.end]) > before.len());
    let line = key.map_or(line, |begin| begin.min(line));
    let known = &text[from + line..part.end];
    masked(known).get(part.start - from - line..).unwrap_or_default().to_owned()
}

/// From where a private key begins to where it ends.
fn keys(line: &str) -> impl Iterator<Item = (usize, usize)> {
    line.match_indices(KEY.0).map(|(start, _)| (start, start + key_length(&line[start..])))
}

/// How long the key is that a text begins with: to the end of its last line, or to what can be in no key.
fn key_length(text: &str) -> usize {
    let mut length = 0;
    for line in text.split_inclusive('\n') {
        let is_header = ["Proc-Type", "DEK-Info"].iter().any(|header| line.trim_start().starts_with(header));
        if line.trim_end().ends_with(':') || line.contains(": ") && !is_header && length > 0 {
            return length;
        }
        let last = line.find(KEY.1);
        let ends =
            last.map_or(line, |at| &line[at..]).find(['"', '\'', '}', ']', ',']).map(|at| last.unwrap_or(0) + at);
        if let Some(end) = ends.or(last.map(|_| line.trim_end().len())) {
            return length + end;
        }
        length += line.len();
    }
    length
}

/// The words that begin like a token.
fn words(line: &str) -> impl Iterator<Item = (usize, usize)> {
    let starts = PREFIXES.iter().flat_map(|prefix| line.match_indices(prefix).map(|(at, _)| at));
    starts.map(|start| {
        let ends = |c: char| c.is_whitespace() || "\"',}]".contains(c);
        (start, line[start..].find(ends).map_or(line.len(), |length| start + length))
    })
}

/// The values that follow a key which is named like a secret, unless they say where it comes from.
fn values(line: &str) -> impl Iterator<Item = (usize, usize)> {
    line.match_indices(':').filter_map(|(colon, _)| {
        let key = line[..colon].trim_end().trim_end_matches(['"', '\'']);
        let begins = key.rfind(|c: char| !c.is_alphanumeric() && c != '_' && c != '-').map_or(0, |at| at + 1);
        let key = key.get(begins..)?.to_lowercase();
        let rest = &line[colon + 1..];
        let value = rest.trim_start();
        let start = line.len() - value.len();
        let is_plain = rest.starts_with([' ', '\t']) && !value.is_empty() && !value.starts_with(['{', '[', '#']);
        let end = value.find([',', '}']).map_or(line.len(), |length| start + length);
        (is_plain && NAMES.iter().any(|name| key.contains(name))).then_some((start, end))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_looks_like_a_secret_is_not_shown_and_nothing_moves() {
        for (line, shown) in [
            ("token: ATCTTs3cr3t", "token: ***********"),
            ("auth: {access_token: {ATCTTs3cr3t: env}}", "auth: {access_token: {ATCTTs3cr3t: env}}"),
            ("access_token: 'ATCTTs3cr3t", "access_token: ************"),
            ("{client_secret: *größe, email: a@b}", "{client_secret: ********, email: a@b}"),
            (
                "key: \"-----BEGIN OPENSSH PRIVATE KEY-----\\nb3B\\n-----END K-----\" # x",
                "key: \"*********************************************************\" # x",
            ),
            ("{key: b3BlbnNzaC1rZXktdjEAAA, a: b}", "{key: **********************, a: b}"),
        ] {
            let masked = masked(line);
            assert_eq!(masked.len(), line.len());
            if line.contains("{ATCTT") {
                assert!(!masked.contains("s3cr3t"), "{masked}");
            } else {
                assert_eq!(masked, shown);
            }
        }
        for plain in
            ["secret: {env: HOOK}", "slug: token-service", "private_key: {file: id}", "description: a: b", "✓: –"]
        {
            assert_eq!(masked(plain), plain);
        }
    }

    #[test]
    fn a_part_of_a_secret_is_not_shown_either() {
        let text = "a: |\n  -----BEGIN RSA PRIVATE KEY-----\n  MIIEow\n  -----END RSA PRIVATE KEY-----\nb: ATATTxyz c";
        let shown = |part: &str| {
            let start = text.find(part).unwrap();
            masked_at(text, start..start + part.len())
        };
        assert_eq!(shown("MIIEow"), "******");
        assert_eq!(shown("-----END RSA"), "************");
        assert_eq!(shown("xyz c"), "*** c");
        assert_eq!(shown("b: "), "b: ");
        let text = "a: -----BEGIN RSA PRIVATE KEY-----\n  Proc-Type: 4\n  MIIEow\nb: x\nc: {k: '-----BEGIN KEY'}\nd: y";
        assert_eq!(masked_at(text, 0..text.len()).replace('*', ""), "a: b: x\nc: {k: ''}\nd: y");
        for part in ["b: x", "d: y"] {
            let start = text.find(part).unwrap();
            assert_eq!(masked_at(text, start..start + part.len()), part);
        }
        let long = format!("é{}ATATT{}", "x".repeat(8_190), "y".repeat(100));
        assert_eq!(masked_at(&long, long.len() - 3..long.len()), "***");
    }
}
