//! How a report may look: its width, and whether colour and Unicode are allowed.
//!
//! Invariants: every sentence is written once, in Unicode, and [`Style::spell`] turns it into ASCII
//! before anything is measured; colour only repeats what the text already says.

use std::borrow::Cow;

/// The narrowest report that is laid out; narrower terminals wrap it themselves.
const MIN_WIDTH: usize = 72;
/// The widest report: longer lines are hard to read whatever the terminal allows.
const MAX_WIDTH: usize = 200;

/// The look of a report.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Style {
    /// Columns to use, held within 72 to 200.
    pub width: usize,
    /// Whether to write ANSI colours.
    pub color: bool,
    /// Whether to draw with characters beyond ASCII.
    pub unicode: bool,
}

impl Default for Style {
    fn default() -> Style {
        Style { width: 100, color: false, unicode: true }
    }
}

/// What a piece of text is, for the terminal's colours.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Ink {
    /// The label of a block.
    Label,
    /// The text a person is meant to copy.
    Strong,
    /// The step at which a goroutine stops for good.
    Alarm,
}

impl Style {
    /// The width that is really used.
    pub(super) fn columns(&self) -> usize {
        self.width.clamp(MIN_WIDTH, MAX_WIDTH)
    }

    /// The text with our own decorations in the characters this style allows. Characters that come
    /// from the user's program stay as they are: a name must remain searchable.
    pub(super) fn spell<'t>(&self, text: &'t str) -> Cow<'t, str> {
        const PLAIN: &[(char, &str)] = &[
            ('…', "..."),
            ('→', "->"),
            ('─', "-"),
            ('✋', "[blocked]"),
            ('✗', "[panics]"),
            ('\u{fffd}', "?"),
        ];
        if self.unicode || !text.contains(|c| PLAIN.iter().any(|(u, _)| *u == c)) {
            return Cow::Borrowed(text);
        }
        let mut out = String::with_capacity(text.len() + 8);
        for c in text.chars() {
            match PLAIN.iter().find(|(u, _)| *u == c) {
                Some((_, plain)) => out.push_str(plain),
                None => out.push(c),
            }
        }
        Cow::Owned(out)
    }

    /// The mark of text that was cut off.
    pub(super) fn ellipsis(&self) -> &'static str {
        if self.unicode { "…" } else { "..." }
    }

    /// The text in its colour, or as it is.
    pub(super) fn paint(&self, ink: Ink, text: &str) -> String {
        if !self.color || text.is_empty() {
            return text.to_owned();
        }
        let code = match ink {
            Ink::Label => "1;94",
            Ink::Strong => "1",
            Ink::Alarm => "1;91",
        };
        format!("\x1b[{code}m{text}\x1b[0m")
    }
}
