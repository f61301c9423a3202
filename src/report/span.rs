//! Which part of a source line a place stands for.
//!
//! The compiler gives a point; a reader wants the call. Invariants: a span is not empty, lies on
//! the line of its site and on character boundaries; a place that cannot be found has no span.

use std::ops::Range;

use selvedge_checkers::ids::Site;

use super::scan::{Kind, closing, opening};
use super::source::SourceText;

/// The expression at the site: from the receiver of the call to its closing parenthesis, where
/// both are on the line; with `callee` without the arguments.
pub(super) fn highlight(src: &SourceText, site: &Site, callee: bool) -> Option<Range<usize>> {
    let at = src.offset(site)?;
    let line = src.line(site.line)?;
    if src.text[line.clone()].trim().is_empty() {
        return None;
    }
    let on_line = |i: &usize| {
        let r = &src.tokens[*i].range;
        r.start >= line.start && r.end <= line.end
    };
    let mut here = (0..src.tokens.len()).filter(on_line);
    let Some(first) = here.clone().find(|&i| src.tokens[i].range.end > at).or_else(|| here.next_back())
    else {
        return Some(trimmed(&src.text, line));
    };
    let cursor = Cursor { src, line };
    let start = cursor.back_over_receiver(first);
    let end = cursor.past_call(first, callee);
    Some(src.tokens[start].range.start..src.tokens[end].range.end)
}

/// The line without the blanks around it, for lines that hold nothing but a comment or the inside
/// of a long string.
fn trimmed(text: &str, line: Range<usize>) -> Range<usize> {
    let body = &text[line.clone()];
    let start = line.start + (body.len() - body.trim_start().len());
    start..line.start + body.trim_end().len()
}

/// Steps along the tokens of one line; indices are into the file's tokens.
struct Cursor<'s> {
    src: &'s SourceText,
    line: Range<usize>,
}

