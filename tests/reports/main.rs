//! What a person reads: real programs, really explored, each kind of finding as it is printed.
//!
//! The numbers of the search and the token are left out of the goldens: they change with every
//! strategy, the report does not.

mod orders;
mod programs;

use selvedge::harness::config::StrategySpec;
use selvedge::report::Style;
use selvedge::{Explorer, Outcome};
use std::time::Duration;

fn explorer() -> Explorer {
    Explorer::new().seed(7).executions(300).jobs(1).style(Style::default())
}

/// The report with what depends on the search and on the machine taken out.
fn normalised(outcome: &Outcome) -> String {
    let mut text = String::new();
    let mut among_numbers = false;
    for line in outcome.report.lines() {
        let start = line.trim_start();
        let numbers = start.contains(" of ") && start.contains(" execution");
        if among_numbers && !start.is_empty() {
            continue;
        }
        among_numbers = numbers || start.starts_with("the one execution");
        match start {
            _ if among_numbers => text.push_str("   (how often, and how it was searched)"),
            _ if start.starts_with("replay ") => text.push_str("   replay    SELVEDGE_REPLAY=sv1-…"),
            _ => text.push_str(line),
        }
        text.push('\n');
    }
    text
}

fn golden(name: &str, explorer: Explorer, program: fn()) -> Outcome {
    let outcome = explorer.run(program);
    insta::with_settings!({ snapshot_path => "../snapshots", prepend_module_to_snapshot => false, omit_expression => true }, {
        insta::assert_snapshot!(name, normalised(&outcome));
    });
    outcome
}

macro_rules! goldens {
    ($($name:ident $($call:ident($($argument:expr),*))*,)*) => {
        $(#[test]
        fn $name() {
            golden(stringify!($name), explorer()$(.$call($($argument),*))*, programs::$name);
        })*
    };
}

goldens! {
    deadlock,
    lock_cycle,
    self_deadlock,
    read_twice,
    leaked_sender,
    leaked_receiver,
    leaked_select,
    leaked_nil,
    join_cycle,
    partial_deadlock,
    data_race,
    cell_race,
    relaxed_flag,
    lost_update,
    panic_in_goroutine,
    returned_error,
    send_on_closed,
    close_of_closed,
    close_of_nil,
    unlock_of_unlocked,
    negative_wait_group,
    wait_group_misuse,
    lost_notify,
    lost_unpark,
    endless_spin,
    busy_select,
    lock_order strategy(StrategySpec::Random) executions(1) seed(1),
    send_races_close,
    add_races_wait,
    closed_by_receiver,
    premature_exit,
    stuck_loop watchdog(Duration::from_millis(200)),
    stuck_std_mutex watchdog(Duration::from_millis(200)),
    not_deterministic strategy(StrategySpec::Random),
    stack_overflow,
    uncontrolled_thread,
    borrowed_thread_local,
    select_arms,
    left_locked,
    select_sends_on_closed,
    leaked_timer,
    lost_cancel,
    semaphore_starved,
    producer_consumer,
    old_message,
    old_ticket,
}

/// The same report at the widths people have, with and without characters beyond ASCII.
#[test]
fn orders_are_billed() {
    let mut all = String::new();
    for unicode in [true, false] {
        for width in [72, 100, 200] {
            let style = Style { width, color: false, unicode };
            let outcome = explorer().style(style).run(orders::orders_are_billed);
            let letters = if unicode { "Unicode" } else { "ASCII" };
            all.push_str(&format!("=== {width} columns, {letters}\n{}\n", normalised(&outcome)));
        }
    }
    insta::with_settings!({ snapshot_path => "../snapshots", prepend_module_to_snapshot => false, omit_expression => true }, {
        insta::assert_snapshot!("orders_are_billed", all);
    });
}

#[test]
fn nothing_explored() {
    golden("nothing_explored", explorer().executions(0), programs::passes);
}

#[test]
fn passes() {
    golden("passes", explorer(), programs::passes);
}
