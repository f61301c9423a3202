//! The search: takes the leaves of the frontier to be run, and enters what came of them.
//!
//! Whoever takes a leaf may run it at any time. Entered from left to right, outcomes make the same tree
//! whoever ran them and when; in any other order they still make a tree with every trace, except where
//! loads may read old stores (decision 0015).
//!
//! Invariant: an outcome is entered only if the leaf as it is now would have given it.

use super::classes::Classes;
use super::leaf::{Leaf, Outcome, Sleeper};
use super::schedule::{Lists, Planned, Touch};
use super::tree::{Child, ROOT, Status, Tree};
use crate::explore::codec::{Coded, Malformed, Reader};
use crate::model::Survey;
use selvedge_checkers::access::Part;

/// What the exploration came to so far.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) struct Counts {
    /// Executions of a trace of their own.
    pub(crate) explored: u64,
    /// Executions that turned out to repeat what others cover.
    pub(crate) blocked: u64,
    /// Executions in which somebody went round in a loop in vain, and could have left it in the end.
    pub(crate) vain: u64,
    /// Of those explored: traces that need more preemptions than were asked for.
    pub(crate) beyond: u64,
    /// Schedules that could not be followed.
    pub(crate) lost: u64,
}

/// A leaf that was taken.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) struct Ticket(u32);

/// See the module.
pub(crate) struct Search {
    tree: Tree,
    classes: Classes,
    counts: Counts,
    progress: f64,
    /// The first execution has been taken, or entered: it has no leaf.
    first_taken: bool,
    first_entered: bool,
    survey: Survey,
    /// How many nodes the tree may have.
    most_nodes: usize,
    path: Vec<u32>,
    mentioned: Vec<u32>,
    firsts: Vec<Option<u32>>,
    started: Vec<u32>,
    lists: Lists,
    draft: Vec<Planned>,
}

impl Search {
    pub(crate) fn new() -> Search {
        Search {
            tree: Tree::new(),
            classes: Classes::default(),
            counts: Counts::default(),
            progress: 0.0,
            first_taken: false,
            first_entered: false,
            survey: Survey::default(),
            most_nodes: usize::MAX,
            path: Vec::new(),
            mentioned: Vec::new(),
            firsts: Vec::new(),
            started: Vec::new(),
            lists: Lists::default(),
            draft: Vec::new(),
        }
    }

    /// The tree may have so many nodes, which take some 150 bytes each.
    pub(crate) fn limit(&mut self, nodes: usize) {
        self.most_nodes = nodes;
    }

    #[cfg(test)]
    pub(crate) fn counts(&self) -> Counts {
        self.counts
    }

    /// How many executions were entered.
    pub(crate) fn entered(&self) -> u64 {
        self.counts.explored + self.counts.blocked + self.counts.vain
    }

    /// How large the tree is.
    pub(crate) fn nodes(&self) -> usize {
        self.tree.nodes()
    }

    /// Whether there is nothing left to run, and nothing being run.
    pub(crate) fn is_over(&self) -> bool {
        self.first_entered && self.tree.first_leaf().is_none()
    }

    /// The leaf that comes next in the order of a proof, taken or not.
    pub(crate) fn next(&self) -> Option<Ticket> {
        if self.first_entered { self.tree.first_leaf().map(Ticket) } else { Some(Ticket(ROOT)) }
    }

    /// Take a leaf: at every node `choose` chooses among so many children. `None` if all are taken.
    pub(crate) fn take(&mut self, choose: impl FnMut(u32) -> u32) -> Option<Ticket> {
        if !self.first_taken {
            self.first_taken = true;
            return Some(Ticket(ROOT));
        }
        let leaf = self.tree.free_leaf(choose)?;
        self.tree.take(leaf, true);
        Some(Ticket(leaf))
    }

    /// Take this leaf, which nobody has taken.
    pub(crate) fn take_this(&mut self, ticket: Ticket) {
        match ticket {
            Ticket(ROOT) => self.first_taken = true,
            Ticket(leaf) => self.tree.take(leaf, true),
        }
    }

