//! The headline and the annotated source lines, drawn by `annotate-snippets`.
//!
//! Invariants: no line is wider than the style allows; where a source is absent the place is named
//! all the same; what cannot be drawn is left out, a report never panics over a source file.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::rc::Rc;

use annotate_snippets::renderer::DecorStyle;
use annotate_snippets::{Annotation, AnnotationKind, Group, Level, Origin, Renderer, Snippet};
use selvedge_checkers::finding::{Finding, Severity};

use super::marks::Mark;
use super::scene::Scene;
use super::source::SourceText;
use super::span::highlight;
use super::style::Style;
use super::text::{clip, contrast, one_line, visible_width, wrap};
use super::words;

/// Columns before the text of a `help:` or `note:` line with line numbers of up to five digits.
const NOTE_INDENT: usize = 14;
/// Columns before the source of lines with numbers of up to five digits.
const GUTTER: usize = 8;
/// A headline may hold a panic message of any length; this much of it is shown.
const MAX_HEADLINE: usize = 280;

/// The first block: headline, source lines, remedy.
pub(super) fn render(
    f: &Finding,
    marks: &[Mark],
    remedies: &[String],
    scene: &Scene<'_>,
    style: &Style,
) -> Vec<String> {
    let canvas = Canvas { finding: f, marks, remedies, files: by_file(marks, scene), scene, style };
    // Labels are one line each. Those that stick out become brief, the longest first, and where
    // even that is too long they move below the source; what sticks out then is cut.
    let mut fits = vec![0; marks.len()];
    loop {
        let lines = canvas.draw(&fits);
        let wide: Vec<&String> = lines.iter().filter(|l| visible_width(l) > style.columns()).collect();
        let at_fault = |i: &usize| {
            let label = canvas.label(*i, fits[*i]);
            !label.is_empty() && wide.iter().any(|l| l.contains(&label))
        };
        let longest = |&i: &usize| (Reverse(fits[i]), marks[i].texts.first().map_or(0, String::len));
        match (0..marks.len()).filter(at_fault).max_by_key(longest) {
            Some(i) => fits[i] += 1,
            None => return lines.iter().map(|l| clip(l, style.columns(), style.ellipsis())).collect(),
        }
    }
}

/// Which of a mark's texts there is room for; past the last one none is beside the underline, but
/// the full text is in a note that names the line.
type Fit = usize;

/// The marks of one file, with the file where it can be read.
struct File {
    name: String,
    source: Option<Rc<SourceText>>,
    marks: Vec<usize>,
}

/// The files in the order of their first mark: the primary one's file comes first.
fn by_file(marks: &[Mark], scene: &Scene<'_>) -> Vec<File> {
    let mut files: Vec<File> = Vec::new();
    for (i, m) in marks.iter().enumerate() {
        match files.iter_mut().find(|f| f.name == m.site.file) {
            Some(file) => file.marks.push(i),
            None => {
                let source = scene.library.get(&m.site.file);
                files.push(File { name: m.site.file.clone(), source, marks: vec![i] });
            }
        }
    }
    files
}

/// Everything that does not change while room is sought for the labels.
struct Canvas<'c, 'a> {
    finding: &'c Finding,
    marks: &'c [Mark],
    remedies: &'c [String],
    files: Vec<File>,
    scene: &'c Scene<'a>,
    style: &'c Style,
}

impl Canvas<'_, '_> {
    fn label(&self, i: usize, fit: Fit) -> String {
        self.marks[i].texts.get(fit).map_or_else(String::new, |text| self.style.spell(text).into_owned())
    }

    fn draw(&self, fits: &[Fit]) -> Vec<String> {
        let mut group = self.title();
        for file in &self.files {
            group = self.file(group, file, fits);
        }
        let (room, ellipsis) = (self.style.columns().saturating_sub(NOTE_INDENT), self.style.ellipsis());
        for line in contrasted(words::details(self.finding), room) {
            group = group.element(Level::NOTE.message(clip(&self.style.spell(&line), room, ellipsis)));
        }
        for remedy in self.remedies {
            group = group.element(Level::HELP.message(self.note(remedy)));
        }
        let decor = if self.style.unicode { DecorStyle::Unicode } else { DecorStyle::Ascii };
        let renderer = if self.style.color { Renderer::styled() } else { Renderer::plain() };
        let width = self.style.columns().saturating_sub(GUTTER);
        let drawn = renderer.decor_style(decor).term_width(width).render(&[group]);
        drawn.lines().map(|l| l.trim_end().to_owned()).collect()
    }

