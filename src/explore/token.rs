//! Replay tokens: `sv1-7GQ4K-2M9XA`, a failing schedule small enough to paste.
//!
//! Invariants: decoding inverts encoding; one token has one text, up to case, dashes and the
//! readings of I, L and O that Crockford's base 32 allows; every token with one wrong character, or
//! two neighbours swapped, is refused. The text names a *schedule*: which one fits which program is
//! told by the fingerprint, whose meaning is the caller's.
//!
//! After the prefix `sv1` each character is a digit of five bits:
//! ```text
//!   ┌──────┬───────────────────┬──────────────────────────────┬────────────┐
//!   │ form │ fingerprint       │ numbers, 4 bits a digit,     │ CRC-15 of  │
//!   │ 4 bit│ 16 bit            │ the fifth bit: more follows  │ the digits │
//!   └──────┴───────────────────┴──────────────────────────────┴────────────┘
//!    4 digits                   any number of digits           3 digits
//!   form 0, deviations: count, then per deviation
//!                       goroutine − previous one's · operation (− previous one's, same goroutine)
//!                       · target × 2 + kind
//!   form 1, seeded:     strategy code · parameter · seed · execution
//! ```
//! Numbers are little-endian in digits, as goroutines and targets are mostly below 16 and so cost
//! one character. CRC-15/CAN sees every burst of up to 15 bits, that is three neighbouring
//! characters; anything else slips through once in 32 768.

use core::fmt;

use super::spec::StrategySpec;

/// What a token begins with: the product and the version of this format.
const PREFIX: &str = "sv1";
/// The digits of form and fingerprint.
const HEAD: usize = 4;
/// The digits of the checksum.
const TAIL: usize = 3;
/// No schedule worth a token has more deviations; a limit keeps a damaged count from asking for
/// gigabytes.
const MAX_DEVIATIONS: u64 = 100_000;

/// A schedule to run again.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Token {
    /// A digest of the test's first choices: tells early that a token belongs to another program.
    pub fingerprint: u16,
    /// The schedule.
    pub choices: TokenBody,
}

/// The two ways to name a schedule.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub enum TokenBody {
    /// Where it differs from "the current goroutine goes on, with its first alternative".
    Deviations(Vec<Deviation>),
    /// Execution number `execution` of a strategy under a base seed.
    Seeded {
        /// The strategy that made the schedule.
        strategy: StrategySpec,
        /// The base seed it ran under.
        seed: u64,
        /// Which of its executions.
        execution: u64,
    },
}

/// One difference from the default schedule. Anchored on a goroutine's own operation and not on the
/// global step, so that dropping one deviation leaves the others meaningful.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Deviation {
    /// The goroutine that would go on, and the index of its pending operation.
    pub at: (u32, u32),
    /// What happens instead.
    pub kind: DeviationKind,
}

/// What happens instead of the default.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum DeviationKind {
    /// Another goroutine runs.
    Run(u32),
    /// The operation takes another than its first alternative.
    Alternative(u32),
}

/// Why a text is no token.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum TokenError {
    /// There is nothing in it.
    Empty,
    /// It begins with something else than `sv1`.
    UnknownVersion,
    /// A character that no token contains, counted from 1.
    BadCharacter {
        /// The character.
        character: char,
        /// Its place in the text, counted in characters from 1.
        position: usize,
    },
    /// It ends before its content does.
    Truncated,
    /// It goes on after its content.
    TrailingData,
    /// A character is wrong.
    WrongChecksum,
    /// The checksum is right and the content makes no sense: another version wrote it.
    Malformed(&'static str),
}

impl fmt::Display for TokenError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            TokenError::Empty => f.write_str("the token is empty; expected `sv1-…`"),
            TokenError::UnknownVersion => f.write_str("the token does not begin with `sv1-`"),
            TokenError::BadCharacter { character, position } => write!(
                f,
                "character {position} of the token is {character:?}; expected digits and letters other than U"
            ),
            TokenError::Truncated => f.write_str("the token ends too early; copy it whole"),
            TokenError::TrailingData => f.write_str("the token has characters after its end"),
            TokenError::WrongChecksum => {
                f.write_str("the token's checksum does not fit: a character is wrong")
            }
            TokenError::Malformed(what) => {
                write!(f, "the token holds {what}; it may be from another version of selvedge")
            }
        }
    }
}

impl core::error::Error for TokenError {}

impl Token {
    /// The token of a list of deviations, in any order and with repetitions.
    pub fn deviations(fingerprint: u16, mut list: Vec<Deviation>) -> Token {
        list.sort_unstable();
        list.dedup();
        Token { fingerprint, choices: TokenBody::Deviations(list) }
    }

    /// The token of one seeded execution.
    pub fn seeded(fingerprint: u16, strategy: StrategySpec, seed: u64, execution: u64) -> Token {
        Token { fingerprint, choices: TokenBody::Seeded { strategy, seed, execution } }
    }

