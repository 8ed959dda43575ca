//! Counts steps without a clock: the edges of the control flow that are executed. The same input
//! always takes the same number of them.
//!
//! `fuzz/run` compiles every Rust crate with a call at each edge. Code in C and assembler, the
//! precompiled standard library and copying are not counted.

use std::{
    process::abort,
    sync::atomic::{AtomicU64, Ordering::Relaxed},
};

static STEPS: AtomicU64 = AtomicU64::new(0);
static LIMIT: AtomicU64 = AtomicU64::new(u64::MAX);

/// Returns the steps since the last call of [`limit`].
pub fn done() -> u64 {
    STEPS.load(Relaxed)
}

/// Starts to count at zero. The process aborts at more than `limit` steps.
pub fn limit(limit: u64) {
    STEPS.store(0, Relaxed);
    LIMIT.store(limit, Relaxed);
}

/// Ends the limit.
pub fn unlimited() {
    LIMIT.store(u64::MAX, Relaxed);
}

#[cold]
#[inline(never)]
fn exceeded(limit: u64) -> ! {
    eprintln!("more than {limit} steps");
    // The innermost frames are the loop that does too much.
    eprintln!("{}", std::backtrace::Backtrace::force_capture());
    abort()
}

/// The compiler inserts a call of this function at each edge, but not into functions with this
/// prefix.
#[unsafe(no_mangle)]
extern "C" fn __sanitizer_cov_trace_pc() {
    // Parsers run on one thread, so the two halves of the addition need not be one.
    let steps = STEPS.load(Relaxed).wrapping_add(1);
    STEPS.store(steps, Relaxed);
    let limit = LIMIT.load(Relaxed);
    // The message of a panic is not the parser's work.
    if steps > limit && !std::thread::panicking() {
        // The report calls this function as well.
        LIMIT.store(u64::MAX, Relaxed);
        exceeded(limit);
    }
}
