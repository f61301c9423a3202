//! What goroutines and objects are called.
//!
//! A name is what the user wrote: the goroutine's given name, or the variable, static or field that
//! the creating expression initialises. Invariants: two different things of one kind never share a
//! name; what has no name is called by its number and the place where it was created. Names are
//! read from the text alone: macros that hide the `let`, and constructors that are called by a
//! function of the user's, give no name or that function's own variable.

use std::collections::BTreeMap;

use selvedge_checkers::ids::{Gid, ObjId, Site};
use selvedge_checkers::op::ObjKind;
use selvedge_checkers::trace::Trace;

use super::scan::{Kind, closing, opening};
use super::source::{Library, SourceText, is_users};
use super::text::one_line;

/// How far back the beginning of a statement is looked for, in lines and in tokens: further away
/// it would more likely be the wrong one.
const MAX_LINES: u32 = 12;
const MAX_TOKENS: usize = 300;
/// Longer names are cut: they are for orientation, and goroutines' must fit a column.
const MAX_NAME: usize = 32;
const MAX_GOROUTINE_NAME: usize = 20;

/// The names of everything in one trace.
pub(super) struct Names {
    goroutines: BTreeMap<Gid, String>,
    objects: BTreeMap<ObjId, ObjectName>,
}

struct ObjectName {
    noun: &'static str,
    /// The user's name, if there is one.
    name: Option<String>,
    /// `channel #3`.
    number: String,
    /// `file:line` of its creation, if that is the user's.
    place: Option<String>,
}

impl Names {
    pub(super) fn new(trace: &Trace, library: &Library<'_>) -> Names {
        Names { goroutines: goroutines(trace), objects: objects(trace, library) }
    }

    /// What the goroutine is called.
    pub(super) fn goroutine(&self, g: Gid) -> String {
        self.goroutines.get(&g).cloned().unwrap_or_else(|| g.to_string())
    }

    /// `` `jobs` ``, or `channel #3 (file:line)`.
    pub(super) fn object(&self, obj: Option<ObjId>) -> String {
        match obj.map(|obj| (obj, self.objects.get(&obj))) {
            Some((_, Some(ObjectName { name: Some(name), .. }))) => format!("`{name}`"),
            Some((_, Some(ObjectName { number, place: Some(place), .. }))) => format!("{number} ({place})"),
            Some((_, Some(o))) => o.number.clone(),
            Some((ObjId::NIL, None)) => "a nil channel".to_owned(),
            Some((obj, None)) => format!("object #{}", obj.0),
            None => "nothing".to_owned(),
        }
    }

    /// The same with the noun before a name: `` channel `jobs` ``.
    pub(super) fn with_noun(&self, obj: Option<ObjId>) -> String {
        let named = obj.and_then(|obj| self.objects.get(&obj)).filter(|o| o.name.is_some());
        named.map_or_else(|| self.object(obj), |o| format!("{} {}", o.noun, self.object(obj)))
    }

    /// The shortest form, for table cells: `jobs`, or `channel #3`.
    pub(super) fn cell(&self, obj: ObjId) -> String {
        match self.objects.get(&obj) {
            Some(o) => o.name.clone().unwrap_or_else(|| o.number.clone()),
            None if obj == ObjId::NIL => "nil".to_owned(),
            None => format!("object #{}", obj.0),
        }
    }
}

fn goroutines(trace: &Trace) -> BTreeMap<Gid, String> {
    let given = |name: &Option<String>| {
        let name = one_line(name.as_deref()?);
        (!name.is_empty()).then(|| name.chars().take(MAX_GOROUTINE_NAME).collect::<String>())
    };
    let mut uses: BTreeMap<String, usize> = BTreeMap::new();
    for g in &trace.goroutines {
        *uses.entry(given(&g.name).unwrap_or_else(|| g.id.to_string())).or_default() += 1;
    }
    let name = |g: &selvedge_checkers::trace::GoroutineInfo| match given(&g.name) {
        Some(name) if uses[&name] == 1 => name,
        Some(name) => format!("{name}/{}", g.id),
        None => g.id.to_string(),
    };
    trace.goroutines.iter().map(|g| (g.id, name(g))).collect()
}