    /// Every leaf there is, from left to right.
    pub(crate) fn leaves(&self) -> Vec<Ticket> {
        match self.first_entered {
            true => self.tree.all_leaves().into_iter().map(Ticket).collect(),
            false => vec![Ticket(ROOT)],
        }
    }

    /// The next leaf that came to be below one that was entered.
    pub(crate) fn next_below(&self, ticket: Ticket) -> Option<Ticket> {
        self.tree.first_leaf_of(ticket.0).map(Ticket)
    }

    /// Whoever took the leaf does not run it.
    pub(crate) fn give_back(&mut self, ticket: Ticket) {
        match ticket {
            Ticket(ROOT) => self.first_taken = false,
            Ticket(leaf) => self.tree.take(leaf, false),
        }
    }

    /// What is to be run.
    pub(crate) fn leaf(&mut self, ticket: Ticket, leaf: &mut Leaf) {
        leaf.clear();
        leaf.stamp = self.entered();
        self.tree.path_to(ticket.0, &mut self.path);
        let known = |&&child: &&u32| self.tree.get(child).status != Status::Pending;
        leaf.fresh = self.path.iter().take_while(known).count();
        for (depth, &child) in self.path.iter().enumerate() {
            let &Child { choice, stops, .. } = self.tree.get(child);
            leaf.path.push(choice);
            leaf.stops.extend(stops.then_some(depth as u32));
            for left in self.tree.children(self.tree.parent(child)).take_while(|&left| left != child) {
                let left = self.tree.get(left);
                // Whoever goes first does not sleep.
                if left.choice.g == choice.g {
                    continue;
                }
                let from = leaf.touches.len() as u32;
                let name = |touch: &Touch| match touch.part {
                    _ if *touch == Touch::END => 0,
                    Part::Clock | Part::Fence => 0,
                    _ => self.classes.name(touch.owner),
                };
                leaf.touches.extend(left.footprint.iter().map(|touch| (name(touch), *touch)));
                let footprint = (from, leaf.touches.len() as u32);
                leaf.sleepers.push(Sleeper { depth: depth as u32, choice: left.choice, footprint });
            }
        }
    }

    /// Whether the outcome of the leaf as it was is that of the leaf as it is.
    pub(crate) fn still_holds(&mut self, ticket: Ticket, was: &Leaf, outcome: &Outcome) -> bool {
        was.stamp == self.entered() || self.would_hold(ticket, was, outcome)
    }

    /// The same, if the leaf comes from another process.
    pub(crate) fn would_hold(&mut self, ticket: Ticket, was: &Leaf, outcome: &Outcome) -> bool {
        let mut is = Leaf::default();
        self.leaf(ticket, &mut is);
        let same_way =
            was.path == is.path && was.stops == is.stops && was.sleepers.len() == is.sleepers.len();
        // What could not be followed is judged by whether it had been possible before.
        if !same_way || outcome.lost > 0 && was.fresh != is.fresh {
            return false;
        }
        was.sleepers.iter().zip(&is.sleepers).all(|(a, b)| {
            let (old, new) = (was.footprint(a), is.footprint(b));
            let only = |these: &[(u64, Touch)], those: &[(u64, Touch)]| {
                these.iter().filter(|&t| !those.contains(t)).all(|t| !outcome.may_conflict(t))
            };
            a.choice == b.choice && only(old, new) && only(new, old)
        })
    }

