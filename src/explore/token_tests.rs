//! Tests of the replay tokens: golden texts, round trips, and every way to damage one.

use super::super::base32::DIGITS;
use super::*;
use proptest::prelude::*;

fn deviation(goroutine: u32, operation: u32, kind: DeviationKind) -> Deviation {
    Deviation { at: (goroutine, operation), kind }
}

fn typical() -> Token {
    Token::deviations(
        0xBEE5,
        vec![deviation(2, 40, DeviationKind::Alternative(1)), deviation(0, 5, DeviationKind::Run(2))],
    )
}

#[test]
fn the_texts_are_frozen() {
    let strategies = Token::seeded(0x1234, StrategySpec::Pct(3), 0x1FF_FFFF, 4095);
    for (token, text) in [
        (typical(), "sv1-1FQ52-0542R-23BN5"),
        (Token::deviations(0, vec![]), "sv1-00000-CKR"),
        (strategies, "sv1-24HM2-3ZZZZ-ZZ1ZZ-FDMH"),
        (
            Token::seeded(0xFFFF, StrategySpec::Dfs, u64::MAX, u64::MAX),
            "sv1-3ZZZ6-0ZZZZ-ZZZZZ-ZZZZZ-ZFZZZ-ZZZZZ-ZZZZZ-ZZFYH-V",
        ),
    ] {
        assert_eq!(token.encode(), text);
        assert_eq!(token.len(), text.len());
        assert_eq!(Token::decode(text), Ok(token));
    }
}

#[test]
fn case_dashes_spaces_and_misreadings_do_not_matter() {
    let text = typical().encode();
    let sloppy = format!(" {} ", text.to_lowercase().replace('-', " ").replace('0', "o").replace('1', "l"));
    // The prefix is no base 32, so its 1 stays a 1.
    let sloppy = sloppy.replace("svl", "sv1");
    assert_eq!(Token::decode(&sloppy), Ok(typical()), "{sloppy}");
    assert_eq!(Token::decode(&text.replace('-', "")), Ok(typical()));
}

#[test]
fn every_wrong_character_and_every_swap_is_refused() {
    for token in [typical(), Token::seeded(7, StrategySpec::Mix, 99, 12)] {
        let text = token.encode();
        let characters: Vec<char> = text.chars().collect();
        for position in "sv1-".len()..characters.len() {
            if characters[position] == '-' {
                continue;
            }
            for &digit in DIGITS {
                let mut damaged = characters.clone();
                damaged[position] = char::from(digit);
                if damaged != characters {
                    let damaged: String = damaged.into_iter().collect();
                    assert!(Token::decode(&damaged).is_err(), "{damaged} for {text}");
                }
            }
            let next = (position + 1..characters.len()).find(|&next| characters[next] != '-');
            if let Some(next) = next.filter(|&next| characters[next] != characters[position]) {
                let mut swapped = characters.clone();
                swapped.swap(position, next);
                let swapped: String = swapped.into_iter().collect();
                assert!(Token::decode(&swapped).is_err(), "{swapped} for {text}");
            }
        }
    }
}

#[test]
fn every_cut_is_refused() {
    let text = typical().encode();
    for end in 0..text.len() {
        // A cut just before a dash only loses the dash of an already refused prefix.
        assert!(Token::decode(&text[..end]).is_err(), "{}", &text[..end]);
    }
}

#[test]
fn errors_say_what_is_wrong() {
    let text = typical().encode();
    assert_eq!(Token::decode(""), Err(TokenError::Empty));
    assert_eq!(Token::decode(" - "), Err(TokenError::Empty));
    assert_eq!(Token::decode("sv2-00000"), Err(TokenError::UnknownVersion));
    assert_eq!(Token::decode("deadlock"), Err(TokenError::UnknownVersion));
    assert_eq!(Token::decode("sv1"), Err(TokenError::Truncated));
    assert_eq!(Token::decode(&text[..text.len() - 5]), Err(TokenError::Truncated));
    assert_eq!(Token::decode("sv1-00U00"), Err(TokenError::BadCharacter { character: 'U', position: 7 }));
    assert_eq!(Token::decode("sv1-0é"), Err(TokenError::BadCharacter { character: 'é', position: 6 }));
    assert_eq!(Token::decode(&format!("{text}00000")), Err(TokenError::TrailingData));
    let last = if text.ends_with('0') { '1' } else { '0' };
    let wrong = format!("{}{last}", &text[..text.len() - 1]);
    assert_eq!(Token::decode(&wrong), Err(TokenError::WrongChecksum));
    assert!(TokenError::WrongChecksum.to_string().contains("checksum"));
}