    /// The text, with its dashes.
    pub fn encode(&self) -> String {
        let mut text = String::from(PREFIX);
        for (index, digit) in self.digits().into_iter().enumerate() {
            if index % 5 == 0 {
                text.push('-');
            }
            text.push(char::from(super::base32::DIGITS[usize::from(digit)]));
        }
        text
    }

    /// How many characters [`Token::encode`] gives, dashes included. Beyond 64 a caller should
    /// prefer the seeded form.
    #[expect(clippy::len_without_is_empty, reason = "no token is empty")]
    pub fn len(&self) -> usize {
        let digits = self.digits().len();
        PREFIX.len() + digits + digits.div_ceil(5)
    }

    /// The token of a text.
    pub fn decode(text: &str) -> Result<Token, TokenError> {
        let digits = read_digits(text)?;
        let body = digits.len().checked_sub(TAIL).ok_or(TokenError::Truncated)?;
        let intact = digits[body..] == checksum(&digits[..body]);
        let parsed = parse(&digits[..body]);
        match (intact, parsed) {
            (true, parsed) => parsed,
            // The content alone says where the checksum should begin, so that a text cut off or
            // run together with its neighbour gets a better answer than "a character is wrong".
            (false, Err(error @ (TokenError::Truncated | TokenError::TrailingData))) => Err(error),
            (false, _) => Err(TokenError::WrongChecksum),
        }
    }

    /// Head, numbers and checksum.
    fn digits(&self) -> Vec<u8> {
        let form = match &self.choices {
            TokenBody::Deviations(_) => 0u32,
            TokenBody::Seeded { .. } => 1,
        };
        let head = form << 16 | u32::from(self.fingerprint);
        let mut digits: Vec<u8> = (0..HEAD).rev().map(|i| (head >> (5 * i)) as u8 & 31).collect();
        match &self.choices {
            TokenBody::Deviations(list) => put_deviations(&mut digits, list),
            &TokenBody::Seeded { strategy, seed, execution } => {
                let (code, parameter) = strategy_code(strategy);
                for number in [code, u64::from(parameter), seed, execution] {
                    put(&mut digits, number);
                }
            }
        }
        let tail = checksum(&digits);
        digits.extend(tail);
        digits
    }
}

impl fmt::Display for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.encode())
    }
}

impl core::str::FromStr for Token {
    type Err = TokenError;

    fn from_str(text: &str) -> Result<Token, TokenError> {
        Token::decode(text)
    }
}

/// Writes a sorted copy, so that a list assembled by hand gets the canonical text as well.
fn put_deviations(digits: &mut Vec<u8>, list: &[Deviation]) {
    let mut list = list.to_vec();
    list.sort_unstable();
    list.dedup();
    put(digits, list.len() as u64);
    let mut last = (0, 0);
    for Deviation { at, kind } in list {
        put(digits, u64::from(at.0 - last.0));
        put(digits, u64::from(if at.0 == last.0 { at.1 - last.1 } else { at.1 }));
        put(
            digits,
            match kind {
                DeviationKind::Run(goroutine) => u64::from(goroutine) << 1,
                DeviationKind::Alternative(number) => u64::from(number) << 1 | 1,
            },
        );
        last = at;
    }
}

/// The digits after the prefix.
fn read_digits(text: &str) -> Result<Vec<u8>, TokenError> {
    let mut characters = text
        .chars()
        .enumerate()
        .filter(|(_, character)| *character != '-' && !character.is_whitespace())
        .peekable();
    if characters.peek().is_none() {
        return Err(TokenError::Empty);
    }
    for expected in PREFIX.chars() {
        match characters.next() {
            Some((_, character)) if character.eq_ignore_ascii_case(&expected) => {}
            _ => return Err(TokenError::UnknownVersion),
        }
    }
    characters
        .map(|(index, character)| {
            let position = index + 1;
            super::base32::digit_value(character).ok_or(TokenError::BadCharacter { character, position })
        })
        .collect()
}

/// Everything but the checksum.
fn parse(body: &[u8]) -> Result<Token, TokenError> {
    let (head, numbers) = body.split_at_checked(HEAD).ok_or(TokenError::Truncated)?;
    let head = head.iter().fold(0u32, |head, &digit| head << 5 | u32::from(digit));
    let fingerprint = head as u16;
    let mut reader = Reader { digits: numbers };
    let choices = match head >> 16 {
        0 => TokenBody::Deviations(reader.deviations()?),
        1 => {
            let (code, parameter) = (reader.number()?, reader.small()?);
            let (seed, execution) = (reader.number()?, reader.number()?);
            let strategy = strategy_of(code, parameter)
                .ok_or(TokenError::Malformed("a strategy this version does not know"))?;
            TokenBody::Seeded { strategy, seed, execution }
        }
        _ => return Err(TokenError::Malformed("a form this version does not know")),
    };
    if reader.digits.is_empty() { Ok(Token { fingerprint, choices }) } else { Err(TokenError::TrailingData) }
}

