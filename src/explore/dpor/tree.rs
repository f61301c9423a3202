//! The frontier tree: which traces are known to exist and have not been run.
//!
//! A path from the root is a sequence of decisions; a leaf that is *pending* is a schedule to be run and
//! then continued freely. Leaves may be taken in any order: the children of a node are ordered, a new
//! one comes last, and whoever runs a child does not repeat what the children to its left cover (they
//! *sleep*). A subtree stays until everything to its left is final, because later schedules may belong
//! into it. Source: Abdulla, Aronis, Jonsson, Sagonas, "Optimal dynamic partial order reduction"
//! (wakeup trees); the order-free form and its tests are ours.
//!
//! Invariants: `leaves` of a child counts the pending leaves in its subtree, `free` those of them that
//! nobody has taken to run; a child that is done has no children; no two children of a node have the
//! same goroutine and label; what is to the left of a pending leaf and above it never changes but for
//! the footprints of what is still to be run.

use super::classes::Classes;
use super::schedule::{Choice, Lists, Planned, Touch, initial_in};
use crate::explore::codec::{Coded, Malformed, Reader};

/// The root, whose children are the first decisions.
pub(super) const ROOT: u32 = 0;
const NONE: u32 = u32::MAX;

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
    /// The goroutine goes round in a loop then, and is not to leave it, as far as anybody knows.
    pub(super) stops: bool,
    leaves: u32,
    free: u32,
    parent: u32,
    first: u32,
    next: u32,
}

/// See the module.
pub(super) struct Tree {
    children: Vec<Child>,
    free: Vec<u32>,
}

impl Tree {
    pub(super) fn new() -> Tree {
        let mut tree = Tree { children: Vec::new(), free: Vec::new() };
        tree.make((Choice { g: 0, label: 0 }, false), &[], Status::Open, NONE);
        tree
    }

    /// How many nodes there are.
    pub(super) fn nodes(&self) -> usize {
        self.children.len() - self.free.len()
    }

