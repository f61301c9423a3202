//! Forms for tasks of what blocks, for random programs.

use super::fuzz::Shared;

/// What a task waits for.
#[derive(Clone, Copy, Debug)]
pub(super) enum Form {
    Receive(usize),
    Send(usize),
    Lock,
    Read,
    Write,
    Acquire(u32),
    Group,
}

impl Form {
    /// Any of them, by a draw below a number.
    pub(super) fn draw(mut below: impl FnMut(usize) -> usize) -> Form {
        match below(9) {
            0 | 1 => Form::Receive(below(2)),
            2 | 3 => Form::Send(below(2)),
            4 => Form::Lock,
            5 => Form::Read,
            6 => Form::Write,
            7 => Form::Acquire(1 + below(2) as u32),
            _ => Form::Group,
        }
    }

    /// Whether it came.
    pub(super) async fn run(self, s: &Shared) -> usize {
        match self {
            Form::Receive(channel) => {
                return s.channels[channel].receiver().recv_async().await.map_or(2, |n: usize| n);
            }
            Form::Send(channel) => s.channels[channel].sender().send_async(1).await,
            Form::Lock => drop(s.cond.0.lock_async().await),
            Form::Read => drop(s.rw.read_async().await),
            Form::Write => drop(s.rw.write_async().await),
            Form::Acquire(n) => {
                s.semaphore.acquire_async(n).await;
                s.semaphore.release(n);
            }
            Form::Group => s.group.wait_async().await,
        }
        1
    }
}
