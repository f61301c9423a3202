//! The patterns with plain memory, whose races loom finds.

#[path = "../../../../fixtures/src/data_races/dr_append_alias.rs"]
mod dr_append_alias;
#[path = "../../../../fixtures/src/data_races/dr_bool_flag.rs"]
mod dr_bool_flag;
#[path = "../../../../fixtures/src/data_races/dr_counter.rs"]
mod dr_counter;
#[path = "../../../../fixtures/src/data_races/dr_element_of_guarded_map.rs"]
mod dr_element_of_guarded_map;
#[path = "../../../../fixtures/src/data_races/dr_err_capture.rs"]
mod dr_err_capture;
#[path = "../../../../fixtures/src/data_races/dr_fat_pointer_torn.rs"]
mod dr_fat_pointer_torn;
#[path = "../../../../fixtures/src/data_races/dr_field_ww.rs"]
mod dr_field_ww;
#[path = "../../../../fixtures/src/data_races/dr_global_config.rs"]
mod dr_global_config;
#[path = "../../../../fixtures/src/data_races/dr_lock_masked.rs"]
mod dr_lock_masked;
#[path = "../../../../fixtures/src/data_races/dr_loop_cell.rs"]
mod dr_loop_cell;
#[path = "../../../../fixtures/src/data_races/dr_map_iter_insert.rs"]
mod dr_map_iter_insert;
#[path = "../../../../fixtures/src/data_races/dr_map_lookup_delete.rs"]
mod dr_map_lookup_delete;
#[path = "../../../../fixtures/src/data_races/dr_mixed_atomic.rs"]
mod dr_mixed_atomic;
#[path = "../../../../fixtures/src/data_races/dr_pool_after_put.rs"]
mod dr_pool_after_put;
#[path = "../../../../fixtures/src/data_races/dr_publish_after_start.rs"]
mod dr_publish_after_start;
#[path = "../../../../fixtures/src/data_races/dr_slice_header.rs"]
mod dr_slice_header;
#[path = "../../../../fixtures/src/data_races/dr_slot_mixup.rs"]
mod dr_slot_mixup;
#[path = "../../../../fixtures/src/data_races/dr_unlocked_getter.rs"]
mod dr_unlocked_getter;
#[path = "../../../../fixtures/src/mutual_exclusion/mu_escape_critical_section.rs"]
mod mu_escape_critical_section;
#[path = "../../../../fixtures/src/mutual_exclusion/mu_lock_per_call.rs"]
mod mu_lock_per_call;
#[path = "../../../../fixtures/src/weak_memory/wm_arc_drop_no_acquire.rs"]
mod wm_arc_drop_no_acquire;
#[path = "../../../../fixtures/src/weak_memory/wm_arc_get_mut_weak.rs"]
mod wm_arc_get_mut_weak;
#[path = "../../../../fixtures/src/weak_memory/wm_bakery_relaxed.rs"]
mod wm_bakery_relaxed;
#[path = "../../../../fixtures/src/weak_memory/wm_dcl_relaxed.rs"]
mod wm_dcl_relaxed;
#[path = "../../../../fixtures/src/weak_memory/wm_dekker_no_fence.rs"]
mod wm_dekker_no_fence;
#[path = "../../../../fixtures/src/weak_memory/wm_fence_wrong_side.rs"]
mod wm_fence_wrong_side;
#[path = "../../../../fixtures/src/weak_memory/wm_hazard_no_fence.rs"]
mod wm_hazard_no_fence;
#[path = "../../../../fixtures/src/weak_memory/wm_lazy_partial_publish.rs"]
mod wm_lazy_partial_publish;
#[path = "../../../../fixtures/src/weak_memory/wm_load_buffering.rs"]
mod wm_load_buffering;
#[path = "../../../../fixtures/src/weak_memory/wm_mcs_next_relaxed.rs"]
mod wm_mcs_next_relaxed;
#[path = "../../../../fixtures/src/weak_memory/wm_message_passing.rs"]
mod wm_message_passing;
#[path = "../../../../fixtures/src/weak_memory/wm_mpmc_seq_off_by_one.rs"]
mod wm_mpmc_seq_off_by_one;
#[path = "../../../../fixtures/src/weak_memory/wm_msq_free_early.rs"]
mod wm_msq_free_early;
#[path = "../../../../fixtures/src/weak_memory/wm_peterson_acqrel.rs"]
mod wm_peterson_acqrel;
#[path = "../../../../fixtures/src/weak_memory/wm_plain_spin_flag.rs"]
mod wm_plain_spin_flag;
#[path = "../../../../fixtures/src/weak_memory/wm_rcu_no_grace.rs"]
mod wm_rcu_no_grace;
#[path = "../../../../fixtures/src/weak_memory/wm_spin_relaxed_acquire.rs"]
mod wm_spin_relaxed_acquire;
#[path = "../../../../fixtures/src/weak_memory/wm_spin_relaxed_release.rs"]
mod wm_spin_relaxed_release;
#[path = "../../../../fixtures/src/weak_memory/wm_spsc_full_empty.rs"]
mod wm_spsc_full_empty;
#[path = "../../../../fixtures/src/weak_memory/wm_spsc_relaxed_tail.rs"]
mod wm_spsc_relaxed_tail;
#[path = "../../../../fixtures/src/weak_memory/wm_ticket_relaxed.rs"]
mod wm_ticket_relaxed;
#[path = "../../../../fixtures/src/weak_memory/wm_treiber_relaxed_push.rs"]
mod wm_treiber_relaxed_push;

use crate::fixture::Entry;

pub(crate) const ENTRIES: &[Entry] = &[
    mu_escape_critical_section::ENTRY,
    mu_lock_per_call::ENTRY,
    dr_bool_flag::ENTRY,
    dr_counter::ENTRY,
    dr_element_of_guarded_map::ENTRY,
    dr_err_capture::ENTRY,
    dr_fat_pointer_torn::ENTRY,
    dr_field_ww::ENTRY,
    dr_global_config::ENTRY,
    dr_lock_masked::ENTRY,
    dr_loop_cell::ENTRY,
    dr_append_alias::ENTRY,
    dr_map_iter_insert::ENTRY,
    dr_map_lookup_delete::ENTRY,
    dr_mixed_atomic::ENTRY,
    dr_pool_after_put::ENTRY,
    dr_publish_after_start::ENTRY,
    dr_slice_header::ENTRY,
    dr_slot_mixup::ENTRY,
    dr_unlocked_getter::ENTRY,
    wm_arc_drop_no_acquire::ENTRY,
    wm_arc_get_mut_weak::ENTRY,
    wm_bakery_relaxed::ENTRY,
    wm_dcl_relaxed::ENTRY,
    wm_dekker_no_fence::ENTRY,
    wm_fence_wrong_side::ENTRY,
    wm_hazard_no_fence::ENTRY,
    wm_lazy_partial_publish::ENTRY,
    wm_load_buffering::ENTRY,
    wm_mcs_next_relaxed::ENTRY,
    wm_message_passing::ENTRY,
    wm_mpmc_seq_off_by_one::ENTRY,
    wm_msq_free_early::ENTRY,
    wm_peterson_acqrel::ENTRY,
    wm_plain_spin_flag::ENTRY,
    wm_rcu_no_grace::ENTRY,
    wm_spin_relaxed_acquire::ENTRY,
    wm_spin_relaxed_release::ENTRY,
    wm_spsc_full_empty::ENTRY,
    wm_spsc_relaxed_tail::ENTRY,
    wm_ticket_relaxed::ENTRY,
    wm_treiber_relaxed_push::ENTRY,
];