    fn make(
        &mut self,
        (choice, stops): (Choice, bool),
        footprint: &[Touch],
        status: Status,
        parent: u32,
    ) -> u32 {
        let mut child = Child {
            choice,
            footprint: Vec::new(),
            status,
            stops,
            leaves: 0,
            free: 0,
            parent,
            first: NONE,
            next: NONE,
        };
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
    pub(super) fn append(
        &mut self,
        node: u32,
        planned: &Planned,
        footprint: &[Touch],
        status: Status,
    ) -> u32 {
        self.append_as(node, (planned.choice, planned.stops), footprint, status)
    }

    fn append_as(&mut self, node: u32, what: (Choice, bool), footprint: &[Touch], status: Status) -> u32 {
        let id = self.make(what, footprint, status, node);
        match self.children(node).last() {
            Some(last) => self.get_mut(last).next = id,
            None => self.get_mut(node).first = id,
        }
        id
    }

    /// The next leaf to be run, leftmost first; `None` if there is none.
    pub(super) fn first_leaf(&self) -> Option<u32> {
        self.leaf_where(|child| child.leaves > 0, |_| 0)
    }

    /// The next leaf below `node`, or `node` itself, leftmost first.
    pub(super) fn first_leaf_of(&self, node: u32) -> Option<u32> {
        (self.get(node).leaves > 0).then(|| self.leaf_below(node, |child| child.leaves > 0, |_| 0))
    }

    /// Every leaf, from left to right.
    pub(super) fn all_leaves(&self) -> Vec<u32> {
        let (mut found, mut rest) = (Vec::new(), vec![ROOT]);
        while let Some(node) = rest.pop() {
            let from = rest.len();
            rest.extend(self.children(node).filter(|&child| self.get(child).leaves > 0));
            if rest.len() == from && node != ROOT {
                found.push(node);
            }
            rest[from..].reverse();
        }
        found
    }

    /// A leaf that nobody has taken; at every node `choose` chooses among so many children.
    pub(super) fn free_leaf(&self, choose: impl FnMut(u32) -> u32) -> Option<u32> {
        self.leaf_where(|child| child.free > 0, choose)
    }

    fn leaf_where(&self, leads: impl Fn(&Child) -> bool, choose: impl FnMut(u32) -> u32) -> Option<u32> {
        let leaf = self.leaf_below(ROOT, leads, choose);
        (leaf != ROOT).then_some(leaf)
    }

    /// The end of the way down from `node` by children that lead to a leaf.
    fn leaf_below(
        &self,
        mut node: u32,
        leads: impl Fn(&Child) -> bool,
        mut choose: impl FnMut(u32) -> u32,
    ) -> u32 {
        loop {
            let leading = |&child: &u32| leads(self.get(child));
            let open = self.children(node).filter(leading).count() as u32;
            if open == 0 {
                return node;
            }
            let nth = choose(open) as usize;
            node = self.children(node).filter(leading).nth(nth).expect("there are as many as were counted");
        }
    }

    /// The children from the root to `node`, itself included.
    pub(super) fn path_to(&self, mut node: u32, path: &mut Vec<u32>) {
        path.clear();
        while node != ROOT {
            path.push(node);
            node = self.get(node).parent;
        }
        path.reverse();
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

    /// Somebody runs this leaf, or gives it back.
    pub(super) fn take(&mut self, mut node: u32, taken: bool) {
        while node != NONE {
            let free = &mut self.get_mut(node).free;
            *free = if taken { *free - 1 } else { *free + 1 };
            node = self.get(node).parent;
        }
    }

    /// A leaf that was taken has been run.
    pub(super) fn finish(&mut self, mut node: u32) {
        while node != NONE {
            let child = self.get_mut(node);
            child.leaves -= 1;
            child.status = Status::Open;
            node = child.parent;
        }
    }

    fn count_new(&mut self, mut node: u32) {
        while node != NONE {
            let child = self.get_mut(node);
            child.leaves += 1;
            child.free += 1;
            node = child.parent;
        }
    }

    /// Put a schedule below `node`, unless what is there covers it; uses it up.
    pub(super) fn insert(&mut self, mut node: u32, plan: &mut Vec<Planned>, lists: &Lists, same: &Classes) {
        'descend: loop {
            let mut next = self.get(node).first;
            while next != NONE {
                let child = self.get(next);
                let is_last = child.first == NONE;
                if let Some(at) = initial_in(child.choice, &child.footprint, plan, lists, same) {
                    if let Some(at) = at {
                        let stops = plan.remove(at).stops;
                        let child = self.get_mut(next);
                        child.stops |= stops && child.status == Status::Pending;
                    }
                    if is_last || plan.is_empty() {
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
            node = self.append(node, planned, lists.footprint(planned), Status::Pending);
        }
        self.count_new(node);
    }

    /// How many nodes there are.
    pub(super) fn len(&self) -> usize {
        self.children.len() - self.free.len()
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

/// Node after node, each before its children. Nobody has taken a leaf of a tree that was read.
impl Coded for Tree {
    fn write(&self, to: &mut Vec<u8>) {
        let mut rest = vec![ROOT];
        while let Some(node) = rest.pop() {
            let child = self.get(node);
            child.choice.write(to);
            child.footprint.write(to);
            child.status.write(to);
            child.stops.write(to);
            let from = rest.len();
            rest.extend(self.children(node));
            (rest.len() - from).write(to);
            rest[from..].reverse();
        }
    }

    fn read(from: &mut Reader<'_>) -> Result<Tree, Malformed> {
        let mut tree = Tree { children: Vec::new(), free: Vec::new() };
        // Nodes that lack so many children.
        let mut open: Vec<(u32, usize)> = vec![(NONE, 1)];
        while let Some((parent, missing)) = open.pop() {
            if missing == 0 {
                continue;
            }
            open.push((parent, missing - 1));
            let (choice, footprint) = (Choice::read(from)?, Vec::<Touch>::read(from)?);
            let (status, stops) = (Status::read(from)?, bool::read(from)?);
            let children = usize::read(from)?;
            let node = match parent {
                NONE => tree.make((choice, stops), &footprint, status, NONE),
                parent => tree.append_as(parent, (choice, stops), &footprint, status),
            };
            if status == Status::Pending && children == 0 {
                tree.count_new(node);
            }
            open.push((node, children));
        }
        Ok(tree)
    }
}
