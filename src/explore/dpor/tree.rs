//! The frontier tree: which traces are known to exist and have not been run.
//!
//! A path from the root is a sequence of decisions; a leaf that is *pending* is a schedule to be run and
//! then continued freely. Leaves may be taken in any order: the children of a node are ordered, a new
//! one comes last, and whoever runs a child does not repeat what the children to its left cover (they
//! *sleep*). A subtree stays until everything to its left is final, because later schedules may belong
//! into it. Source: Abdulla, Aronis, Jonsson, Sagonas, "Optimal dynamic partial order reduction"
//! (wakeup trees); the order-free form and its tests are ours.
//!
//! Invariants: `leaves` of a child counts the pending leaves in its subtree; a child that is done has
//! no children; no two children of a node have the same goroutine and label.

use super::names::Names;
use selvedge_checkers::access::Mode;
use selvedge_checkers::access::Part;

/// The root, whose children are the first decisions.
pub(super) const ROOT: u32 = 0;
const NONE: u32 = u32::MAX;

/// An access in names that hold for every execution.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Touch {
    pub(super) owner: u32,
    pub(super) part: Part,
    pub(super) index: u32,
    pub(super) mode: Mode,
}

impl Touch {
    /// What the step touches that the program dies of: everything, since nothing comes after it.
    pub(super) const END: Touch = Touch { owner: u32::MAX, part: Part::Life, index: 0, mode: Mode::Write };

    fn conflicts(&self, other: &Touch, names: &Names) -> bool {
        if !self.mode.conflicts(other.mode) || self.part != other.part || self.index != other.index {
            return false;
        }
        self.owner == other.owner
            || !self.part.is_of_goroutine() && names.find(self.owner) == names.find(other.owner)
    }
}

/// Whether two footprints conflict.
pub(super) fn conflict(a: &[Touch], b: &[Touch], names: &Names) -> bool {
    let ends = |footprint: &[Touch]| footprint.last() == Some(&Touch::END);
    ends(a) || ends(b) || a.iter().any(|x| b.iter().any(|y| x.conflicts(y, names)))
}

/// A decision: whose, with which outcome.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Choice {
    pub(super) g: u32,
    pub(super) label: u64,
}

/// What has become of a child.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Status {
    /// To be run.
    Pending,
    /// Run; its subtree may grow.
    Open,
    /// Run, with everything below.
    Done,
}

#[derive(Debug)]
pub(super) struct Child {
    pub(super) choice: Choice,
    pub(super) footprint: Vec<Touch>,
    pub(super) status: Status,
    leaves: u32,
    parent: u32,
    first: u32,
    next: u32,
}

/// One event of a schedule; its lists are in a [`Lists`].
#[derive(Clone, Copy, Debug)]
pub(super) struct Planned {
    pub(super) choice: Choice,
    pub(super) footprint: (u32, u32),
    /// Its number in the log it was taken from; `u32::MAX` if it is new.
    pub(super) event: u32,
    /// The events of that log it comes after without a conflict.
    pub(super) causes: (u32, u32),
}

/// The footprints and causes of the schedules of one execution.
#[derive(Default)]
pub(super) struct Lists {
    touches: Vec<Touch>,
    causes: Vec<u32>,
}

impl Lists {
    pub(super) fn clear(&mut self) {
        self.touches.clear();
        self.causes.clear();
    }

    pub(super) fn add_footprint(&mut self, touches: impl Iterator<Item = Touch>) -> (u32, u32) {
        let from = self.touches.len() as u32;
        self.touches.extend(touches);
        (from, self.touches.len() as u32)
    }

    /// The first `n` accesses of a footprint, changed.
    pub(super) fn add_footprint_like(
        &mut self,
        footprint: (u32, u32),
        n: u32,
        change: impl Fn(Touch) -> Touch,
    ) -> (u32, u32) {
        let from = self.touches.len() as u32;
        self.touches.extend_from_within(footprint.0 as usize..(footprint.0 + n) as usize);
        self.touches[from as usize..].iter_mut().for_each(|touch| *touch = change(*touch));
        (from, self.touches.len() as u32)
    }

    pub(super) fn add_causes(&mut self, causes: &[u32]) -> (u32, u32) {
        let from = self.causes.len() as u32;
        self.causes.extend_from_slice(causes);
        (from, self.causes.len() as u32)
    }

    pub(super) fn footprint(&self, planned: &Planned) -> &[Touch] {
        &self.touches[planned.footprint.0 as usize..planned.footprint.1 as usize]
    }

    fn causes(&self, planned: &Planned) -> &[u32] {
        &self.causes[planned.causes.0 as usize..planned.causes.1 as usize]
    }
}

/// See the module.
pub(super) struct Tree {
    children: Vec<Child>,
    free: Vec<u32>,
}

impl Tree {
    pub(super) fn new() -> Tree {
        let mut tree = Tree { children: Vec::new(), free: Vec::new() };
        tree.make(Choice { g: NONE, label: 0 }, &[], Status::Open, NONE);
        tree
    }

    fn make(&mut self, choice: Choice, footprint: &[Touch], status: Status, parent: u32) -> u32 {
        let mut child =
            Child { choice, footprint: Vec::new(), status, leaves: 0, parent, first: NONE, next: NONE };
        match self.free.pop() {
            Some(id) => {
                let old = &mut self.children[id as usize];
                child.footprint = std::mem::take(&mut old.footprint);
                child.footprint.clear();
                child.footprint.extend_from_slice(footprint);
                *old = child;
                id
            }
            None => {
                child.footprint.extend_from_slice(footprint);
                self.children.push(child);
                self.children.len() as u32 - 1
            }
        }
    }

