//! Public SSH keys, as `TYPE BASE64 COMMENT` (RFC 4253 §6.6).

/// The types that SSH knows.
const TYPES: [&str; 8] = [
    "ssh-ed25519",
    "ssh-rsa",
    "ecdsa-sha2-nistp256",
    "ecdsa-sha2-nistp384",
    "ecdsa-sha2-nistp521",
    "sk-ssh-ed25519@openssh.com",
    "sk-ecdsa-sha2-nistp256@openssh.com",
    "ssh-dss",
];

/// Whether a text is a public key.
///
/// # Errors
/// What it is not.
pub fn check(text: &str) -> Result<(), String> {
    let mut words = text.split_whitespace();
    let (kind, key) = (words.next().unwrap_or_default(), words.next());
    if text.contains("PRIVATE KEY") {
        return Err("this is a private key".to_owned());
    }
    if !TYPES.contains(&kind) {
        return Err(format!("it begins with none of {}", TYPES[..5].join(", ")));
    }
    let key = key.ok_or("the key itself is missing behind its type")?;
    let blob = decoded(key).ok_or("the key is cut off, or is no base64")?;
    // A key says its own type first: four bytes of length, and so many of the name.
    let length = blob.first_chunk::<4>().map(|length| u32::from_be_bytes(*length) as usize);
    let named = length.and_then(|length| blob.get(4..length.checked_add(4)?));
    if named != Some(kind.as_bytes()) {
        return Err(format!("the key behind it is none of {kind}"));
    }
    Ok(())
}

/// Base64 with its padding.
fn decoded(text: &str) -> Option<Vec<u8>> {
    let digit = |byte: u8| match byte {
        b'A'..=b'Z' => Some(byte - b'A'),
        b'a'..=b'z' => Some(byte - b'a' + 26),
        b'0'..=b'9' => Some(byte - b'0' + 52),
        b'+' => Some(62),
        b'/' => Some(63),
        _ => None,
    };
    let digits = text.trim_end_matches('=');
    if !text.len().is_multiple_of(4) || text.len() - digits.len() > 2 {
        return None;
    }
    let mut bytes = Vec::new();
    for group in digits.as_bytes().chunks(4) {
        let bits = group.iter().try_fold(0u32, |bits, byte| Some(bits << 6 | u32::from(digit(*byte)?)))?;
        let bits = bits << (6 * (4 - group.len()));
        bytes.extend(bits.to_be_bytes()[1..group.len()].iter());
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_is_read() {
        for (text, bytes) in [("", ""), ("Zg==", "f"), ("Zm8=", "fo"), ("Zm9v", "foo"), ("Zm9vYmFy", "foobar")] {
            assert_eq!(decoded(text).as_deref(), Some(bytes.as_bytes()), "{text}");
        }
        for bad in ["Z", "Zg", "Zg=", "Z===", "Zm9*", "===="] {
            assert_eq!(decoded(bad), None, "{bad}");
        }
    }

    #[test]
    fn a_key_says_its_type_twice() {
        let key = "AAAAC3NzaC1lZDI1NTE5AAAAIEzOxb2BvAqlPRZTPpUmFmcYgAONNNCjb0bdRkZ9vmDz";
        assert_eq!(check(&format!("ssh-ed25519 {key} ci@acme")), Ok(()));
        for (text, why) in [
            (format!("ssh-rsa {key}"), "the key behind it"),
            ("ssh-ed25519".to_owned(), "is missing"),
            ("ssh-ed25519 AAAA".to_owned(), "the key behind it"),
            (format!("ssh-ed25519 {}", &key[1..]), "cut off"),
            (key.to_owned(), "begins with none"),
            ("-----BEGIN OPENSSH PRIVATE KEY-----".to_owned(), "a private key"),
        ] {
            assert!(check(&text).is_err_and(|said| said.contains(why)), "{text}");
        }
    }
}
