//! Just enough of Rust's lexical grammar to tell code from comments and literals.
//!
//! Invariants: the result has the lines of the input, so that line numbers stay true; what is blanked
//! out becomes spaces, so that words never grow together.

/// The code of a file without comments, literals and `#[cfg(test)]` items.
pub(super) fn production_code(text: &str) -> String {
    without_tests(&without_comments_and_literals(text))
}

/// Blanks out comments, strings and characters; lifetimes stay.
pub(super) fn without_comments_and_literals(text: &str) -> String {
    let chars: Vec<char> = text.chars().collect();
    let mut out = String::with_capacity(text.len());
    let mut i = 0;
    while i < chars.len() {
        let end = token_end(&chars, i);
        match end {
            Some(end) => {
                out.extend(chars[i..end].iter().map(|&c| if c == '\n' { '\n' } else { ' ' }));
                i = end;
            }
            None => {
                out.push(chars[i]);
                i += 1;
            }
        }
    }
    out
}

/// Where the comment or literal that starts here ends, if one does.
fn token_end(chars: &[char], start: usize) -> Option<usize> {
    let at = |i: usize| chars.get(i).copied().unwrap_or('\0');
    let find = |from: usize, stop: char| (from..chars.len()).find(|&i| at(i) == stop);
    match (at(start), at(start + 1)) {
        ('/', '/') => Some(find(start, '\n').unwrap_or(chars.len())),
        ('/', '*') => Some(block_comment_end(chars, start)),
        ('"', _) => Some(quoted_end(chars, start + 1, '"')),
        ('\'', '\\') => Some(quoted_end(chars, start + 1, '\'')),
        // Without a closing quote right after one character it is a lifetime.
        ('\'', _) => (at(start + 2) == '\'').then_some(start + 3),
        ('r', '"' | '#') if start == 0 || !is_word(at(start - 1)) || at(start - 1) == 'b' => {
            let open = (start + 1..).find(|&i| at(i) != '#')?;
            // `r#match` is a word and no literal.
            if at(open) != '"' {
                return None;
            }
            let hashes = open - start - 1;
            let closes = |i: usize| at(i) == '"' && (1..=hashes).all(|n| at(i + n) == '#');
            let close = (open + 1..chars.len()).find(|&i| closes(i));
            Some(close.map_or(chars.len(), |close| close + 1 + hashes))
        }
        _ => None,
    }
}

fn block_comment_end(chars: &[char], start: usize) -> usize {
    let mut depth = 0;
    let mut i = start;
    while i + 1 < chars.len() {
        match (chars[i], chars[i + 1]) {
            ('/', '*') => (depth, i) = (depth + 1, i + 2),
            ('*', '/') => (depth, i) = (depth - 1, i + 2),
            _ => i += 1,
        }
        if depth == 0 {
            return i;
        }
    }
    chars.len()
}

fn quoted_end(chars: &[char], mut i: usize, quote: char) -> usize {
    while i < chars.len() && chars[i] != quote {
        i += if chars[i] == '\\' { 2 } else { 1 };
    }
    (i + 1).min(chars.len())
}

/// Blanks out each `#[cfg(test)]` item with a body in braces; one that ends in `;` has no code here.
fn without_tests(code: &str) -> String {
    const MARK: &str = "#[cfg(test)]";
    let mut out = code.to_owned();
    let mut from = 0;
    while let Some(start) = out[from..].find(MARK).map(|at| from + at) {
        let body = start + MARK.len();
        let Some(open) = out[body..].find(['{', ';']).map(|at| body + at) else { break };
        let end = if out[open..].starts_with('{') { closing_brace(&out, open) } else { open + 1 };
        let blank: String = out[start..end].chars().map(|c| if c == '\n' { '\n' } else { ' ' }).collect();
        out.replace_range(start..end, &blank);
        from = start + blank.len();
    }
    out
}

fn closing_brace(code: &str, open: usize) -> usize {
    let mut depth = 0;
    for (i, c) in code[open..].char_indices() {
        match c {
            '{' => depth += 1,
            '}' => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return open + i + 1;
        }
    }
    code.len()
}

/// Whether a character belongs to a word.
pub(super) fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

/// Where a word or path stands by itself: not as a part of a longer word.
pub(super) fn occurrences<'a>(text: &'a str, word: &'a str) -> impl Iterator<Item = usize> + 'a {
    text.match_indices(word).map(|(at, _)| at).filter(move |&at| {
        let before = word.starts_with(is_word) && text[..at].ends_with(is_word);
        let after = word.ends_with(is_word) && text[at + word.len()..].starts_with(is_word);
        !before && !after
    })
}

/// The line of a position, counted from 1.
pub(super) fn line_of(text: &str, at: usize) -> usize {
    text[..at].matches('\n').count() + 1
}

#[test]
fn comments_and_literals_go_and_lines_stay() {
    let text =
        "a // b \"\nc /* d\n /* e */ f */ g \"h\\\"\ni\" j 'k' '\\'' 'l r#\"m\"n\"# o r#p b\"q\" br\"s\"";
    let code = without_comments_and_literals(text);
    assert_eq!(code.lines().count(), text.lines().count());
    let words: Vec<&str> = code.split_whitespace().collect();
    assert_eq!(words, ["a", "c", "g", "j", "'l", "o", "r#p", "b", "b"]);
}

#[test]
fn test_modules_go() {
    let code = production_code("a\n#[cfg(test)]\nmod tests {\n { b }\n}\nc\n#[cfg(test)]\nmod d;\ne");
    assert_eq!(code.split_whitespace().collect::<Vec<_>>(), ["a", "c", "e"]);
    assert_eq!(code.lines().count(), 9);
}

#[test]
fn words_are_whole_words() {
    assert_eq!(occurrences("unsafe_code unsafe { unsafe", "unsafe").count(), 2);
    assert_eq!(occurrences("FxHashMap HashMap<", "HashMap").count(), 1);
    assert_eq!(occurrences("mycrate::a crate::b", "crate::").count(), 1);
}