/// The numbers not read yet.
struct Reader<'a> {
    digits: &'a [u8],
}

impl Reader<'_> {
    fn number(&mut self) -> Result<u64, TokenError> {
        const TOO_LARGE: TokenError = TokenError::Malformed("a number that is too large");
        let mut number = 0u64;
        for shift in (0..).step_by(4) {
            let (&digit, rest) = self.digits.split_first().ok_or(TokenError::Truncated)?;
            self.digits = rest;
            let bits = u64::from(digit & 15);
            if shift >= 64 {
                return Err(TOO_LARGE);
            }
            number |= bits << shift;
            if digit & 16 == 0 {
                // A leading zero would give one number two texts.
                if bits == 0 && shift > 0 {
                    return Err(TokenError::Malformed("a number with leading zeros"));
                }
                return Ok(number);
            }
        }
        Err(TOO_LARGE)
    }

    fn small(&mut self) -> Result<u32, TokenError> {
        u32::try_from(self.number()?).map_err(|_| TokenError::Malformed("a number that is too large"))
    }

    fn deviations(&mut self) -> Result<Vec<Deviation>, TokenError> {
        const TOO_LARGE: TokenError = TokenError::Malformed("a number that is too large");
        let count = self.number()?;
        if count > MAX_DEVIATIONS {
            return Err(TokenError::Malformed("more deviations than any schedule has"));
        }
        let mut list: Vec<Deviation> = Vec::new();
        let mut last = (0u32, 0u32);
        for _ in 0..count {
            let step = self.small()?;
            let goroutine = last.0.checked_add(step).ok_or(TOO_LARGE)?;
            let base = if step == 0 { last.1 } else { 0 };
            let operation = base.checked_add(self.small()?).ok_or(TOO_LARGE)?;
            let packed = self.number()?;
            let target = u32::try_from(packed >> 1).map_err(|_| TOO_LARGE)?;
            let kind = match packed & 1 {
                0 => DeviationKind::Run(target),
                _ => DeviationKind::Alternative(target),
            };
            let deviation = Deviation { at: (goroutine, operation), kind };
            if list.last().is_some_and(|previous| *previous >= deviation) {
                return Err(TokenError::Malformed("deviations out of order"));
            }
            list.push(deviation);
            last = deviation.at;
        }
        Ok(list)
    }
}

/// Appends a number, lowest four bits first.
fn put(digits: &mut Vec<u8>, mut number: u64) {
    while number > 15 {
        digits.push(number as u8 & 15 | 16);
        number >>= 4;
    }
    digits.push(number as u8);
}

/// CRC-15/CAN over five-bit digits. It starts from a pattern and not from zero, so that leading
/// zeros count.
fn checksum(digits: &[u8]) -> [u8; TAIL] {
    let mut register = 0x5E1Du16 & 0x7FFF;
    for &digit in digits {
        for bit in (0..5).rev() {
            let feedback = (register >> 14) ^ u16::from(digit >> bit & 1);
            register = register << 1 & 0x7FFF;
            if feedback & 1 == 1 {
                register ^= 0x4599;
            }
        }
    }
    [(register >> 10) as u8, (register >> 5) as u8 & 31, register as u8 & 31]
}

/// The number that stands for a strategy. Frozen: numbers are only ever added.
fn strategy_code(strategy: StrategySpec) -> (u64, u32) {
    match strategy {
        StrategySpec::Mix => (0, 0),
        StrategySpec::Random => (1, 0),
        StrategySpec::Pct(depth) => (2, depth),
        StrategySpec::Pos => (3, 0),
        StrategySpec::Surw => (4, 0),
        StrategySpec::RoundRobin => (5, 0),
        StrategySpec::Dfs => (6, 0),
        StrategySpec::Optimal => (7, 0),
        StrategySpec::Frontier => (8, 0),
        StrategySpec::Flip => (9, 0),
    }
}

/// The strategy of a number; a parameter where none belongs is an error.
fn strategy_of(code: u64, parameter: u32) -> Option<StrategySpec> {
    let strategy = match code {
        0 => StrategySpec::Mix,
        1 => StrategySpec::Random,
        2 if StrategySpec::DEPTHS.contains(&parameter) => StrategySpec::Pct(parameter),
        3 => StrategySpec::Pos,
        4 => StrategySpec::Surw,
        5 => StrategySpec::RoundRobin,
        6 => StrategySpec::Dfs,
        7 => StrategySpec::Optimal,
        8 => StrategySpec::Frontier,
        9 => StrategySpec::Flip,
        _ => return None,
    };
    (strategy_code(strategy) == (code, parameter)).then_some(strategy)
}

#[cfg(test)]
#[path = "token_tests.rs"]
mod tests;
