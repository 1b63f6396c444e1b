//! Public SSH keys, as `TYPE BASE64 COMMENT` (RFC 4253 §6.6).

use super::Finding;
use crate::diagnostic::Code;

/// What is behind the length and the type is the same in every key of a type. No key is shorter.
const SHORTEST: usize = 43;

/// How to write one, for messages.
const HELP: &str = "write the line of the file that ends with `.pub`: its type, its base64, and a comment if you like";

/// Checks a public key (api.md §5.7, §5.9): its base64 is that of a key of the type that stands before it. Nothing of the text
/// is repeated, since it may be a private one.
pub(super) fn check(field: &'static str, text: &str) -> Option<Finding> {
    let finding = |why| Finding::error(Code::PublicKey, field, "this is not a public key of SSH").label(why).help(HELP);
    wrong(text).map(finding)
}

/// How private keys begin: as `OpenSSH`, `OpenSSL` and `PuTTY` write them, and the base64 of the first.
const PRIVATE: [&str; 4] = ["PRIVATE KEY", "-----BEGIN", "PuTTY-User-Key-File", "b3BlbnNzaC1rZXktdjE"];

/// Why a text cannot be a public key.
fn wrong(text: &str) -> Option<&'static str> {
    if text.contains("BEGIN SSH2 PUBLIC KEY") {
        return Some("a public key in another form: `ssh-keygen -i -f FILE` prints it in this one");
    }
    if PRIVATE.iter().any(|begins| text.contains(begins)) {
        return Some("a private key, which belongs in no manifest: take it for known to others, and make a new one");
    }
    if text.trim().contains('\n') {
        return Some("more than one line");
    }
    let mut parts = text.split_whitespace();
    let (Some(kind), Some(base64)) = (parts.next(), parts.next()) else {
        return Some("there must be a type and its base64, with a space between");
    };
    let is_type = |word: &str| ["ssh-", "ecdsa-sha2-", "sk-"].iter().any(|known| word.starts_with(known));
    if !is_type(kind) {
        return Some(match is_type(base64) {
            true => "leave out what stands before the type, such as the name of a host",
            false => "it must begin with its type, such as `ssh-ed25519`",
        });
    }
    let digits = base64.trim_end_matches('=');
    // Every key begins with the length of its type, which is a small number of four bytes.
    if !digits.starts_with("AAAA") || digits.bytes().any(|byte| digit(byte).is_none()) {
        return Some("what follows the type is not the base64 of a key");
    }
    let Some(bytes) = decoded(base64).filter(|_| digits.len() >= SHORTEST) else {
        return Some("its base64 is cut off");
    };
    let mut parts = parts_of(&bytes);
    match parts.next() {
        Some(Some(named)) if named == kind.as_bytes() => {}
        _ => return Some("its base64 is a key of another type than the one before it"),
    }
    let (mut count, mut whole) = (0, true);
    parts.for_each(|part| (count, whole) = (count + 1, whole && part.is_some()));
    (!whole || count == 0).then_some("its base64 is cut off")
}

/// The parts of a key, each behind its length; nothing in place of one that is longer than what is left.
fn parts_of(bytes: &[u8]) -> impl Iterator<Item = Option<&[u8]>> {
    let mut rest = bytes;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let part = rest.split_first_chunk::<4>().and_then(|(length, after)| {
            after.split_at_checked(usize::try_from(u32::from_be_bytes(*length)).unwrap_or(usize::MAX))
        });
        rest = part.map_or(&[], |(_, after)| after);
        Some(part.map(|(part, _)| part))
    })
}

fn digit(byte: u8) -> Option<u8> {
    match byte {
        b'A'..=b'Z' => Some(byte - b'A'),
        b'a'..=b'z' => Some(byte - b'a' + 26),
        b'0'..=b'9' => Some(byte - b'0' + 52),
        b'+' => Some(62),
        b'/' => Some(63),
        _ => None,
    }
}

/// Base64 with its padding.
fn decoded(text: &str) -> Option<Vec<u8>> {
    let digits = text.trim_end_matches('=');
    if !text.len().is_multiple_of(4) || text.len() - digits.len() > 2 {
        return None;
    }
    let mut bytes = Vec::new();
    for group in digits.as_bytes().chunks(4) {
        let bits = group.iter().try_fold(0u32, |bits, byte| Some(bits << 6 | u32::from(digit(*byte)?)))?;
        let bits = bits << (6 * (4 - group.len()));
        bytes.extend(&bits.to_be_bytes()[1..group.len()]);
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJWvnHiBSN0PTFUW0mtFCqkhGEM3XZ36EQnxJSUbSYbq";

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
    fn what_is_no_key_is_found_out() {
        assert_eq!(wrong(KEY), None);
        assert_eq!(wrong(&format!("{KEY} a comment\n")), None);
        let cut = &KEY[..KEY.len() - 3];
        let other = KEY.replace("ssh-ed25519", "ssh-rsa");
        for bad in [
            "",
            "x",
            "ssh-rsa",
            "AAAA ssh-rsa",
            "ssh-rsa ????",
            "ssh-rsa BBBB",
            "ssh-rsa AAAA",
            cut,
            &other,
            "ssh-rsa AAAA====",
            "-----BEGIN OPENSSH PRIVATE KEY-----",
            &KEY[..KEY.len() - 4],
            &format!("{KEY}AAAA"),
        ] {
            assert!(wrong(bad).is_some(), "{bad}");
        }
        for private in ["-----BEGIN OPENSSH", "PuTTY-User-Key-File-3: x", "b3BlbnNzaC1rZXktdjEAAAAABG5vbmU"] {
            assert!(wrong(private).unwrap().starts_with("a private key"), "{private}");
        }
        assert!(wrong("git.example.com ssh-ed25519").unwrap().starts_with("leave out"));
        assert!(wrong("---- BEGIN SSH2 PUBLIC KEY ----").unwrap().contains("ssh-keygen -i"));
    }
}
