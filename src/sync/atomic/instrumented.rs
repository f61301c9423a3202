//! The instrumented types: one macro for the integers, and `AtomicBool` and `AtomicPtr` by hand.

use crate::objects::atomic::AtomicState;
use crate::objects::{Int, Op, Ret, State, Update};
use crate::port::{self, Engine, Object};
use selvedge_checkers::ids::SiteRef;
use std::fmt;
use std::panic::Location;
use std::sync::atomic::{self as real, Ordering};

/// The identity an atomic has in models.
#[derive(Debug)]
struct Cell(Object);

impl Cell {
    /// Let the model's engine do an operation, if a model runs on this thread.
    #[inline]
    fn operate(
        &self,
        initial: u64,
        op: impl FnOnce(selvedge_checkers::ids::ObjId) -> Op,
        site: SiteRef,
    ) -> Option<Ret> {
        let engine = port::model()?;
        let id = self.0.id(engine, || State::Atomic(AtomicState { value: initial }));
        Some(engine.op(op(id), site))
    }

    /// The value in the model that runs on this thread, if it has one there.
    fn peek(&self) -> Option<u64> {
        let engine: &dyn Engine = port::model()?;
        Some(engine.peek_atomic(self.0.existing(engine)?))
    }
}

fn value(ret: Ret) -> u64 {
    match ret {
        Ret::Value(v) => v,
        other => unreachable!("an atomic read gave {other:?}"),
    }
}

fn exchange(ret: Ret) -> (u64, bool) {
    match ret {
        Ret::Exchange { old, done } => (old, done),
        other => unreachable!("a compare-exchange gave {other:?}"),
    }
}

/// Orderings std rejects are rejected in a model too, with std's texts.
fn check_load(order: Ordering) {
    match order {
        Ordering::Release => panic!("there is no such thing as a release load"),
        Ordering::AcqRel => panic!("there is no such thing as an acquire-release load"),
        _ => {}
    }
}

fn check_store(order: Ordering) {
    match order {
        Ordering::Acquire => panic!("there is no such thing as an acquire store"),
        Ordering::AcqRel => panic!("there is no such thing as an acquire-release store"),
        _ => {}
    }
}

/// A fence.
///
/// # Panics
/// If `order` is `Relaxed`.
#[track_caller]
pub fn fence(order: Ordering) {
    assert!(order != Ordering::Relaxed, "there is no such thing as a relaxed fence");
    match port::model() {
        Some(engine) => {
            engine.op(Op::Fence(order), Location::caller());
        }
        None => real::fence(order),
    }
}

/// A fence against the compiler only: nothing a model could see.
pub fn compiler_fence(order: Ordering) {
    real::compiler_fence(order);
}

/// Tell the processor, or the model, that this is a spin loop.
#[track_caller]
pub fn spin_loop_hint() {
    match port::model() {
        Some(engine) => {
            engine.waits_in_loop();
            engine.op(Op::Yield, Location::caller());
        }
        None => std::hint::spin_loop(),
    }
}

