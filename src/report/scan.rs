//! A minimal tokenizer for Rust source: enough to find the end of a call and the name in a `let`.
//!
//! Invariants: it accepts every text, also one that is not Rust; tokens are in order, do not
//! overlap and lie on character boundaries. It knows nothing of macros, types or scopes.

use std::ops::Range;

/// What a token is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Kind {
    /// An identifier, a keyword or a number.
    Word,
    /// A string, a character or a lifetime.
    Literal,
    /// Punctuation; two-character operators are one token.
    Punct,
}

/// A token of the source; comments and blanks are none.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Token {
    pub(super) kind: Kind,
    pub(super) range: Range<usize>,
}

/// Operators that must not be mistaken for two single characters.
const PAIRS: &[&str] =
    &["::", "=>", "->", "==", "!=", "<=", "+=", "-=", "*=", "/=", "|=", "&=", "^=", "||", "&&", ".."];

/// All tokens of the text.
pub(super) fn tokens(text: &str) -> Vec<Token> {
    let mut out = Vec::new();
    let mut at = 0;
    while let Some(c) = text[at..].chars().next() {
        let rest = &text[at..];
        let (kind, len) = if c.is_whitespace() {
            (None, c.len_utf8())
        } else if rest.starts_with("//") {
            (None, rest.find('\n').unwrap_or(rest.len()))
        } else if rest.starts_with("/*") {
            (None, block_comment(rest))
        } else if let Some(len) = string(rest) {
            (Some(Kind::Literal), len)
        } else if c == '\'' {
            (Some(Kind::Literal), quote(rest))
        } else if is_word(c) {
            (Some(Kind::Word), rest.find(|c| !is_word(c)).unwrap_or(rest.len()))
        } else if PAIRS.iter().any(|p| rest.starts_with(p)) {
            (Some(Kind::Punct), 2)
        } else {
            (Some(Kind::Punct), c.len_utf8())
        };
        if let Some(kind) = kind {
            out.push(Token { kind, range: at..at + len });
        }
        at += len;
    }
    out
}

fn is_word(c: char) -> bool {
    c == '_' || c.is_alphanumeric()
}

/// The length of a comment that may hold others; an unclosed one takes everything.
fn block_comment(text: &str) -> usize {
    let (mut depth, mut at) = (0usize, 0);
    let bytes = text.as_bytes();
    while at + 1 < bytes.len() {
        match &bytes[at..at + 2] {
            b"/*" => {
                depth += 1;
                at += 2;
            }
            b"*/" => {
                depth -= 1;
                at += 2;
                if depth == 0 {
                    return at;
                }
            }
            _ => at += 1,
        }
    }
    text.len()
}

/// The length of a string literal with whatever prefix, if the text starts with one.
fn string(text: &str) -> Option<usize> {
    let prefix = text.find(|c: char| !matches!(c, 'r' | 'b' | 'c')).filter(|&n| n <= 2)?;
    let raw = text[..prefix].contains('r');
    let rest = &text[prefix..];
    if raw {
        let hashes = rest.find(|c| c != '#')?;
        if !rest[hashes..].starts_with('"') {
            return None;
        }
        let end = format!("\"{}", "#".repeat(hashes));
        let body = prefix + hashes + 1;
        return Some(text[body..].find(&end).map_or(text.len(), |n| body + n + end.len()));
    }
    rest.starts_with('"').then(|| prefix + escaped(rest, '"'))
}

/// The length of a character literal or of a lifetime.
fn quote(text: &str) -> usize {
    let mut chars = text[1..].chars();
    match (chars.next(), chars.next()) {
        (Some('\\'), _) => escaped(text, '\''),
        (Some(c), Some('\'')) => 1 + c.len_utf8() + 1,
        _ => 1 + text[1..].find(|c| !is_word(c)).unwrap_or(text.len() - 1),
    }
}

/// The length up to and with the closing quote that is not escaped.
fn escaped(text: &str, quote: char) -> usize {
    let mut skip = false;
    for (at, c) in text.char_indices().skip(1) {
        match c {
            _ if skip => skip = false,
            '\\' => skip = true,
            c if c == quote => return at + c.len_utf8(),
            _ => {}
        }
    }
    text.len()
}

/// The index of the bracket that closes the one at `open`.
pub(super) fn closing(text: &str, tokens: &[Token], open: usize) -> Option<usize> {
    let mut depth = 0usize;
    for (i, token) in tokens.iter().enumerate().skip(open) {
        match &text[token.range.clone()] {
            "(" | "[" | "{" => depth += 1,
            ")" | "]" | "}" => {
                depth = depth.checked_sub(1)?;
                if depth == 0 {
                    return Some(i);
                }
            }
            _ => {}
        }
    }
    None
}

/// The index of the bracket that opens the one at `close`.
pub(super) fn opening(text: &str, tokens: &[Token], close: usize) -> Option<usize> {
    let mut depth = 0usize;
    for (i, token) in tokens[..=close].iter().enumerate().rev() {
        match &text[token.range.clone()] {
            ")" | "]" | "}" => depth += 1,
            "(" | "[" | "{" => {
                depth = depth.checked_sub(1)?;
                if depth == 0 {
                    return Some(i);
                }
            }
            _ => {}
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(text: &str) -> Vec<&str> {
        tokens(text).into_iter().map(|t| &text[t.range]).collect()
    }

    #[test]
    fn strings_comments_and_lifetimes_are_told_apart() {
        assert_eq!(
            texts("let x: &'a str = r#\"(\"#; // {\nf('{', '\\'', \"}\\\"\") /* ( /* */ */ y"),
            [
                "let",
                "x",
                ":",
                "&",
                "'a",
                "str",
                "=",
                "r#\"(\"#",
                ";",
                "f",
                "(",
                "'{'",
                ",",
                "'\\''",
                ",",
                "\"}\\\"\"",
                ")",
                "y"
            ]
        );
        assert_eq!(texts("a::b(|| c==d)"), ["a", "::", "b", "(", "||", "c", "==", "d", ")"]);
    }

    #[test]
    fn unfinished_source_ends_quietly() {
        for text in ["\"abc", "'", "'\\", "/* /*", "r###\"x\"#", "(((", "b", "é'ü", "c\"", "/"] {
            let all = tokens(text);
            assert!(all.windows(2).all(|w| w[0].range.end <= w[1].range.start), "{text}");
            assert!(all.iter().all(|t| text.get(t.range.clone()).is_some()), "{text}");
        }
    }
}