/// A text with a right checksum around any digits.
fn sealed(digits: &[u8]) -> String {
    let tail = checksum(digits);
    let digits = digits.iter().chain(&tail).map(|&digit| char::from(DIGITS[usize::from(digit)]));
    format!("{PREFIX}{}", digits.collect::<String>())
}

#[test]
fn nonsense_with_a_right_checksum_is_refused() {
    let malformed = |digits: &[u8]| match Token::decode(&sealed(digits)) {
        Err(TokenError::Malformed(what)) => what,
        other => panic!("{other:?}"),
    };
    assert_eq!(malformed(&[31, 0, 0, 0]), "a form this version does not know");
    assert_eq!(malformed(&[0, 0, 0, 0, 16, 0]), "a number with leading zeros");
    assert_eq!(malformed(&[2, 0, 0, 0, 10, 0, 1, 1]), "a strategy this version does not know");
    assert_eq!(malformed(&[2, 0, 0, 0, 1, 5, 1, 1]), "a strategy this version does not know");
    assert_eq!(malformed(&[2, 0, 0, 0, 2, 0, 1, 1]), "a strategy this version does not know");
    assert_eq!(malformed(&[0, 0, 0, 0, 2, 0, 1, 4, 0, 0, 2]), "deviations out of order");
    assert_eq!(malformed(&[0, 0, 0, 0, 2, 0, 1, 4, 0, 0, 4]), "deviations out of order");
    let huge = [&[0u8, 0, 0, 0][..], &[31; 17], &[1]].concat();
    assert_eq!(malformed(&huge), "a number that is too large");
    let many = [&[0u8, 0, 0, 0][..], &[31; 8], &[1]].concat();
    assert_eq!(malformed(&many), "more deviations than any schedule has");
    assert_eq!(Token::decode(&sealed(&[0, 0, 0, 0, 0, 5])), Err(TokenError::TrailingData));
    assert_eq!(Token::decode(&sealed(&[0, 0, 0, 0, 1, 1])), Err(TokenError::Truncated));
}

#[test]
fn a_shrunk_failure_fits_in_thirty_characters() {
    assert!(typical().len() <= 24, "{}", typical());
    let seeded = Token::seeded(1, StrategySpec::Pct(3), 0x1FF_FFFF, 100_000);
    assert!(seeded.len() <= 32, "{seeded}");
}

fn any_token() -> impl Strategy<Value = Token> {
    let number = prop_oneof![0..20u32, any::<u32>()];
    let kind = prop_oneof![
        number.clone().prop_map(DeviationKind::Run),
        number.clone().prop_map(DeviationKind::Alternative),
    ];
    let list = prop::collection::vec((number.clone(), number, kind), 0..12)
        .prop_map(|list| list.into_iter().map(|(g, n, kind)| deviation(g, n, kind)).collect());
    let spec = prop_oneof![
        Just(StrategySpec::Mix),
        Just(StrategySpec::Random),
        StrategySpec::DEPTHS.prop_map(StrategySpec::Pct),
        Just(StrategySpec::Pos),
        Just(StrategySpec::Surw),
        Just(StrategySpec::RoundRobin),
        Just(StrategySpec::Dfs),
        Just(StrategySpec::Optimal),
        Just(StrategySpec::Frontier),
        Just(StrategySpec::Flip),
    ];
    prop_oneof![
        (any::<u16>(), list).prop_map(|(fingerprint, list)| Token::deviations(fingerprint, list)),
        (any::<u16>(), spec, any::<u64>(), any::<u64>()).prop_map(|(fingerprint, spec, seed, execution)| {
            Token::seeded(fingerprint, spec, seed, execution)
        }),
    ]
}

proptest! {
    #[test]
    fn decoding_inverts_encoding(token in any_token()) {
        let text = token.encode();
        prop_assert_eq!(token.len(), text.len());
        prop_assert_eq!(Token::decode(&text), Ok(token));
    }

    #[test]
    fn no_text_panics_and_what_is_accepted_is_canonical(text in "(sv1-?)?[0-9A-Z]{0,40}") {
        if let Ok(token) = Token::decode(&text) {
            prop_assert_eq!(Token::decode(&token.encode()), Ok(token));
        }
    }

    #[test]
    fn any_digits_with_a_right_checksum_have_one_text(digits in prop::collection::vec(0..32u8, 4..24)) {
        let text = sealed(&digits);
        if let Ok(token) = Token::decode(&text) {
            prop_assert_eq!(token.encode().replace('-', ""), text);
        }
    }
}
