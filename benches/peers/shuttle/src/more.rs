//! The patterns with what loom does not have: barriers and one-time initialisation.

#[path = "../../../../fixtures/src/mixed/ba_wait_holding_lock.rs"]
mod ba_wait_holding_lock;
#[path = "../../../../fixtures/src/lock_order/lo_lock_vs_once.rs"]
mod lo_lock_vs_once;

use crate::fixture::Entry;

pub(crate) const ENTRIES: &[Entry] = &[lo_lock_vs_once::ENTRY, ba_wait_holding_lock::ENTRY];
