//! Panics inside a model: caught, remembered with their place, never printed by the default hook.
//!
//! Invariants: the process's panic hook is replaced once and passes everything through that does
//! not come from a goroutine of a model; a misuse panics with Go's text as a `&'static str`, so
//! user code that recovers sees what a Go programmer expects.

use super::frames;
use crate::objects::Misuse;
use selvedge_checkers::ids::{ObjId, Site, SiteRef};
use selvedge_checkers::op::OpKind;
use std::any::Any;
use std::cell::RefCell;
use std::panic::PanicHookInfo;
use std::sync::Once;

/// What the hook saw of the last panic on this thread.
#[derive(Clone, Debug, Default)]
pub(super) struct Last {
    message: String,
    pub(super) site: Option<Site>,
    misuse: Option<(Misuse, Option<ObjId>)>,
    /// The operation that was misused: what its goroutine does while it unwinds comes later.
    pub(super) op: Option<OpKind>,
    /// The stack, if the place is one of std's: `with_borrow` panics there and not in its caller.
    pub(super) frames: Vec<usize>,
}

/// A panic that ended a goroutine.
pub(super) struct Panic {
    pub(super) payload: Box<dyn Any + Send>,
    pub(super) last: Last,
    /// When it was.
    pub(super) step: u32,
}

impl Panic {
    /// The panic that is under way on this thread; its payload is out of reach.
    pub(super) fn under_way(step: u32) -> Panic {
        let last = take();
        Panic { payload: Box::new(last.message.clone()), last, step }
    }

    /// The message, as the panic hook would have printed it.
    pub(super) fn message(&self) -> String {
        match text(&*self.payload) {
            Some(text) if !text.is_empty() => text.to_owned(),
            _ if !self.last.message.is_empty() => self.last.message.clone(),
            _ => "Box<dyn Any>".to_owned(),
        }
    }

    /// The payload for whoever joins the goroutine; what reports need of it stays.
    pub(super) fn claim(self) -> (Box<dyn Any + Send>, Panic) {
        let copy: Box<dyn Any + Send> = match self.misuse() {
            Some((misuse, _)) => Box::new(misuse.text()),
            None => Box::new(self.message()),
        };
        (self.payload, Panic { payload: copy, last: self.last, step: self.step })
    }

    /// Whether it only says that a goroutine that was joined had panicked: `unwrap` and `expect`
    /// print the payload, of which `Debug` knows no more than this.
    pub(super) fn passes_on(&self) -> bool {
        text(&*self.payload).is_some_and(|t| t.ends_with("Any { .. }"))
    }

    /// The misuse it comes from, if it comes from one.
    pub(super) fn misuse(&self) -> Option<(Misuse, Option<ObjId>)> {
        self.last.misuse.filter(|(misuse, _)| text(&*self.payload) == Some(misuse.text()))
    }
}

/// A misuse that is about to panic.
struct Raising {
    misuse: Misuse,
    object: Option<ObjId>,
    op: OpKind,
    site: SiteRef,
}

thread_local! {
    static LAST: RefCell<Last> = RefCell::default();
    static RAISING: RefCell<Option<Raising>> = const { RefCell::new(None) };
}

fn text(payload: &(dyn Any + Send)) -> Option<&str> {
    payload.downcast_ref::<&'static str>().copied().or_else(|| payload.downcast_ref::<String>().map(|s| &**s))
}

/// What the last panic on this thread left.
pub(super) fn take() -> Last {
    LAST.take()
}

/// Panic as Go does on this misuse.
pub(super) fn raise(misuse: Misuse, object: Option<ObjId>, op: OpKind, site: SiteRef) -> ! {
    RAISING.set(Some(Raising { misuse, object, op, site }));
    std::panic::panic_any(misuse.text())
}

/// Install the hook; only the first call of the process does anything.
pub(crate) fn install_hook() {
    static INSTALL: Once = Once::new();
    INSTALL.call_once(|| {
        let previous = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |info| {
            if crate::port::model().is_some() { remember(info) } else { previous(info) }
        }));
    });
}

fn remember(info: &PanicHookInfo<'_>) {
    let payload = info.payload();
    let message = payload
        .downcast_ref::<&'static str>()
        .map(|s| (*s).to_owned())
        .or_else(|| payload.downcast_ref::<String>().cloned())
        .unwrap_or_default();
    let raising = RAISING.take();
    LAST.set(match raising {
        Some(Raising { misuse, object, op, site }) => Last {
            message,
            site: Some(site.into()),
            misuse: Some((misuse, object)),
            op: Some(op),
            frames: Vec::new(),
        },
        None => {
            let site = info.location().map(Site::from);
            let std = site.as_ref().is_some_and(|site| frames::is_of_std(&site.file));
            let frames = if std { frames::here() } else { Vec::new() };
            Last { message, site, misuse: None, op: None, frames }
        }
    });
}
