//! Measuring, cutting and wrapping text for a terminal.
//!
//! Invariants: widths are display columns, not bytes or characters; no control character that
//! comes from the user's program reaches the terminal; a single word is never broken, because the
//! long words of a report are paths and tokens that a person copies.

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

/// The columns the text takes on a terminal.
pub(super) fn width(text: &str) -> usize {
    text.width()
}

/// The text on one line and without control characters: panic messages and names may hold
/// anything, also escape sequences.
pub(super) fn one_line(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.trim().chars() {
        match c {
            '\n' | '\r' | '\t' => {
                if !out.ends_with(' ') {
                    out.push(' ');
                }
            }
            c if c.is_control() || is_bidi(c) => out.push('\u{fffd}'),
            c => out.push(c),
        }
    }
    out
}

/// Characters that reorder what follows them: they could make a report read backwards.
fn is_bidi(c: char) -> bool {
    matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// The text cut to `columns`, ending in `ellipsis` where something was lost. Escape sequences in
/// the text take no room and are all kept, so that colours are always closed again.
pub(super) fn clip(text: &str, columns: usize, ellipsis: &str) -> String {
    if visible_width(text) <= columns {
        return text.to_owned();
    }
    let room = columns.saturating_sub(width(ellipsis));
    let (mut out, mut used, mut full) = (String::new(), 0, false);
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        if c == '\x1b' {
            out.push(c);
            copy_escape(&mut chars, &mut out);
            continue;
        }
        let w = c.width().unwrap_or(0);
        if !full && used + w > room {
            out.push_str(ellipsis);
            full = true;
        }
        if !full {
            out.push(c);
            used += w;
        }
    }
    out
}

/// Two texts without the beginning they share, where otherwise nobody would see how they differ within
/// `columns`: from the last word before the difference on, after `…`.
pub(super) fn contrast(left: &str, right: &str, columns: usize) -> Option<(String, String)> {
    let common: usize =
        left.chars().zip(right.chars()).take_while(|(l, r)| l == r).map(|(c, _)| c.len_utf8()).sum();
    if width(left).max(width(right)) <= columns || width(&left[..common]) < columns / 2 {
        return None;
    }
    // A word may be long itself: then only its end is context.
    let context = |(at, _): &(usize, char)| width(&left[*at..common]) <= columns / 3;
    let start = left[..common].char_indices().find(context).map_or(common, |(at, _)| at);
    let is_in_a_word = !left[..start].ends_with(' ');
    let blank = left[start..common].find(' ').filter(|_| is_in_a_word);
    let start = blank.map_or(start, |blank| start + blank + 1);
    let from = |text: &str| format!("… {}", &text[start..]);
    Some((from(left), from(right)))
}

/// The columns of a text that may hold escape sequences.
pub(super) fn visible_width(text: &str) -> usize {
    if !text.contains('\x1b') {
        return width(text);
    }
    let mut visible = String::with_capacity(text.len());
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        if c == '\x1b' {
            copy_escape(&mut chars, &mut String::new());
        } else {
            visible.push(c);
        }
    }
    width(&visible)
}

/// Copies the rest of a colour sequence: everything up to its final letter.
fn copy_escape(chars: &mut std::str::Chars<'_>, out: &mut String) {
    for c in chars.by_ref() {
        out.push(c);
        if c.is_ascii_alphabetic() {
            return;
        }
    }
}

/// The text in lines of at most `columns`, broken at blanks that are not unbreakable ones. A word that is wider than a line
/// stands alone and sticks out.
pub(super) fn wrap(text: &str, columns: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    let mut line = String::new();
    for word in text.split(' ') {
        if !line.is_empty() && width(&line) + 1 + width(word) > columns {
            lines.push(std::mem::take(&mut line));
        }
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(word);
    }
    lines.push(line);
    lines.iter().map(|line| line.replace('\u{a0}', " ")).collect()
}

/// The text padded with blanks to `columns`.
pub(super) fn pad(text: &str, columns: usize) -> String {
    let missing = columns.saturating_sub(visible_width(text));
    format!("{text}{}", " ".repeat(missing))
}

/// `1 step`, `2 steps`: English counts.
pub(super) fn count(n: u64, noun: &str) -> String {
    if n == 1 { format!("1 {noun}") } else { format!("{n} {noun}s") }
}

/// `a`, `a and b`, `a, b and c`.
pub(super) fn list(items: &[String]) -> String {
    match items {
        [] => String::new(),
        [one] => one.clone(),
        [most @ .., last] => format!("{} and {last}", most.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clip_counts_columns_and_closes_colours() {
        assert_eq!(clip("abcdef", 4, "…"), "abc…");
        assert_eq!(clip("abcd", 4, "…"), "abcd");
        assert_eq!(clip("日本語", 5, "…"), "日本…");
        assert_eq!(clip("\x1b[1mabcdef\x1b[0m", 4, "..."), "\x1b[1ma...\x1b[0m");
    }

    #[test]
    fn wrap_keeps_long_words_whole() {
        assert_eq!(wrap("aa bb cccccccc d", 5), ["aa bb", "cccccccc", "d"]);
        assert_eq!(wrap("", 5), [""]);
        assert_eq!(wrap("a 1\u{a0}→\u{a0}2", 5), ["a", "1 → 2"]);
    }

    #[test]
    fn control_characters_do_not_survive() {
        assert_eq!(one_line("a\n\tb\x1b[31mc\u{202e}"), "a b\u{fffd}[31mc\u{fffd}");
    }

    #[test]
    fn values_are_cut_where_they_agree() {
        let order = |n: u32| {
            format!("Order {{ customer: \"a name that is rather long\", lines: [1, 2, 3], paid: {n} }}")
        };
        assert_eq!(contrast(&order(1), &order(2), 100), None, "there is room");
        let (left, right) = contrast(&order(1), &order(2), 40).unwrap();
        assert_eq!((left.as_str(), right.as_str()), ("… 2, 3], paid: 1 }", "… 2, 3], paid: 2 }"));
        let long = |c: char| format!("{}{c}", "é".repeat(90));
        let (left, right) = contrast(&long('a'), &long('b'), 30).unwrap();
        assert_eq!((left, right), (format!("… {}a", "é".repeat(10)), format!("… {}b", "é".repeat(10))));
        assert_eq!(contrast(&format!("1{}", order(1)), &order(1), 40), None, "they differ at once");
        assert_eq!(contrast("", "x", 1), None);
    }
}