fn objects(trace: &Trace, library: &Library<'_>) -> BTreeMap<ObjId, ObjectName> {
    let mut named: BTreeMap<ObjId, ObjectName> = BTreeMap::new();
    let mut same: BTreeMap<(ObjKind, String), Vec<ObjId>> = BTreeMap::new();
    for o in &trace.objects {
        let source = is_users(&o.created.file).then(|| library.get(&o.created.file)).flatten();
        let name = source.and_then(|src| creation_name(&src, &o.created));
        if let Some(name) = &name {
            same.entry((o.kind, name.clone())).or_default().push(o.id);
        }
        let noun = o.kind.noun();
        let number = format!("{noun} #{}", o.id.0);
        // Where std made it, as in `map(Mutex::new)`, is no help to anybody.
        let place = is_users(&o.created.file);
        let place = place.then(|| format!("{}:{}", library.shown(&o.created.file), o.created.line));
        named.insert(o.id, ObjectName { noun, name, number, place });
    }
    for ((_, name), ids) in same.into_iter().filter(|(_, ids)| ids.len() > 1) {
        for (nth, id) in ids.into_iter().enumerate() {
            if let Some(o) = named.get_mut(&id) {
                o.name = Some(format!("{name}#{}", nth + 1));
            }
        }
    }
    named
}

/// The name of what the expression at `site` initialises, read backwards from it.
fn creation_name(src: &SourceText, site: &Site) -> Option<String> {
    let at = src.offset(site)?;
    let first = src.tokens.partition_point(|t| t.range.end <= at);
    let earliest = src.line(site.line.saturating_sub(MAX_LINES).max(1))?.start;
    let name = initialised(src, earliest, first)?;
    Some(name.chars().take(MAX_NAME).collect())
}

/// The name of what the expression at token `first` initialises: a path of fields and elements.
fn initialised(src: &SourceText, earliest: usize, first: usize) -> Option<String> {
    let mut walk = Walk { src, earliest, commas: 0, tuple: None, subscript: None };
    let name = walk.outwards(first)?;
    Some(walk.subscript.map_or(name.clone(), |i| format!("{name}[{i}]")))
}

/// A walk from an expression out through the calls that wrap it.
struct Walk<'s> {
    src: &'s SourceText,
    earliest: usize,
    /// Commas passed at the present level: which argument or element we come from.
    commas: usize,
    /// The element of the innermost tuple expression we came out of.
    tuple: Option<usize>,
    /// The element of the innermost array expression we came out of.
    subscript: Option<usize>,
}

