//! The patterns that every engine can run whose types have the shape of std's.

#[path = "../../fixtures/src/atomicity/at_check_then_act.rs"]
mod at_check_then_act;
#[path = "../../fixtures/src/atomicity/at_load_store_lost.rs"]
mod at_load_store_lost;
#[path = "../../fixtures/src/atomicity/at_refcount_resurrect.rs"]
mod at_refcount_resurrect;
#[path = "../../fixtures/src/atomicity/at_transfer_visible.rs"]
mod at_transfer_visible;
#[path = "../../fixtures/src/condvar_park/cv_flag_outside_lock.rs"]
mod cv_flag_outside_lock;
#[path = "../../fixtures/src/condvar_park/cv_if_not_while.rs"]
mod cv_if_not_while;
#[path = "../../fixtures/src/condvar_park/cv_never_signalled.rs"]
mod cv_never_signalled;
#[path = "../../fixtures/src/condvar_park/cv_signal_before_wait.rs"]
mod cv_signal_before_wait;
#[path = "../../fixtures/src/condvar_park/cv_two_mutexes.rs"]
mod cv_two_mutexes;
#[path = "../../fixtures/src/mixed/cv_wait_holding_second_lock.rs"]
mod cv_wait_holding_second_lock;
#[path = "../../fixtures/src/condvar_park/cv_wrong_waiter.rs"]
mod cv_wrong_waiter;
#[path = "../../fixtures/src/mixed/jn_join_holding_lock.rs"]
mod jn_join_holding_lock;
#[path = "../../fixtures/src/lock_order/lo_abba.rs"]
mod lo_abba;
#[path = "../../fixtures/src/lock_order/lo_cycle3.rs"]
mod lo_cycle3;
#[path = "../../fixtures/src/lock_order/lo_philosophers5.rs"]
mod lo_philosophers5;
#[path = "../../fixtures/src/lock_order/lo_transfer_by_argument.rs"]
mod lo_transfer_by_argument;
#[path = "../../fixtures/src/mutual_exclusion/mu_display_reenters.rs"]
mod mu_display_reenters;
#[path = "../../fixtures/src/mutual_exclusion/mu_guard_temporary_extends.rs"]
mod mu_guard_temporary_extends;
#[path = "../../fixtures/src/atomicity/or_snapshot_stale.rs"]
mod or_snapshot_stale;
#[path = "../../fixtures/src/atomicity/or_use_before_init.rs"]
mod or_use_before_init;
#[path = "../../fixtures/src/condvar_park/pk_no_recheck.rs"]
mod pk_no_recheck;
#[path = "../../fixtures/src/condvar_park/pk_token_consumed.rs"]
mod pk_token_consumed;
#[path = "../../fixtures/src/condvar_park/pk_unpark_before_register.rs"]
mod pk_unpark_before_register;
#[path = "../../fixtures/src/async_std/rs_read_guard_then_write.rs"]
mod rs_read_guard_then_write;
#[path = "../../fixtures/src/reader_writer/rw_downgrade_self.rs"]
mod rw_downgrade_self;
#[path = "../../fixtures/src/mixed/wg_wait_holding_lock.rs"]
mod wg_wait_holding_lock;
#[path = "../../fixtures/src/weak_memory/wm_2p2w.rs"]
mod wm_2p2w;
#[path = "../../fixtures/src/weak_memory/wm_deque_no_fence.rs"]
mod wm_deque_no_fence;
#[path = "../../fixtures/src/weak_memory/wm_eventcount_relaxed.rs"]
mod wm_eventcount_relaxed;
#[path = "../../fixtures/src/weak_memory/wm_iriw.rs"]
mod wm_iriw;
#[path = "../../fixtures/src/weak_memory/wm_oncecell_two_winners.rs"]
mod wm_oncecell_two_winners;
#[path = "../../fixtures/src/weak_memory/wm_rwlock_counter_wrap.rs"]
mod wm_rwlock_counter_wrap;
#[path = "../../fixtures/src/weak_memory/wm_seqlock_no_fence.rs"]
mod wm_seqlock_no_fence;
#[path = "../../fixtures/src/weak_memory/wm_seqlock_no_odd_check.rs"]
mod wm_seqlock_no_odd_check;
#[path = "../../fixtures/src/weak_memory/wm_store_buffering.rs"]
mod wm_store_buffering;
#[path = "../../fixtures/src/weak_memory/wm_treiber_aba.rs"]
mod wm_treiber_aba;
#[path = "../../fixtures/src/weak_memory/wm_wrc.rs"]
mod wm_wrc;

use crate::fixture::Entry;

pub(crate) const ENTRIES: &[Entry] = &[
    lo_abba::ENTRY,
    lo_cycle3::ENTRY,
    lo_philosophers5::ENTRY,
    lo_transfer_by_argument::ENTRY,
    mu_display_reenters::ENTRY,
    mu_guard_temporary_extends::ENTRY,
    rw_downgrade_self::ENTRY,
    rs_read_guard_then_write::ENTRY,
    cv_wait_holding_second_lock::ENTRY,
    jn_join_holding_lock::ENTRY,
    wg_wait_holding_lock::ENTRY,
    cv_flag_outside_lock::ENTRY,
    cv_if_not_while::ENTRY,
    cv_never_signalled::ENTRY,
    cv_signal_before_wait::ENTRY,
    cv_two_mutexes::ENTRY,
    cv_wrong_waiter::ENTRY,
    pk_no_recheck::ENTRY,
    pk_token_consumed::ENTRY,
    pk_unpark_before_register::ENTRY,
    at_check_then_act::ENTRY,
    at_load_store_lost::ENTRY,
    at_refcount_resurrect::ENTRY,
    at_transfer_visible::ENTRY,
    or_snapshot_stale::ENTRY,
    or_use_before_init::ENTRY,
    wm_2p2w::ENTRY,
    wm_deque_no_fence::ENTRY,
    wm_eventcount_relaxed::ENTRY,
    wm_iriw::ENTRY,
    wm_oncecell_two_winners::ENTRY,
    wm_rwlock_counter_wrap::ENTRY,
    wm_seqlock_no_fence::ENTRY,
    wm_seqlock_no_odd_check::ENTRY,
    wm_store_buffering::ENTRY,
    wm_treiber_aba::ENTRY,
    wm_wrc::ENTRY,
];
