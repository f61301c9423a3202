//! Telling the processor what will be needed soon, where it can be told.
//!
//! Invariant: it is advice, for any address at all: nothing is read.

/// The line of the cache at `address` will be needed.
#[inline(always)]
pub(super) fn line<T>(address: *const T) {
    #[cfg(all(target_arch = "x86_64", not(miri)))]
    {
        use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
        // SAFETY: it reads nothing, and faults at no address.
        unsafe { _mm_prefetch::<_MM_HINT_T0>(address.cast()) };
    }
    #[cfg(not(all(target_arch = "x86_64", not(miri))))]
    let _ = address;
}
