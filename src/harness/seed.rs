//! The base seed of a test that names none: a hash of its path.
//!
//! Invariants: frozen, so that a test explores the same schedules from commit to commit and from
//! machine to machine; 25 bits wide, because that prints as five characters and keeps seeded tokens
//! short, while the generator spreads it over 128 bits anyway.

use crate::explore::base32;

/// How many base 32 digits a seed has at least.
pub const WIDTH: usize = 5;

/// The base seed of the test at this path.
pub fn of_path(path: &str) -> u64 {
    let hash = fnv1a(path.as_bytes());
    // Folding, as FNV's authors advise for widths under 64: every bit of the hash counts.
    (hash ^ hash >> 25 ^ hash >> 50) & 0x1FF_FFFF
}

/// A seed as users see and type it.
pub fn display(seed: u64) -> String {
    base32::encode(seed, WIDTH)
}

/// FNV-1a with 64 bits, by Fowler, Noll and Vo.
fn fnv1a(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xCBF2_9CE4_8422_2325, |hash, &byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01B3)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hash_is_fnv1a() {
        // From the test vectors published with FNV.
        assert_eq!(fnv1a(b""), 0xCBF2_9CE4_8422_2325);
        assert_eq!(fnv1a(b"a"), 0xAF63_DC4C_8601_EC8C);
        assert_eq!(fnv1a(b"foobar"), 0x8594_4171_F739_67E8);
    }

    #[test]
    fn seeds_are_frozen_and_five_characters_long() {
        for (path, seed) in [("billing::orders_are_billed", "N8MQK"), ("tests::a", "9D1K6"), ("", "PRRWV")] {
            assert_eq!(display(of_path(path)), seed);
        }
    }
}
