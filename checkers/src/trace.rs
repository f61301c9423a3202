//! A fully recorded execution: what every renderer works from.
//!
//! Invariant: a trace holds everything a report needs besides the source files; it refers to no
//! engine, no thread and no memory of the process that recorded it.

use crate::ids::{Gid, ObjId, Site};
use crate::op::{ObjKind, OpKind};

/// A goroutine of the execution.
#[cfg_attr(feature = "format", derive(serde::Serialize, serde::Deserialize))]
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct GoroutineInfo {
    /// Its id.
    pub id: Gid,
    /// The name it was given, if any.
    #[cfg_attr(feature = "format", serde(default, skip_serializing_if = "Option::is_none"))]
    pub name: Option<String>,
    /// Who spawned it; `None` for main.
    #[cfg_attr(feature = "format", serde(default, skip_serializing_if = "Option::is_none"))]
    pub parent: Option<Gid>,
    /// Where it was spawned (for main: where the test is).
    pub spawned: Site,
    /// Whether it ended.
    pub exited: bool,
}

/// An object of the execution.
#[cfg_attr(feature = "format", derive(serde::Serialize, serde::Deserialize))]
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ObjectInfo {
    /// Its id.
    pub id: ObjId,
    /// What it is.
    #[cfg_attr(feature = "format", serde(rename = "type"))]
    pub kind: ObjKind,
    /// Where it was created.
    pub created: Site,
    /// Its state at the end, in short (`len 1/1`, `counter 2`, `held by g2`).
    #[cfg_attr(feature = "format", serde(default, skip_serializing_if = "String::is_empty"))]
    pub state: String,
    /// Who holds it at the end, and since which step, if it is a lock that is held.
    #[cfg_attr(feature = "format", serde(default, skip_serializing_if = "Vec::is_empty"))]
    pub holders: Vec<(Gid, u32)>,
}

/// What came of an operation.
#[cfg_attr(feature = "format", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "format", serde(rename_all = "kebab-case"))]
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Outcome {
    /// It took effect.
    Done,
    /// It took effect and gave or carried this number.
    Value(u64),
    /// It read this number, which was not the newest.
    Old(u64),
    /// It did not succeed (a failed try, an empty channel, a lost compare-exchange).
    Failed,
    /// It found the channel closed.
    Closed,
    /// It ended by timeout.
    TimedOut,
    /// A select took an arm.
    Arm {
        /// Which, from 0, in the order of the source.
        arm: u32,
        /// Of how many, a default not counted.
        of: u32,
        /// Whether it sends.
        sends: bool,
    },
    /// A select took its default, because no arm was ready.
    Default,
    /// It began to wait here.
    Blocks,
    /// It woke without a cause.
    Spurious,
    /// It panicked or was fatal.
    Misuse,
}

/// One step.
#[cfg_attr(feature = "format", derive(serde::Serialize, serde::Deserialize))]
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Event {
    /// Its number, from 1.
    pub step: u32,
    /// Who.
    pub g: Gid,
    /// What.
    pub op: OpKind,
    /// On which object.
    #[cfg_attr(feature = "format", serde(default, skip_serializing_if = "Option::is_none"))]
    pub object: Option<ObjId>,
    /// On which other goroutine (spawn, join, unpark, hand-off).
    #[cfg_attr(feature = "format", serde(default, skip_serializing_if = "Option::is_none"))]
    pub peer: Option<Gid>,
    /// Where in the source.
    pub site: Site,
    /// With which outcome.
    pub outcome: Outcome,
}

/// A recorded execution.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Trace {
    /// Its goroutines, by id.
    pub goroutines: Vec<GoroutineInfo>,
    /// Its objects, by id.
    pub objects: Vec<ObjectInfo>,
    /// Its steps.
    pub events: Vec<Event>,
}

impl Trace {
    /// The goroutine with this id.
    pub fn goroutine(&self, g: Gid) -> Option<&GoroutineInfo> {
        self.goroutines.get(g.index())
    }

    /// The object with this id.
    pub fn object(&self, obj: ObjId) -> Option<&ObjectInfo> {
        self.objects.iter().find(|o| o.id == obj)
    }
}

#[test]
fn goroutines_and_objects_are_found_by_their_ids() {
    let site = Site::from(std::panic::Location::caller());
    let goroutine = |id| GoroutineInfo { id, name: None, parent: None, spawned: site.clone(), exited: true };
    let object = |id| {
        let (kind, state, holders) = (ObjKind::Chan, String::new(), Vec::new());
        ObjectInfo { id, kind, created: site.clone(), state, holders }
    };
    let goroutines = vec![goroutine(Gid::MAIN), goroutine(Gid(1))];
    let trace = Trace { goroutines, objects: vec![object(ObjId(7)), object(ObjId(3))], events: Vec::new() };
    assert_eq!(trace.goroutine(Gid(1)).map(|g| g.id), Some(Gid(1)));
    assert_eq!(trace.goroutine(Gid(2)), None);
    assert_eq!(trace.object(ObjId(3)).map(|o| o.id), Some(ObjId(3)));
    assert_eq!(trace.object(ObjId(0)), None);
}
