//! What comes through the tests' pipe: lines for people, and records of how far an exploration is.
//!
//! Invariants: every byte that is not part of a record of ours comes out again, in its order; a line comes out
//! when it is whole, since the bar stands where it would begin.

use serde_json::Value;

/// The character before a record (RFC 7464).
const RECORD: u8 = 0x1e;

/// What was read.
#[derive(Clone, PartialEq, Debug)]
pub(super) enum Item {
    /// A line with its end; the last one may have none.
    Line(Vec<u8>),
    /// `"kind": "progress"`.
    Progress(Value),
}

/// Cuts what is read into items.
#[derive(Default)]
pub(super) struct Splitter {
    line: Vec<u8>,
    /// What has come of a record, from its first character on.
    record: Vec<u8>,
}

impl Splitter {
    /// What is whole with these bytes.
    pub(super) fn push(&mut self, bytes: &[u8]) -> Vec<Item> {
        let mut items = Vec::new();
        for &byte in bytes {
            match (self.record.is_empty(), byte) {
                (true, RECORD) => self.record.push(byte),
                (true, _) => self.text(byte, &mut items),
                (false, b'\n') => self.end_record(&mut items),
                (false, _) => self.record.push(byte),
            }
        }
        items
    }

    /// What is left at the end.
    pub(super) fn rest(mut self) -> Option<Item> {
        self.line.append(&mut self.record);
        (!self.line.is_empty()).then_some(Item::Line(self.line))
    }

    fn text(&mut self, byte: u8, items: &mut Vec<Item>) {
        self.line.push(byte);
        if byte == b'\n' {
            items.push(Item::Line(std::mem::take(&mut self.line)));
        }
    }

    fn end_record(&mut self, items: &mut Vec<Item>) {
        let record = std::mem::take(&mut self.record);
        match serde_json::from_slice::<Value>(&record[1..]) {
            Ok(value) if value["kind"] == "progress" => items.push(Item::Progress(value)),
            // Somebody else's.
            _ => record.into_iter().chain([b'\n']).for_each(|byte| self.text(byte, items)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(chunks: &[&str]) -> Vec<Item> {
        let mut splitter = Splitter::default();
        let mut items: Vec<Item> = chunks.iter().flat_map(|chunk| splitter.push(chunk.as_bytes())).collect();
        items.extend(splitter.rest());
        items
    }

    fn line(text: &str) -> Item {
        Item::Line(text.as_bytes().to_vec())
    }

    #[test]
    fn records_are_taken_out_of_the_lines() {
        let record = Item::Progress(serde_json::json!({ "kind": "progress", "test": "a" }));
        let cut = ["test a ... ", "\u{1e}{\"kind\":\"prog", "ress\",\"test\":\"a\"}\nok\nend"];
        assert_eq!(all(&cut), [record, line("test a ... ok\n"), line("end")]);
    }

    #[test]
    fn what_is_not_ours_is_let_through() {
        let others = ["a\u{1e}b\n", "\u{1e}{\"kind\":\"else\"}\n", "\u{1e}un", "ended"];
        let expected = [line("a\u{1e}b\n"), line("\u{1e}{\"kind\":\"else\"}\n"), line("\u{1e}unended")];
        assert_eq!(all(&others), expected);
    }
}
