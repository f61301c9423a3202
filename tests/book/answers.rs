//! Three are asked, and only the first answer is received.

use selvedge::{chan, go};

#[selvedge::test]
#[ignore = "fails: its report is in the book"]
fn the_first_answer_counts() {
    let (answers, answer) = chan(0);
    for server in 1..=3 {
        let answers = answers.clone();
        go(move || answers.send(server));
    }
    assert!(answer.recv().is_some());
}