/// What every atomic has: made from a value, read, written, exchanged.
macro_rules! atomic {
    ($(#[$doc:meta])* $name:ident $(<$t:ident>)?, $real:ty, $value:ty, $bits:expr, $signed:expr, |$w:ident| $word:expr, |$v:ident| $back:expr) => {
        $(#[$doc])*
        pub struct $name $(<$t>)? {
            real: $real,
            cell: Cell,
        }

        impl $(<$t>)? $name $(<$t>)? {
            const INT: Int = Int { bits: $bits, signed: $signed };

            /// An atomic that holds `value`.
            #[track_caller]
            pub const fn new(value: $value) -> Self {
                Self { real: <$real>::new(value), cell: Cell(Object::new()) }
            }

            #[inline]
            fn word($w: $value) -> u64 {
                $word
            }

            #[inline]
            fn back($v: u64) -> $value {
                $back
            }

            fn initial(&self) -> u64 {
                Self::word(self.real.load(Ordering::Relaxed))
            }

            /// Read the value.
            ///
            /// # Panics
            /// If `order` is `Release` or `AcqRel`.
            #[track_caller]
            #[inline]
            pub fn load(&self, order: Ordering) -> $value {
                check_load(order);
                let op = |atomic| Op::Load { atomic, order };
                match self.cell.operate(self.initial(), op, Location::caller()) {
                    Some(ret) => Self::back(value(ret)),
                    None => self.real.load(order),
                }
            }

            /// Write a value.
            ///
            /// # Panics
            /// If `order` is `Acquire` or `AcqRel`.
            #[track_caller]
            #[inline]
            pub fn store(&self, val: $value, order: Ordering) {
                check_store(order);
                let op = |atomic| Op::Store { atomic, value: Self::word(val), order };
                if self.cell.operate(self.initial(), op, Location::caller()).is_none() {
                    self.real.store(val, order);
                }
            }

            #[track_caller]
            #[inline]
            fn update_op(&self, update: Update, val: u64, order: Ordering) -> Option<$value> {
                let op = |atomic| Op::Update { atomic, update, int: Self::INT, operand: val, order };
                let ret = self.cell.operate(self.initial(), op, Location::caller())?;
                Some(Self::back(value(ret)))
            }

            /// Write a value and give the one before.
            #[track_caller]
            #[inline]
            pub fn swap(&self, val: $value, order: Ordering) -> $value {
                self.update_op(Update::Swap, Self::word(val), order).unwrap_or_else(|| self.real.swap(val, order))
            }

            #[track_caller]
            #[inline]
            fn exchange_op(
                &self,
                current: $value,
                new: $value,
                weak: bool,
                success: Ordering,
                failure: Ordering,
            ) -> Option<Result<$value, $value>> {
                check_load(failure);
                let op = |atomic| Op::CompareExchange {
                    atomic,
                    expected: Self::word(current),
                    new: Self::word(new),
                    weak,
                    success,
                    failure,
                };
                let ret = self.cell.operate(self.initial(), op, Location::caller())?;
                let (old, done) = exchange(ret);
                Some(if done { Ok(Self::back(old)) } else { Err(Self::back(old)) })
            }

            /// Write `new` if the value is `current`.
            ///
            /// # Errors
            /// The value, if it is another.
            ///
            /// # Panics
            /// If `failure` is `Release` or `AcqRel`.
            #[track_caller]
            #[inline]
            pub fn compare_exchange(
                &self,
                current: $value,
                new: $value,
                success: Ordering,
                failure: Ordering,
            ) -> Result<$value, $value> {
                self.exchange_op(current, new, false, success, failure)
                    .unwrap_or_else(|| self.real.compare_exchange(current, new, success, failure))
            }

            /// Like `compare_exchange`, but may fail for no reason: a model explores that.
            ///
            /// # Errors
            /// The value, if nothing was written.
            ///
            /// # Panics
            /// If `failure` is `Release` or `AcqRel`.
            #[track_caller]
            #[inline]
            pub fn compare_exchange_weak(
                &self,
                current: $value,
                new: $value,
                success: Ordering,
                failure: Ordering,
            ) -> Result<$value, $value> {
                self.exchange_op(current, new, true, success, failure)
                    .unwrap_or_else(|| self.real.compare_exchange_weak(current, new, success, failure))
            }

            /// Replace the value by what `f` makes of it, trying again while others interfere.
            ///
            /// # Errors
            /// The value `f` gave `None` for.
            #[track_caller]
            pub fn fetch_update<F>(&self, set: Ordering, fetch: Ordering, mut f: F) -> Result<$value, $value>
            where
                F: FnMut($value) -> Option<$value>,
            {
                let mut old = self.load(fetch);
                while let Some(new) = f(old) {
                    match self.compare_exchange_weak(old, new, set, fetch) {
                        Ok(was) => return Ok(was),
                        Err(now) => old = now,
                    }
                }
                Err(old)
            }

            /// Bring the value of the model into the atomic itself, before it is used directly.
            fn settle(&mut self) {
                if let Some(v) = self.cell.peek() {
                    *self.real.get_mut() = Self::back(v);
                    self.cell.0.release();
                }
            }

            /// The value, through an exclusive reference: no operation is needed.
            pub fn get_mut(&mut self) -> &mut $value {
                self.settle();
                self.real.get_mut()
            }

            /// Take the value out.
            pub fn into_inner(mut self) -> $value {
                self.settle();
                *self.real.get_mut()
            }
        }

        impl $(<$t>)? fmt::Debug for $name $(<$t>)? {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                match self.cell.peek() {
                    Some(v) => fmt::Debug::fmt(&Self::back(v), f),
                    None => fmt::Debug::fmt(&self.real, f),
                }
            }
        }

        impl $(<$t>)? From<$value> for $name $(<$t>)? {
            #[track_caller]
            fn from(value: $value) -> Self {
                Self::new(value)
            }
        }
    };
}

macro_rules! fetch {
    ($value:ty: $($(#[$doc:meta])* $name:ident $update:ident,)*) => {$(
        $(#[$doc])*
        #[track_caller]
        #[inline]
        pub fn $name(&self, val: $value, order: Ordering) -> $value {
            self.update_op(Update::$update, Self::word(val), order).unwrap_or_else(|| self.real.$name(val, order))
        }
    )*};
}

macro_rules! integers {
    ($($name:ident $value:ident $signed:literal $text:literal,)*) => {$(
        atomic! {
            #[doc = concat!("An atomic `", $text, "`.")]
            $name, real::$name, $value, <$value>::BITS as u8, $signed,
            |w| w as u64 & (u64::MAX >> (64 - <$value>::BITS)), |v| v as $value
        }

        impl $name {
            fetch! { $value:
                /// Add, wrapping around; gives the value before.
                fetch_add Add,
                /// Subtract, wrapping around; gives the value before.
                fetch_sub Sub,
                /// Bitwise and; gives the value before.
                fetch_and And,
                /// Bitwise nand; gives the value before.
                fetch_nand Nand,
                /// Bitwise or; gives the value before.
                fetch_or Or,
                /// Bitwise exclusive or; gives the value before.
                fetch_xor Xor,
                /// The larger one; gives the value before.
                fetch_max Max,
                /// The smaller one; gives the value before.
                fetch_min Min,
            }
        }

        impl super::AtomicAdd for $name {
            type Value = $value;

            #[track_caller]
            fn add(&self, val: $value, order: Ordering) {
                super::add::check(order);
                let op = |atomic| Op::Add { atomic, int: Self::INT, operand: Self::word(val), order };
                if self.cell.operate(self.initial(), op, Location::caller()).is_none() {
                    self.real.fetch_add(val, order);
                }
            }

            #[track_caller]
            fn sub(&self, val: $value, order: Ordering) {
                self.add(val.wrapping_neg(), order);
            }
        }

        impl Default for $name {
            #[track_caller]
            fn default() -> Self {
                Self::new(0)
            }
        }
    )*};
}

integers! {
    AtomicI8 i8 true "i8",
    AtomicI16 i16 true "i16",
    AtomicI32 i32 true "i32",
    AtomicI64 i64 true "i64",
    AtomicIsize isize true "isize",
    AtomicU8 u8 false "u8",
    AtomicU16 u16 false "u16",
    AtomicU32 u32 false "u32",
    AtomicU64 u64 false "u64",
    AtomicUsize usize false "usize",
}

atomic! {
    /// An atomic `bool`.
    AtomicBool, real::AtomicBool, bool, 1, false, |w| u64::from(w), |v| v != 0
}

impl AtomicBool {
    fetch! { bool:
        /// Logical and; gives the value before.
        fetch_and And,
        /// Logical nand; gives the value before.
        fetch_nand Nand,
        /// Logical or; gives the value before.
        fetch_or Or,
        /// Logical exclusive or; gives the value before.
        fetch_xor Xor,
    }

    /// Negate; gives the value before.
    #[track_caller]
    #[inline]
    pub fn fetch_not(&self, order: Ordering) -> bool {
        self.fetch_xor(true, order)
    }
}

impl Default for AtomicBool {
    #[track_caller]
    fn default() -> Self {
        Self::new(false)
    }
}

atomic! {
    /// An atomic pointer.
    AtomicPtr<T>, real::AtomicPtr<T>, *mut T, 64, false,
    |w| w.expose_provenance() as u64, |v| std::ptr::with_exposed_provenance_mut(v as usize)
}

impl<T> Default for AtomicPtr<T> {
    #[track_caller]
    fn default() -> Self {
        Self::new(std::ptr::null_mut())
    }
}