    pub(super) fn get(&self, id: u32) -> &Child {
        &self.children[id as usize]
    }

    pub(super) fn get_mut(&mut self, id: u32) -> &mut Child {
        &mut self.children[id as usize]
    }

    pub(super) fn parent(&self, id: u32) -> u32 {
        self.get(id).parent
    }

    /// The children of a node, in order.
    pub(super) fn children(&self, node: u32) -> impl Iterator<Item = u32> {
        let first = self.get(node).first;
        std::iter::successors((first != NONE).then_some(first), |&id| {
            let next = self.get(id).next;
            (next != NONE).then_some(next)
        })
    }

    /// A new last child of `node`.
    pub(super) fn append(&mut self, node: u32, choice: Choice, footprint: &[Touch], status: Status) -> u32 {
        let id = self.make(choice, footprint, status, node);
        match self.children(node).last() {
            Some(last) => self.get_mut(last).next = id,
            None => self.get_mut(node).first = id,
        }
        id
    }

    /// Pending leaves in all.
    pub(super) fn leaves(&self) -> u32 {
        self.get(ROOT).leaves
    }

    /// The children on the way to a pending leaf, chosen at every node by `choose` among so many.
    pub(super) fn path_to_leaf(&self, mut choose: impl FnMut(u32) -> u32, path: &mut Vec<u32>) {
        path.clear();
        let mut node = ROOT;
        loop {
            let open = self.children(node).filter(|&c| self.get(c).leaves > 0).count() as u32;
            if open == 0 {
                return;
            }
            let nth = choose(open) as usize;
            let child = self.children(node).filter(|&c| self.get(c).leaves > 0).nth(nth);
            node = child.expect("there are as many as were counted");
            path.push(node);
        }
    }

    /// The share that has been run when `path` has, if the subtrees of a node were all of one size.
    pub(super) fn progress(&self, path: &[u32]) -> f64 {
        let mut progress = 1.0;
        for &child in path.iter().rev() {
            let (mut done, mut all) = (0.0, 0.0);
            for sibling in self.children(self.get(child).parent) {
                all += 1.0;
                let other = self.get(sibling);
                let run = other.status != Status::Pending && other.leaves == 0;
                done += f64::from(u8::from(run && sibling != child));
            }
            if all > 0.0 {
                progress = (done + progress) / all;
            }
        }
        progress
    }

    /// One pending leaf more, or less, at `node` and above.
    pub(super) fn count(&mut self, mut node: u32, more: bool) {
        while node != NONE {
            let leaves = &mut self.get_mut(node).leaves;
            *leaves = if more { *leaves + 1 } else { *leaves - 1 };
            node = self.get(node).parent;
        }
    }

    /// Put a schedule below `node`, unless what is there covers it; uses it up.
    pub(super) fn insert(&mut self, mut node: u32, plan: &mut Vec<Planned>, lists: &Lists, names: &Names) {
        'descend: loop {
            let mut next = self.get(node).first;
            while next != NONE {
                let child = self.get(next);
                if let Some(at) = initial_in(child.choice, &child.footprint, plan, lists, names) {
                    if let Some(at) = at {
                        plan.remove(at);
                    }
                    if child.first == NONE || plan.is_empty() {
                        return;
                    }
                    node = next;
                    continue 'descend;
                }
                next = child.next;
            }
            break;
        }
        for planned in plan {
            node = self.append(node, planned.choice, lists.footprint(planned), Status::Pending);
        }
        self.count(node, true);
    }

    /// Forget the subtrees that can never grow again: those with nothing pending to their left.
    pub(super) fn collapse(&mut self) {
        let mut node = ROOT;
        'node: loop {
            let mut next = self.get(node).first;
            while next != NONE {
                let child = self.get(next);
                match child.status {
                    Status::Pending => return,
                    Status::Open if child.leaves > 0 => {
                        node = next;
                        continue 'node;
                    }
                    Status::Open => {
                        self.clear(next);
                        self.get_mut(next).status = Status::Done;
                    }
                    Status::Done => {}
                }
                next = self.get(next).next;
            }
            return;
        }
    }

    /// Forget everything below `node`.
    fn clear(&mut self, node: u32) {
        let mut stack = vec![std::mem::replace(&mut self.get_mut(node).first, NONE)];
        while let Some(id) = stack.pop() {
            if id != NONE {
                let child = self.get_mut(id);
                stack.push(child.first);
                stack.push(child.next);
                self.free.push(id);
            }
        }
    }
}

/// Whether `choice` could as well be the first step of the plan: as one of its events (`Some(Some)`),
/// or as one more that is independent of all of them (`Some(None)`).
pub(super) fn initial_in(
    choice: Choice,
    footprint: &[Touch],
    plan: &[Planned],
    lists: &Lists,
    names: &Names,
) -> Option<Option<usize>> {
    match plan.iter().position(|p| p.choice.g == choice.g) {
        Some(at) => {
            let event = &plan[at];
            let free = |before: &Planned| {
                !lists.causes(event).contains(&before.event)
                    && !conflict(lists.footprint(before), lists.footprint(event), names)
            };
            (event.choice.label == choice.label && plan[..at].iter().all(free)).then_some(Some(at))
        }
        None => {
            let free = plan.iter().all(|p| !conflict(lists.footprint(p), footprint, names));
            free.then_some(None)
        }
    }
}
