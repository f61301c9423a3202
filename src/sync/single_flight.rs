//! Single flights: Go's `golang.org/x/sync/singleflight`.
//!
//! Invariants: of all who ask for a key while an answer is being worked out, one works it out and
//! all get that answer; an answer is not kept. The call is in the table from its beginning to its
//! end, or until the key is forgotten.

use super::{Mutex, WaitGroup};
use crate::chan::{Receiver, Sender, chan};
use std::any::Any;
use std::collections::HashMap;
use std::fmt;
use std::hash::Hash;
use std::panic::{AssertUnwindSafe, Location, catch_unwind, resume_unwind};
use std::sync::{Arc, Mutex as RawMutex, PoisonError};

/// Suppresses duplicate calls: Go's `singleflight.Group`. Clones are the same group.
///
/// # Examples
/// ```
/// use selvedge::sync::SingleFlight;
/// let flights = SingleFlight::new();
/// let (answer, shared) = flights.run("question", || 42);
/// assert_eq!((answer, shared), (42, false));
/// ```
#[doc(alias = "singleflight")]
pub struct SingleFlight<K, V>(Arc<Mutex<HashMap<K, Arc<Call<V>>>>>);

/// An answer that is being worked out.
struct Call<V> {
    ended: WaitGroup,
    state: RawMutex<State<V>>,
}

struct State<V> {
    /// The answer, or the text of the leader's panic.
    outcome: Option<Arc<Result<V, String>>>,
    /// Whether anybody asked besides the leader.
    shared: bool,
    channels: Vec<Sender<(V, bool)>>,
}

impl<V> Call<V> {
    fn state(&self) -> std::sync::MutexGuard<'_, State<V>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What somebody who asks becomes.
enum Role<V> {
    Leader(Arc<Call<V>>),
    Follower(Arc<Call<V>>),
}

impl<K, V> SingleFlight<K, V>
where
    K: Eq + Hash + Clone + Send + 'static,
    V: Clone + Send + Sync + 'static,
{
    /// A group in which nobody asks for anything yet.
    #[track_caller]
    pub fn new() -> SingleFlight<K, V> {
        SingleFlight(Arc::new(Mutex::new(HashMap::new())))
    }

    /// The answer for `key`: that of a call under way, if there is one, otherwise `f`'s. The flag
    /// tells whether the answer was given to several.
    ///
    /// # Panics
    /// If `f` panics, in everybody who asked.
    #[doc(alias = "Do")]
    #[track_caller]
    pub fn run<F: FnOnce() -> V>(&self, key: K, f: F) -> (V, bool) {
        match self.ask(&key, None) {
            Role::Leader(call) => self.lead(&key, &call, f),
            Role::Follower(call) => {
                call.ended.wait();
                let outcome = call.state().outcome.clone();
                match &*outcome.expect("a call that has ended has an outcome") {
                    Ok(value) => (value.clone(), true),
                    Err(text) => panic!("{text}"),
                }
            }
        }
    }

    /// Like [`run`](SingleFlight::run), but gives a channel that gets the answer: at most one, and
    /// the channel is not closed. A panic of `f` ends the program.
    #[doc(alias = "DoChan")]
    #[track_caller]
    pub fn run_chan<F: FnOnce() -> V + Send + 'static>(&self, key: K, f: F) -> Receiver<(V, bool)> {
        let site = Location::caller();
        let (sender, receiver) = chan(1);
        if let Role::Leader(call) = self.ask(&key, Some(sender)) {
            let group = self.clone();
            drop(crate::go::start(move || drop(group.lead(&key, &call, f)), None, site));
        }
        receiver
    }

    /// Let the next who asks for `key` lead a new call, also if one is under way.
    #[doc(alias = "Forget")]
    #[track_caller]
    pub fn forget(&self, key: &K) {
        let call = self.calls().remove(key);
        drop(call);
    }

    #[track_caller]
    fn calls(&self) -> super::MutexGuard<'_, HashMap<K, Arc<Call<V>>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    #[track_caller]
    fn ask(&self, key: &K, channel: Option<Sender<(V, bool)>>) -> Role<V> {
        let mut calls = self.calls();
        if let Some(call) = calls.get(key) {
            let call = Arc::clone(call);
            let mut state = call.state();
            state.shared = true;
            state.channels.extend(channel);
            drop(state);
            return Role::Follower(call);
        }
        let channels = channel.into_iter().collect();
        let state = State { outcome: None, shared: false, channels };
        let call = Arc::new(Call { ended: WaitGroup::new(), state: RawMutex::new(state) });
        call.ended.add(1);
        calls.insert(key.clone(), Arc::clone(&call));
        Role::Leader(call)
    }

    /// Work the answer out and hand it to all.
    #[track_caller]
    fn lead<F: FnOnce() -> V>(&self, key: &K, call: &Arc<Call<V>>, f: F) -> (V, bool) {
        let outcome = catch_unwind(AssertUnwindSafe(f));
        let kept = Arc::new(outcome.as_ref().map_err(|payload| text(&**payload)).cloned());
        let (shared, channels) = {
            let mut calls = self.calls();
            if calls.get(key).is_some_and(|current| Arc::ptr_eq(current, call)) {
                calls.remove(key);
            }
            // From here on nobody joins the call.
            let mut state = call.state();
            state.outcome = Some(kept);
            (state.shared, std::mem::take(&mut state.channels))
        };
        call.ended.done();
        match outcome {
            Ok(value) => {
                for channel in channels {
                    channel.send((value.clone(), shared));
                }
                (value, shared)
            }
            Err(payload) => resume_unwind(payload),
        }
    }
}

/// What the followers of a leader that panicked panic with.
fn text(payload: &(dyn Any + Send)) -> String {
    let said = payload.downcast_ref::<String>().map(String::as_str);
    let said = said.or_else(|| payload.downcast_ref::<&str>().copied());
    said.unwrap_or("singleflight: the call panicked").to_owned()
}

impl<K, V> Default for SingleFlight<K, V>
where
    K: Eq + Hash + Clone + Send + 'static,
    V: Clone + Send + Sync + 'static,
{
    #[track_caller]
    fn default() -> SingleFlight<K, V> {
        SingleFlight::new()
    }
}

impl<K, V> Clone for SingleFlight<K, V> {
    fn clone(&self) -> SingleFlight<K, V> {
        SingleFlight(Arc::clone(&self.0))
    }
}

impl<K, V> fmt::Debug for SingleFlight<K, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SingleFlight").finish_non_exhaustive()
    }
}