impl Cursor<'_> {
    fn text(&self, i: usize) -> &str {
        let inside = |r: &Range<usize>| r.start >= self.line.start && r.end <= self.line.end;
        self.src.tokens.get(i).filter(|t| inside(&t.range)).map_or("", |t| &self.src.text[t.range.clone()])
    }

    fn is_word(&self, i: usize) -> bool {
        !self.text(i).is_empty() && self.src.tokens[i].kind == Kind::Word
    }

    /// The first token of `a.b().c` given `c`: the compiler points at the method's name.
    fn back_over_receiver(&self, first: usize) -> usize {
        let mut start = first;
        while start >= 2 && matches!(self.text(start - 1), "." | "::") {
            let Some(part) = self.part_before(start - 1) else { break };
            start = part;
        }
        start
    }

    /// The first token of the path segment, call or index that ends right before `dot`.
    fn part_before(&self, dot: usize) -> Option<usize> {
        let mut i = dot.checked_sub(1)?;
        while self.text(i) == "?" {
            i = i.checked_sub(1)?;
        }
        while matches!(self.text(i), ")" | "]") {
            let open = opening(&self.src.text, &self.src.tokens, i)?;
            if self.text(open).is_empty() {
                return None;
            }
            match open.checked_sub(1) {
                Some(before) if self.is_word(before) || matches!(self.text(before), ")" | "]") => i = before,
                _ => return Some(open),
            }
        }
        self.is_word(i).then_some(i)
    }

    /// The last token of the call that begins at `first`, or of what can be shown of it.
    fn past_call(&self, first: usize, callee: bool) -> usize {
        let mut i = first;
        while matches!(self.text(i), "*" | "&" | "!" | "&&") && !self.text(i + 1).is_empty() {
            i += 1;
        }
        loop {
            let mut next = i + 1;
            if self.text(next) == "::" && self.text(next + 1) == "<" {
                next = self.past_angles(next + 1);
            }
            if self.text(next) == "!" && matches!(self.text(next + 1), "(" | "[" | "{") {
                return next;
            }
            if self.text(next) == "(" && self.is_word(i) {
                return self.matching(next).filter(|_| !callee).unwrap_or(i);
            }
            if matches!(self.text(next), "." | "::") && self.is_word(next + 1) {
                i = next + 1;
            } else {
                return i;
            }
        }
    }

    /// The token after a turbofish.
    fn past_angles(&self, open: usize) -> usize {
        let mut depth = 0usize;
        for i in open.. {
            match self.text(i) {
                "" => return open,
                "<" => depth += 1,
                ">" if depth == 1 => return i + 1,
                ">" => depth -= 1,
                _ => {}
            }
        }
        open
    }

    /// The parenthesis that closes `open`, if it is on the line.
    fn matching(&self, open: usize) -> Option<usize> {
        closing(&self.src.text, &self.src.tokens, open).filter(|&i| !self.text(i).is_empty())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The text highlighted in `line` for the place marked by the first `^` of `marker`.
    fn shown(line: &str, needle: &str) -> String {
        let src = SourceText::new(line);
        let col = line.find(needle).map_or(1, |at| line[..at].chars().count() + 1) as u32;
        let range = highlight(&src, &Site { file: "a.rs".into(), line: 1, col }, false);
        range.map_or_else(String::new, |r| src.text[r].to_owned())
    }

    #[test]
    fn a_call_is_shown_from_receiver_to_parenthesis() {
        assert_eq!(shown("    let l = ledger.lock().unwrap();", "lock"), "ledger.lock()");
        assert_eq!(shown("let l = ledger.lock();", "ledger."), "ledger.lock()");
        assert_eq!(shown("self.jobs[i].send(f(x, 1))?;", "send"), "self.jobs[i].send(f(x, 1))");
        assert_eq!(shown("a::b::<Vec<u8>>(1)", "a::"), "a::b::<Vec<u8>>(1)");
        assert_eq!(shown("let (t, r) = chan::<u32>(1);", "chan"), "chan::<u32>(1)");
        assert_eq!(shown("get()?.lock()", "lock"), "get()?.lock()");
    }

    #[test]
    fn what_does_not_end_on_the_line_is_shown_by_its_name() {
        assert_eq!(shown("    go(|| {", "go"), "go");
        assert_eq!(shown("    select! {", "select"), "select!");
        assert_eq!(shown("        .lock()", "lock"), "lock()");
        assert_eq!(shown("*count += 1;", "*count"), "*count");
        assert_eq!(shown("x", "x"), "x");
    }

    #[test]
    fn a_callee_is_shown_without_its_arguments() {
        let src = SourceText::new("selvedge::go(|| f(1));");
        let site = Site { file: "a.rs".into(), line: 1, col: 1 };
        assert_eq!(highlight(&src, &site, true).map(|r| &src.text[r]), Some("selvedge::go"));
    }

    #[test]
    fn odd_lines_have_a_span_or_none() {
        assert_eq!(shown("// only a comment", "only"), "// only a comment");
        assert_eq!(shown("\t\tчай.принять(\"日本\")", "принять"), "чай.принять(\"日本\")");
        assert_eq!(shown("   ", " "), "");
        assert_eq!(shown("", ""), "");
        let src = SourceText::new("f(x)");
        let past = Site { file: "a.rs".into(), line: 1, col: 400 };
        assert_eq!(highlight(&src, &past, false), Some(3..4));
        assert_eq!(highlight(&src, &Site { line: 9, ..past }, false), None);
    }

    #[test]
    fn every_point_of_a_hostile_line_gives_a_proper_span() {
        for line in [")))", ".a", "a.", "::", "a::<", "'", "\"", "((", "].b", "?.x", "é.", "*", "&&&", "x!("]
        {
            let src = SourceText::new(line);
            for col in 0..10 {
                let site = Site { file: "a.rs".into(), line: 1, col };
                let range = highlight(&src, &site, false).expect("the line is not blank");
                assert!(!range.is_empty() && src.text.get(range).is_some(), "{line} {col}");
            }
        }
    }
}
