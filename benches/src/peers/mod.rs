//! The engines we stand beside. Both offer the types of `std` under another path, so the programs
//! are written once, in [`std_shaped_bodies`], and instantiated for each: two engines run the same
//! text by construction. Each engine lists the programs it can express.

pub(crate) mod loom;
pub(crate) mod shuttle;

/// The programs over the `std`-shaped types of the crate `$engine`, as functions without arguments.
/// Shared values sit in `std`'s `Arc` for every engine: reference counts are not what is compared.
macro_rules! std_shaped_bodies {
    ($engine:ident) => {
        use ::$engine::sync::atomic::{AtomicUsize, Ordering};
        use ::$engine::sync::mpsc::channel;
        use ::$engine::sync::{Condvar, Mutex};
        use ::$engine::thread;
        use std::sync::Arc;

        /// `TASKS` tasks that yield `YIELDS` times each.
        pub(super) fn yields<const TASKS: usize, const YIELDS: usize>() {
            let task = || (0..YIELDS).for_each(|_| thread::yield_now());
            let tasks: Vec<_> = (0..TASKS).map(|_| thread::spawn(task)).collect();
            tasks.into_iter().for_each(|task| task.join().unwrap());
        }

        /// `THREADS` threads that add to one atomic `TIMES` times each.
        pub(super) fn rmw<const THREADS: usize, const TIMES: usize>() {
            let counter = Arc::new(AtomicUsize::new(0));
            let threads: Vec<_> = (0..THREADS)
                .map(|_| {
                    let counter = counter.clone();
                    thread::spawn(move || {
                        (0..TIMES).for_each(|_| {
                            counter.fetch_add(1, Ordering::SeqCst);
                        })
                    })
                })
                .collect();
            threads.into_iter().for_each(|thread| thread.join().unwrap());
        }

        /// One thread stores, `READERS` threads load.
        pub(super) fn readers<const READERS: usize>() {
            let cell = Arc::new(AtomicUsize::new(0));
            let written = cell.clone();
            let writer = thread::spawn(move || written.store(1, Ordering::SeqCst));
            let readers: Vec<_> = (0..READERS)
                .map(|_| {
                    let cell = cell.clone();
                    thread::spawn(move || assert!(cell.load(Ordering::SeqCst) <= 1))
                })
                .collect();
            writer.join().unwrap();
            readers.into_iter().for_each(|reader| reader.join().unwrap());
        }

        /// Two threads that lock and unlock one mutex `TIMES` times each.
        pub(super) fn mutex<const TIMES: usize>() {
            let lock = Arc::new(Mutex::new(0));
            let threads: Vec<_> = (0..2)
                .map(|_| {
                    let lock = lock.clone();
                    thread::spawn(move || (0..TIMES).for_each(|_| *lock.lock().unwrap() += 1))
                })
                .collect();
            threads.into_iter().for_each(|thread| thread.join().unwrap());
        }

        /// A queue of capacity 1: empty or holding one item.
        struct Queue {
            item: Mutex<Option<usize>>,
            not_full: Condvar,
            not_empty: Condvar,
        }

        impl Queue {
            fn push(&self, item: usize) {
                let mut slot = self.item.lock().unwrap();
                while slot.is_some() {
                    slot = self.not_full.wait(slot).unwrap();
                }
                *slot = Some(item);
                self.not_empty.notify_one();
            }

            fn pop(&self) -> usize {
                let mut slot = self.item.lock().unwrap();
                loop {
                    if let Some(item) = slot.take() {
                        self.not_full.notify_one();
                        return item;
                    }
                    slot = self.not_empty.wait(slot).unwrap();
                }
            }
        }

        /// One producer, one consumer, `ITEMS` items through a queue of capacity 1.
        pub(super) fn condvar_queue<const ITEMS: usize>() {
            let queue = Arc::new(Queue {
                item: Mutex::new(None),
                not_full: Condvar::new(),
                not_empty: Condvar::new(),
            });
            let pushed = queue.clone();
            let producer = thread::spawn(move || (0..ITEMS).for_each(|item| pushed.push(item)));
            let consumer = thread::spawn(move || (0..ITEMS).for_each(|item| assert_eq!(queue.pop(), item)));
            producer.join().unwrap();
            consumer.join().unwrap();
        }

        /// `ITEMS` items from a producer through a stage to the consumer.
        pub(super) fn pipeline<const ITEMS: usize>() {
            let (first, stage_in) = channel();
            let (stage_out, last) = channel();
            let producer = thread::spawn(move || (0..ITEMS).for_each(|item| first.send(item).unwrap()));
            let stage = thread::spawn(move || {
                (0..ITEMS).for_each(|_| stage_out.send(stage_in.recv().unwrap() + 1).unwrap())
            });
            (0..ITEMS).for_each(|item| assert_eq!(last.recv().unwrap(), item + 1));
            producer.join().unwrap();
            stage.join().unwrap();
        }

        /// `CHILDREN` threads that do nothing.
        pub(super) fn spawn_join<const CHILDREN: usize>() {
            let children: Vec<_> = (0..CHILDREN).map(|_| thread::spawn(|| {})).collect();
            children.into_iter().for_each(|child| child.join().unwrap());
        }

        /// The body of a program.
        pub(super) fn body(program: $crate::programs::Program) -> fn() {
            use $crate::programs::Program;
            match program {
                Program::Yield50 => yields::<50, 20>,
                Program::Yield1000 => yields::<1000, 20>,
                Program::Rmw => rmw::<3, 2>,
                Program::Readers => readers::<3>,
                Program::Mutex1 => mutex::<1>,
                Program::Mutex2 => mutex::<2>,
                Program::Mutex4 => mutex::<4>,
                Program::Condvar1 => condvar_queue::<1>,
                Program::Condvar2 => condvar_queue::<2>,
                Program::Condvar3 => condvar_queue::<3>,
                Program::Pipeline3 => pipeline::<3>,
                Program::Pipeline100 => pipeline::<100>,
                Program::Spawn1 => spawn_join::<1>,
                Program::Spawn4 => spawn_join::<4>,
                Program::Spawn16 => spawn_join::<16>,
            }
        }
    };
}
pub(crate) use std_shaped_bodies;
