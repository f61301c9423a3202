//! From return addresses to a place in user code.
//!
//! Invariant: looking symbols up takes a lot of stack and allocates, so it is never done on a goroutine's
//! stack or in a signal handler; both only collect addresses.

use selvedge_checkers::ids::Site;

/// How many frames are worth looking at.
const FRAMES: usize = 64;

/// The addresses of this thread's stack, innermost first.
pub(super) fn here() -> Vec<usize> {
    let mut ips = Vec::with_capacity(FRAMES);
    backtrace::trace(|frame| {
        ips.push((frame.ip() as usize).saturating_sub(1));
        ips.len() < FRAMES
    });
    ips
}

/// Whether a file is no user's: std's own, as the compiler names it or where it is installed.
pub(super) fn is_of_std(file: &str) -> bool {
    file.starts_with("/rustc/") || file.contains("/rustlib/src/")
}

/// The innermost frame that is neither ours nor of the standard library.
///
/// Optimised code has instructions that belong to no line, and a loop may be stopped at one: then
/// the closest instruction that has one speaks for the frame.
pub(crate) fn user_frame(ips: &[usize]) -> Option<Site> {
    const NEAR: usize = 64;
    let exact = ips.iter().find_map(|&ip| user_code_at(ip));
    exact.or_else(|| {
        let near = |ip: usize| (1..NEAR).flat_map(move |d| [ip.saturating_sub(d), ip.saturating_add(d)]);
        ips.iter().find_map(|&ip| near(ip).find_map(user_code_at))
    })
}

/// The user code that the instruction at `ip` was made from, innermost first.
fn user_code_at(ip: usize) -> Option<Site> {
    let mut found = None;
    backtrace::resolve(ip as *mut _, |symbol| {
        let (Some(file), Some(line)) = (symbol.filename(), symbol.lineno().filter(|&l| l > 0)) else {
            return;
        };
        let name = symbol.name().map(|n| n.to_string()).unwrap_or_default();
        if found.is_none() && is_user_code(&file.to_string_lossy(), &name) {
            let col = symbol.colno().unwrap_or(1);
            found = Some(Site { file: file.to_string_lossy().into_owned(), line, col });
        }
    });
    found
}

pub(crate) fn is_user_code(file: &str, function: &str) -> bool {
    // By file as well: with line tables alone a function's name lacks its crate.
    let ours = ["selvedge::", "selvedge_checkers::", "corosensei::", "backtrace::"];
    let elsewhere = ["/rustlib/src/", "/registry/src/", "/git/checkouts/"];
    let here =
        [concat!(env!("CARGO_MANIFEST_DIR"), "/src/"), concat!(env!("CARGO_MANIFEST_DIR"), "/checkers/src/")];
    // Rust only: the innermost frame of a thread that sleeps is the system's own.
    let of_a_package = file.ends_with(".rs")
        && !file.starts_with("/rustc/")
        && !here.iter().any(|folder| file.starts_with(folder))
        && !elsewhere.iter().any(|folder| file.contains(folder));
    // A trait method's name begins with `<`.
    of_a_package && !ours.iter().any(|p| function.trim_start_matches('<').starts_with(p))
}

#[cfg(test)]
mod tests {
    use super::is_user_code;

    #[test]
    fn our_own_code_is_not_the_users() {
        let root = env!("CARGO_MANIFEST_DIR");
        for ours in ["src/model/engine.rs", "checkers/src/clock.rs"] {
            assert!(!is_user_code(&format!("{root}/{ours}"), "reset"), "{ours}");
        }
        assert!(!is_user_code("elsewhere/clock.rs", "<selvedge_checkers::clock::Clocks>::reset"));
        assert!(is_user_code(&format!("{root}/tests/billing.rs"), "billing::bills"));
    }
}
