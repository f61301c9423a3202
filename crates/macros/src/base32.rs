//! Crockford's base 32, which tokens and seeds are written in.
//!
//! Invariants: the alphabet is frozen, since it is in files that users keep.

/// The digits: no I, L, O, U, so that they survive being read aloud.
pub const DIGITS: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";

/// The value of a digit, forgiving case and the usual misreadings (I and L as 1, O as 0).
pub fn digit_value(character: char) -> Option<u8> {
    let upper = match character.to_ascii_uppercase() {
        'I' | 'L' => '1',
        'O' => '0',
        other => other,
    };
    DIGITS.iter().position(|&digit| char::from(digit) == upper).map(|value| value as u8)
}

/// The shortest text of a number with at least `width` digits.
pub fn encode(mut number: u64, width: usize) -> String {
    let mut digits = Vec::new();
    while number > 0 || digits.len() < width.max(1) {
        digits.push(DIGITS[(number & 31) as usize]);
        number >>= 5;
    }
    digits.iter().rev().map(|&digit| char::from(digit)).collect()
}

/// The number of a text of at most 64 bits.
pub fn decode(text: &str) -> Option<u64> {
    let mut number: Option<u64> = None;
    for character in text.chars() {
        let digit = u64::from(digit_value(character)?);
        let high = number.unwrap_or(0);
        if high >> 59 != 0 {
            return None;
        }
        number = Some(high << 5 | digit);
    }
    number
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_survive_and_keep_a_minimum_width() {
        assert_eq!(encode(0, 5), "00000");
        assert_eq!(encode(0, 0), "0");
        assert_eq!(encode(u64::MAX, 5), "FZZZZZZZZZZZZ");
        for number in [0, 1, 31, 32, 0x1FF_FFFF, 1 << 63, u64::MAX] {
            assert_eq!(decode(&encode(number, 5)), Some(number));
        }
    }

    #[test]
    fn misreadings_are_forgiven_and_the_rest_refused() {
        assert_eq!(decode("oiL"), decode("011"));
        assert_eq!(decode("7gq4k"), decode("7GQ4K"));
        for bad in ["", "U", "7-4", "GZZZZZZZZZZZZ", "00000000000000000000U"] {
            assert_eq!(decode(bad), None, "{bad}");
        }
    }
}
