//! Numbers that look random and are the same in every run: splitmix64, and the UUIDs and tokens made of it.
//!
//! Nothing here is secret. The sandbox listens on loopback only, and tests want to see the same run twice.

use std::fmt::Write;

/// One step of splitmix64: the same number for the same input, spread over all 64 bits.
pub(super) fn splitmix64(input: u64) -> u64 {
    let mut z = input.wrapping_add(0x9E37_79B9_7F4A_7C15);
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

/// A UUID in braces, as Bitbucket writes them (api.md §2.2): the `count`th of its `kind`.
pub(super) fn uuid(kind: &str, count: u64) -> String {
    let high = splitmix64(seed(kind) ^ count);
    let low = splitmix64(high ^ count.rotate_left(32));
    format!(
        "{{{:08x}-{:04x}-4{:03x}-{:04x}-{:012x}}}",
        high >> 32,
        (high >> 16) & 0xFFFF,
        high & 0xFFF,
        0x8000 | ((low >> 48) & 0x3FFF),
        low & 0xFFFF_FFFF_FFFF,
    )
}

/// Hexadecimal digits, as many as asked: commit hashes and tokens.
pub(super) fn hex(kind: &str, count: u64, length: usize) -> String {
    let mut digits = String::with_capacity(length + 16);
    let mut state = seed(kind) ^ count;
    while digits.len() < length {
        state = splitmix64(state);
        // Writing to a string cannot fail.
        let _ = write!(digits, "{state:016x}");
    }
    digits.truncate(length);
    digits
}

/// FNV-1a of a word, so that the numbers of different kinds do not meet.
pub(super) fn seed(word: &str) -> u64 {
    word.bytes().fold(0xCBF2_9CE4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01B3))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn splitmix_is_the_published_one() {
        // First output of the reference implementation for the seed 0.
        assert_eq!(splitmix64(0), 0xE220_A839_7B1D_CDAF);
    }

    #[test]
    fn uuids_have_their_form_and_differ() {
        let first = uuid("repository", 1);
        assert_eq!(first.len(), 38);
        assert!(first.starts_with('{') && first.ends_with('}'));
        assert_eq!(&first[15..16], "4");
        assert_ne!(first, uuid("repository", 2));
        assert_ne!(first, uuid("project", 1));
    }

    #[test]
    fn hex_has_the_length_asked() {
        assert_eq!(hex("commit", 7, 40).len(), 40);
        assert_ne!(hex("commit", 7, 40), hex("commit", 8, 40));
    }
}