    /// Enter what came of a leaf that was taken.
    pub(crate) fn enter(&mut self, ticket: Ticket, outcome: &Outcome) {
        self.first_entered = true;
        self.translate(outcome);
        self.tree.path_to(ticket.0, &mut self.path);
        let known = |&&child: &&u32| self.tree.get(child).status != Status::Pending;
        let fresh = self.path.iter().take_while(known).count();
        if ticket.0 != ROOT {
            self.tree.finish(ticket.0);
        }
        self.path.truncate(outcome.followed);
        for (depth, planned) in outcome.plan.iter().enumerate() {
            let footprint = self.lists.footprint(planned);
            let is_end = outcome.has_died && depth + 1 == outcome.plan.len();
            if depth >= outcome.followed {
                let node = depth.checked_sub(1).map_or(ROOT, |above| self.path[above]);
                let child = self.tree.append(node, planned, footprint, Status::Open);
                self.path.push(child);
            } else if depth >= fresh || is_end {
                let child = self.tree.get_mut(self.path[depth]);
                child.stops |= planned.stops;
                child.footprint.clear();
                child.footprint.extend_from_slice(footprint);
            }
            if is_end {
                // The step that the program died of touches everything: nothing comes after it.
                self.tree.get_mut(self.path[depth]).footprint.push(Touch::END);
            }
        }
        let mut from = 0;
        for candidate in &outcome.candidates {
            let schedule = from..candidate.end as usize;
            from = schedule.end;
            if (candidate.since as usize) < fresh {
                continue;
            }
            self.draft.clear();
            self.draft.extend(outcome.schedules[schedule].iter().map(|&number| outcome.planned(number)));
            let node = (candidate.depth as usize).checked_sub(1).map_or(ROOT, |above| self.path[above]);
            self.tree.insert(node, &mut self.draft, &self.lists, &self.classes);
        }
        match outcome {
            Outcome { is_blocked: true, .. } => self.counts.blocked += 1,
            Outcome { is_vain: true, .. } => self.counts.vain += 1,
            _ => self.counts.explored += 1,
        }
        self.counts.beyond += u64::from(outcome.is_beyond);
        self.counts.lost += outcome.lost;
        self.progress = self.tree.progress(&self.path);
        self.tree.collapse();
        self.survey = Survey {
            exhausted: self.is_over() && self.is_proof(),
            progress: Some(self.progress),
            redundant: self.counts.blocked,
            vain: self.counts.vain,
            beyond: self.counts.beyond,
            nondeterminism: self.survey.nondeterminism.or(outcome.nondeterminism),
            is_outgrown: outcome.is_outgrown || self.tree.len() > self.most_nodes,
        };
    }

    pub(crate) fn survey(&self) -> Survey {
        self.survey
    }

    /// Whether an empty frontier means that there is no other trace.
    fn is_proof(&self) -> bool {
        self.counts.lost == 0
    }

    /// Put the accesses of an outcome into the terms of the tree.
    fn translate(&mut self, outcome: &Outcome) {
        let classes = &mut self.classes;
        self.started.clear();
        self.started.extend(outcome.goroutines.iter().map(|&name| classes.intern(name)));
        self.mentioned.clear();
        self.mentioned.extend(outcome.mentions.iter().map(|&(name, _)| classes.intern(name)));
        self.firsts.clear();
        for (&(_, object), &number) in outcome.mentions.iter().zip(&self.mentioned) {
            let object = object as usize;
            if self.firsts.len() <= object {
                self.firsts.resize(object + 1, None);
            }
            classes.merge(*self.firsts[object].get_or_insert(number), number);
        }
        self.lists.causes.clear();
        self.lists.causes.extend_from_slice(&outcome.lists.causes);
        self.lists.touches.clear();
        let (started, mentioned) = (&self.started, &self.mentioned);
        self.lists.touches.extend(outcome.lists.touches.iter().map(|touch| {
            let owner = match touch.part {
                Part::Token | Part::Life => started[touch.owner as usize],
                Part::Clock | Part::Fence => 0,
                _ => mentioned[touch.owner as usize],
            };
            Touch { owner, ..*touch }
        }));
    }
}

/// What is being run when a search is written is to be run again.
impl Coded for Search {
    fn write(&self, to: &mut Vec<u8>) {
        self.tree.write(to);
        self.classes.write(to);
        self.counts.write(to);
        self.first_entered.write(to);
    }

    fn read(from: &mut Reader<'_>) -> Result<Search, Malformed> {
        let (tree, classes, counts) = (Tree::read(from)?, Classes::read(from)?, Counts::read(from)?);
        let first_entered = bool::read(from)?;
        let search = Search::new();
        Ok(Search {
            tree,
            classes,
            counts,
            first_taken: first_entered,
            first_entered,
            survey: Survey {
                redundant: counts.blocked,
                vain: counts.vain,
                beyond: counts.beyond,
                ..Survey::default()
            },
            ..search
        })
    }
}
