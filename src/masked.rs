//! Text that is shown although nobody knows what is in it: lines of files that could not be read as they were meant. What is
//! probably a secret there is masked, byte by byte, so that places in it stay where they are.

use std::borrow::Cow;

/// How Atlassian's tokens begin (api.md §1.1), and private keys.
const PREFIXES: [&str; 4] = ["ATATT", "ATCTT", "ATBB", "-----BEGIN"];

/// What stands in the names of keys that hold secrets.
const NAMES: [&str; 4] = ["token", "secret", "password", "private_key"];

/// A line without what is probably a secret: words that begin like one, and plain values of keys that are named like one.
#[must_use]
pub fn masked(line: &str) -> Cow<'_, str> {
    let words = words(line).chain(values(line));
    let mut bytes: Option<Vec<u8>> = None;
    for (start, end) in words {
        let bytes = bytes.get_or_insert_with(|| line.as_bytes().to_vec());
        bytes[start..end].fill(b'*');
    }
    // Whole words are masked, so that no character is cut.
    bytes.and_then(|bytes| String::from_utf8(bytes).ok()).map_or(Cow::Borrowed(line), Cow::Owned)
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
            ("key: \"-----BEGIN OPENSSH PRIVATE KEY-----\"", "key: \"********** OPENSSH PRIVATE KEY-----\""),
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
}