impl Walk<'_> {
    fn text(&self, i: usize) -> &str {
        let token = self.src.tokens.get(i).filter(|t| t.range.start >= self.earliest);
        token.map_or("", |t| &self.src.text[t.range.clone()])
    }

    fn word(&self, i: usize) -> Option<String> {
        let starts_well = |c: char| c == '_' || c.is_alphabetic();
        let is_name = self.src.tokens.get(i)?.kind == Kind::Word && self.text(i).starts_with(starts_well);
        is_name.then(|| self.text(i).to_owned())
    }

    /// Goes back over wrappers (`Arc::new(`, `|| `, earlier arguments) to a `field:` or an `=`.
    fn outwards(&mut self, first: usize) -> Option<String> {
        let mut i = first;
        for _ in 0..MAX_TOKENS {
            i = i.checked_sub(1)?;
            match self.text(i) {
                "" | ";" | "=>" | "->" => return None,
                ")" | "]" => i = opening(&self.src.text, &self.src.tokens, i)?,
                "}" if self.commas > 0 => i = opening(&self.src.text, &self.src.tokens, i)?,
                "}" => return None,
                "{" if !matches!(self.text(i.checked_sub(1)?), "|" | "||" | "move" | "const") => return None,
                "," => self.commas += 1,
                "(" => self.leave_parenthesis(i),
                "[" => self.subscript = Some(std::mem::take(&mut self.commas)),
                ":" if self.commas == 0 => return self.field(i.checked_sub(1)?),
                "=" => return self.target(i),
                _ => {}
            }
        }
        None
    }

    /// The field at token `name`, after what the value is called that it is a field of: `stats.hits`.
    fn field(&self, name: usize) -> Option<String> {
        let field = self.word(name)?;
        let whole = self.struct_of(name).and_then(|value| initialised(self.src, self.earliest, value));
        let path = whole.map(|whole| format!("{whole}.{field}"));
        // Of a long path the field says the most.
        Some(path.filter(|path| path.chars().count() <= MAX_NAME).unwrap_or(field))
    }

    /// Where the expression begins that has the field at token `name`: `Stats { hits: …`.
    fn struct_of(&self, name: usize) -> Option<usize> {
        let mut i = name;
        loop {
            i = i.checked_sub(1)?;
            match self.text(i) {
                "" | ";" | "(" | "[" => return None,
                ")" | "]" | "}" => i = opening(&self.src.text, &self.src.tokens, i)?,
                "{" => break,
                _ => {}
            }
        }
        i = i.checked_sub(1)?;
        self.word(i).filter(|word| word.starts_with(char::is_uppercase))?;
        while i >= 2 && self.text(i - 1) == "::" {
            i -= 2;
        }
        Some(i)
    }

    fn leave_parenthesis(&mut self, open: usize) {
        let commas = std::mem::take(&mut self.commas);
        let before = open.checked_sub(1).map_or("", |i| self.text(i));
        let is_tuple = matches!(before, "=" | "(" | "," | "[");
        let end = closing(&self.src.text, &self.src.tokens, open).unwrap_or(open);
        if is_tuple && !self.commas_of_tuple(open, end).is_empty() {
            self.tuple = Some(commas);
        }
    }

    /// The name on the left of the `=` at `eq`.
    fn target(&self, eq: usize) -> Option<String> {
        let mut i = eq;
        while let Some(before) = i.checked_sub(1) {
            i = before;
            match self.text(i) {
                "let" | "static" | "const" => return self.pattern(i + 1, eq),
                "" | ";" | "{" | "}" => break,
                ")" | "]" => i = opening(&self.src.text, &self.src.tokens, i)?,
                _ => {}
            }
        }
        self.assigned(eq.checked_sub(1)?)
    }

    /// `self.jobs = …`, `slots[i] = …`: the last word before the `=`.
    fn assigned(&self, last: usize) -> Option<String> {
        match self.text(last) {
            "]" | ")" => self.word(opening(&self.src.text, &self.src.tokens, last)?.checked_sub(1)?),
            _ => self.word(last),
        }
    }

    /// The commas directly in the parenthesis at `open`.
    fn commas_of_tuple(&self, open: usize, end: usize) -> Vec<usize> {
        let mut depth = 0usize;
        let mut commas = Vec::new();
        for i in open..end {
            match self.text(i) {
                "(" | "[" | "{" => depth += 1,
                ")" | "]" | "}" => depth = depth.saturating_sub(1),
                "," if depth == 1 => commas.push(i),
                _ => {}
            }
        }
        commas
    }

    /// The name in a pattern: of a tuple the element we came from, else its first variable.
    fn pattern(&self, from: usize, eq: usize) -> Option<String> {
        let names = |range: std::ops::Range<usize>| {
            let words = range.filter_map(|i| self.word(i));
            words.filter(|w| !matches!(w.as_str(), "mut" | "ref" | "_")).collect::<Vec<_>>()
        };
        let end = (from..eq).find(|&i| self.text(i) == ":").unwrap_or(eq);
        if let (Some(nth), "(") = (self.tuple, self.text(from)) {
            let commas = self.commas_of_tuple(from, end);
            let start = nth.checked_sub(1).map_or(from, |before| commas.get(before).copied().unwrap_or(from));
            let stop = commas.get(nth).copied().unwrap_or(end);
            return names(start..stop).into_iter().next();
        }
        let all = names(from..end);
        let variable = all.iter().find(|w| w.starts_with(|c: char| c == '_' || c.is_lowercase()));
        let name = variable.or_else(|| all.first())?;
        Some(self.tuple.map_or_else(|| name.clone(), |nth| format!("{name}.{nth}")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The name found for the creating expression that starts at the first `needle` of `text`.
    fn named(text: &str, needle: &str) -> Option<String> {
        let at = text.find(needle).expect("the needle is in the text");
        let line = text[..at].matches('\n').count() as u32 + 1;
        let column = text[..at].rsplit('\n').next().map_or(0, |l| l.chars().count()) as u32 + 1;
        creation_name(&SourceText::new(text), &Site { file: "a.rs".into(), line, col: column })
    }

    #[test]
    fn a_let_gives_its_variable() {
        assert_eq!(named("let (tx, rx) = chan(1);", "chan").as_deref(), Some("tx"));
        assert_eq!(named("let (_, done_rx) = chan(1);", "chan").as_deref(), Some("done_rx"));
        assert_eq!(named("let ledger = Arc::new(Mutex::new(0));", "Mutex").as_deref(), Some("ledger"));
        assert_eq!(named("let mut m: Mutex<u32> = Mutex::new(0);", "Mutex::").as_deref(), Some("m"));
        assert_eq!(
            named("f(); }\nlet\n  wg\n  =\n  Arc::new(\n WaitGroup::new());", "Wait").as_deref(),
            Some("wg")
        );
        assert_eq!(named("let (a, b) = (Plain::new(0), Mutex::new(1));", "Mutex").as_deref(), Some("b"));
        assert_eq!(named("let (a, b) = (Plain::new(0), Mutex::new(1));", "Plain").as_deref(), Some("a"));
        let pair = "let pair = Arc::new((Mutex::new(false), Condvar::new()));";
        assert_eq!(named(pair, "Condvar").as_deref(), Some("pair.1"));
        assert_eq!(named(pair, "Mutex").as_deref(), Some("pair.0"));
        assert_eq!(named("let m = ((Mutex::new(0)));", "Mutex").as_deref(), Some("m"));
        let nested = "let ((tx, rx), m) = (chan(1), Mutex::new(0));";
        assert_eq!(named(nested, "Mutex").as_deref(), Some("m"));
        assert_eq!(named(nested, "chan").as_deref(), Some("tx"));
        assert_eq!(named("let Some(x) = Some(Mutex::new(1)) else {};", "Mutex").as_deref(), Some("x"));
        assert_eq!(named("let m = { 1 }; // ;\nlet größe = Cell::new(1);", "Cell").as_deref(), Some("größe"));
    }

    #[test]
    fn fields_statics_and_assignments_give_theirs() {
        assert_eq!(named("static M: Mutex<u32> = Mutex::new(0);", "Mutex::").as_deref(), Some("M"));
        assert_eq!(named("static L: X = LazyLock::new(|| Mutex::new(0));", "Mutex").as_deref(), Some("L"));
        assert_eq!(named("static C: X = const { Cell::new(0) };", "Cell").as_deref(), Some("C"));
        assert_eq!(named("State { n: 1, jobs: Arc::new(chan(4)), x }", "chan").as_deref(), Some("jobs"));
        assert_eq!(named("State { n: f(1, 2), jobs: chan(4) }", "chan").as_deref(), Some("jobs"));
        let one = "let a = Arc::new(shop::Account { id: f(1, 2), balance: Mutex::new(1) });";
        assert_eq!(named(one, "Mutex").as_deref(), Some("a.balance"));
        let nested = "let s = Outer { all: vec![Inner { n: 0, m: Mutex::new(1) }, Inner { n: 1, m: RwLock::new(1) }] };";
        assert_eq!(named(nested, "RwLock").as_deref(), Some("s.all[1].m"));
        let in_a_block = "let all: Vec<_> = (0..2).map(|n| Slot { n, lock: Mutex::new(n) }).collect();";
        assert_eq!(named(in_a_block, "Mutex").as_deref(), Some("all.lock"));
        assert_eq!(
            named("fn new() -> Self { Self { lock: Mutex::new(0) } }", "Mutex").as_deref(),
            Some("lock")
        );
        let long = "let what_the_accountants_call_it = Account { balance: Mutex::new(0) };";
        assert_eq!(named(long, "Mutex").as_deref(), Some("balance"));
        assert_eq!(named("self.jobs = chan(4);", "chan").as_deref(), Some("jobs"));
        assert_eq!(named("slots[i] = chan(4);", "chan").as_deref(), Some("slots"));
        assert_eq!(
            named("let all = vec![Mutex::new(0), RwLock::new(1)];", "RwLock").as_deref(),
            Some("all[1]")
        );
        assert_eq!(named("let c: Vec<_> = (0..4).map(|_| chan(0)).collect();", "chan").as_deref(), Some("c"));
    }

    #[test]
    fn what_initialises_nothing_has_no_name() {
        assert_eq!(named("fn new() -> M { Mutex::new(0) }", "Mutex"), None);
        assert_eq!(named("let a = 1; go(chan(1));", "chan"), None);
        assert_eq!(named("match x { A => chan(1) }", "chan"), None);
        assert_eq!(named("chan(1)", "chan"), None);
    }

    #[test]
    fn hostile_text_gives_no_panic() {
        for text in [")))x", "= x", ", , x", ": x", "[x", "( = x", "let = x", "let ( = x", "static : = x"] {
            let _ = named(text, "x");
        }
    }
}
