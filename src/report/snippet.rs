//! The headline and the annotated source lines, drawn by `annotate-snippets`.
//!
//! Invariants: no line is wider than the style allows; where a source is absent the place is named
//! all the same; what cannot be drawn is left out, a report never panics over a source file.

use std::collections::BTreeMap;
use std::ops::Range;
use std::rc::Rc;

use annotate_snippets::renderer::DecorStyle;
use annotate_snippets::{Annotation, AnnotationKind, Group, Level, Origin, Renderer, Snippet};
use selvedge_checkers::finding::{Finding, Severity};

use super::marks::Mark;
use super::scene::Scene;
use super::source::SourceText;
use super::span::highlight;
use super::style::Style;
use super::text::{clip, one_line, visible_width, wrap};
use super::words;

/// Columns before the text of a `help:` or `note:` line with line numbers of up to five digits.
const NOTE_INDENT: usize = 14;
/// A headline may hold a panic message of any length; this much of it is shown.
const MAX_HEADLINE: usize = 280;

/// The first block: headline, source lines, remedy.
pub(super) fn render(f: &Finding, marks: &[Mark], scene: &Scene<'_>, style: &Style) -> Vec<String> {
    let files = by_file(marks, scene);
    // Labels are one line each, so those that stick out are replaced by their brief form, the
    // longest first, until all fit; what sticks out then is cut.
    let mut brief = vec![false; marks.len()];
    loop {
        let lines = draw(f, marks, &brief, &files, scene, style);
        let wide: Vec<&String> = lines.iter().filter(|l| visible_width(l) > style.columns()).collect();
        let at_fault = |i: &usize| {
            let label = style.spell(&marks[*i].full);
            !brief[*i] && wide.iter().any(|l| l.contains(&*label))
        };
        match (0..marks.len()).filter(at_fault).max_by_key(|&i| marks[i].full.len()) {
            Some(i) => brief[i] = true,
            None => return lines.iter().map(|l| clip(l, style.columns(), style.ellipsis())).collect(),
        }
    }
}

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

fn draw(
    f: &Finding,
    marks: &[Mark],
    brief: &[bool],
    files: &[File],
    scene: &Scene<'_>,
    style: &Style,
) -> Vec<String> {
    let label = |i: usize| style.spell(if brief[i] { &marks[i].brief } else { &marks[i].full }).into_owned();
    let room = style.columns().saturating_sub(NOTE_INDENT);
    let mut group = title(f, scene, style);
    for file in files {
        let mut unseen = Vec::new();
        let mut spans: BTreeMap<(usize, usize), Vec<usize>> = BTreeMap::new();
        for &i in &file.marks {
            match file.source.as_ref().and_then(|src| highlight(src, &marks[i].site, marks[i].callee)) {
                Some(span) => spans.entry((span.start, span.end)).or_default().push(i),
                None => unseen.push(i),
            }
        }
        if let Some(src) = file.source.as_ref().filter(|_| !spans.is_empty()) {
            group = group.element(snippet(src, scene.library.shown(&file.name), &spans, marks, &label));
        }
        for i in unseen {
            group = unseen_place(group, &marks[i], room, scene, style);
        }
    }
    let help = style.spell(words::remedy(f, scene)).into_owned();
    let help = wrap(&help, room).join("\n");
    group = group.element(Level::HELP.message(help));
    let decor = if style.unicode { DecorStyle::Unicode } else { DecorStyle::Ascii };
    let renderer = if style.color { Renderer::styled() } else { Renderer::plain() };
    let drawn = renderer.decor_style(decor).term_width(style.columns().saturating_sub(8)).render(&[group]);
    drawn.lines().map(|l| l.trim_end().to_owned()).collect()
}

fn title<'g>(f: &Finding, scene: &Scene<'_>, style: &Style) -> Group<'g> {
    let (level, word) = match f.slug.severity() {
        Severity::Error => (Level::ERROR, "error"),
        Severity::Warning => (Level::WARNING, "warning"),
    };
    let text = clip(&one_line(&style.spell(&words::headline(f, scene))), MAX_HEADLINE, style.ellipsis());
    let room = style.columns().saturating_sub(word.len() + f.slug.text().len() + 4);
    Group::with_title(level.primary_title(wrap(&text, room).join("\n")).id(f.slug.text()))
}

/// The annotated lines of one file; marks on one expression share its underline.
fn snippet<'g>(
    src: &SourceText,
    path: String,
    spans: &BTreeMap<(usize, usize), Vec<usize>>,
    marks: &[Mark],
    label: &dyn Fn(usize) -> String,
) -> Snippet<'g, Annotation<'g>> {
    let mut snippet = Snippet::source(src.text.clone()).path(path);
    for ((start, end), at) in spans {
        // Two numbered accesses on one expression read in the order of their numbers.
        let mut order = at.clone();
        order.sort_by_cached_key(|&i| label(i));
        for i in order {
            let primary = at.iter().any(|&i| marks[i].primary);
            let kind = if primary { AnnotationKind::Primary } else { AnnotationKind::Context };
            let span: Range<usize> = *start..*end;
            snippet = snippet.annotation(kind.span(span).label(label(i)));
        }
    }
    snippet
}

/// A place whose source cannot be shown.
fn unseen_place<'g>(
    group: Group<'g>,
    mark: &Mark,
    room: usize,
    scene: &Scene<'_>,
    style: &Style,
) -> Group<'g> {
    let label = style.spell(&mark.full);
    let note = |text: &str| Level::NOTE.message(wrap(text, room).join("\n"));
    if !mark.primary {
        return group.element(note(&format!("{label}: {}", scene.library.place(&mark.site))));
    }
    let path = scene.library.shown(&mark.site.file);
    let origin = Origin::path(path).line(mark.site.line as usize).char_column(mark.site.col as usize);
    group.element(origin).element(note(&label))
}