    fn title<'g>(&self) -> Group<'g> {
        let (finding, style) = (self.finding, self.style);
        let (level, word) = match finding.slug.severity() {
            Severity::Error => (Level::ERROR, "error"),
            Severity::Warning => (Level::WARNING, "warning"),
        };
        let sentence = words::title(finding, self.scene);
        let text = clip(&one_line(&style.spell(&sentence)), MAX_HEADLINE, style.ellipsis());
        let room = style.columns().saturating_sub(word.len() + finding.slug.text().len() + 4);
        Group::with_title(level.primary_title(wrap(&text, room).join("\n")).id(finding.slug.text()))
    }

    /// The text of a `help:` or `note:`, wrapped.
    fn note(&self, text: &str) -> String {
        wrap(&self.style.spell(text), self.style.columns().saturating_sub(NOTE_INDENT)).join("\n")
    }

    /// One file's marks: those whose source is there in it, the others and those without room for
    /// a label as notes.
    fn file<'g>(&self, mut group: Group<'g>, file: &File, fits: &[Fit]) -> Group<'g> {
        let mut unseen = Vec::new();
        let mut spans: BTreeMap<(usize, usize), Vec<usize>> = BTreeMap::new();
        for &i in &file.marks {
            let mark = &self.marks[i];
            match file.source.as_ref().and_then(|src| highlight(src, &mark.site, mark.callee)) {
                Some(span) => spans.entry((span.start, span.end)).or_default().push(i),
                None => unseen.push(mark),
            }
        }
        if let Some(src) = file.source.as_ref().filter(|_| !spans.is_empty()) {
            let path = self.scene.library.shown(&file.name);
            group = group.element(self.snippet(src, path, &spans, fits));
        }
        for i in spans.into_values().flatten().filter(|&i| fits[i] >= self.marks[i].texts.len()) {
            let text = format!("line {}: {}", self.marks[i].site.line, full(&self.marks[i]));
            group = group.element(Level::NOTE.message(self.note(&text)));
        }
        unseen.into_iter().fold(group, |group, mark| self.unseen(group, mark))
    }

    /// The annotated lines of one file; marks on one expression share its underline.
    fn snippet<'g>(
        &self,
        src: &SourceText,
        path: String,
        spans: &BTreeMap<(usize, usize), Vec<usize>>,
        fits: &[Fit],
    ) -> Snippet<'g, Annotation<'g>> {
        let mut snippet = Snippet::source(src.text.clone()).path(path);
        for ((start, end), at) in spans {
            let primary = at.iter().any(|&i| self.marks[i].primary);
            let kind = if primary { AnnotationKind::Primary } else { AnnotationKind::Context };
            // Two numbered accesses on one expression read in the order of their numbers.
            let mut labels: Vec<String> = at.iter().map(|&i| self.label(i, fits[i])).collect();
            labels.sort();
            for label in labels {
                let label = Some(label).filter(|l| !l.is_empty());
                snippet = snippet.annotation(kind.span(*start..*end).label(label));
            }
        }
        snippet
    }

    /// A place whose source cannot be shown.
    fn unseen<'g>(&self, group: Group<'g>, mark: &Mark) -> Group<'g> {
        if !mark.primary {
            let text = format!("{}: {}", full(mark), self.scene.library.place(&mark.site));
            return group.element(Level::NOTE.message(self.note(&text)));
        }
        let path = self.scene.library.shown(&mark.site.file);
        let origin = Origin::path(path).line(mark.site.line as usize).char_column(mark.site.col as usize);
        group.element(origin).element(Level::NOTE.message(self.note(full(mark))))
    }
}

/// Two values that should be equal, one under the other, begin shortly before they differ where the room ends
/// before that.
fn contrasted(mut lines: Vec<String>, room: usize) -> Vec<String> {
    const LABELS: [&str; 2] = ["left: ", "right: "];
    let value = |at: usize, label: &str| lines.get(at)?.strip_prefix(label);
    let pair = |at: &usize| value(*at, LABELS[0]).zip(value(at + 1, LABELS[1])).is_some();
    let Some(at) = (0..lines.len()).find(pair) else { return lines };
    let longest = LABELS[1].len();
    let (left, right) = (&lines[at][LABELS[0].len()..], &lines[at + 1][LABELS[1].len()..]);
    if let Some((left, right)) = contrast(left, right, room - longest) {
        (lines[at], lines[at + 1]) = (LABELS[0].to_owned() + &left, LABELS[1].to_owned() + &right);
    }
    lines
}

fn full(mark: &Mark) -> &str {
    mark.texts.first().map_or("", String::as_str)
}
