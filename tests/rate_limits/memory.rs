//! Ten million keys, in the memory that is there for them.

use gatehouse::rate_limits::CAPACITY;

use crate::{address, admits, limiter, tenant};

const KEYS: u32 = 10_000_000;

/// What the whole table takes, and as much again for everything else.
const BOUND: u64 = 2 * 25 * CAPACITY as u64;

/// The memory of this process that is in use, in bytes.
fn resident() -> u64 {
    let statm = std::fs::read_to_string("/proc/self/statm").unwrap();
    let pages: u64 = statm.split(' ').nth(1).unwrap().parse().unwrap();
    pages * 4096
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn m03_ten_million_keys_take_a_fixed_amount_of_memory() {
    // Each of them needs two minutes to be forgotten for nothing, which is longer than the test.
    let (limiter, tenant) = (limiter(), tenant("30/h"));
    let before = resident();
    let busy = u32::MAX;
    for _ in 0..30 {
        assert!(admits(&limiter, &tenant, busy).await);
    }
    for number in 0..KEYS {
        assert!(
            admits(&limiter, &tenant, number).await,
            "{:?} is locked out by others",
            address(number)
        );
        if number % 1_000_000 == 0 {
            let used = resident().saturating_sub(before) / 1024;
            eprintln!("{number} keys: {used} KiB");
            // Whoever used up a budget is not forgotten for all the others.
            assert!(!admits(&limiter, &tenant, busy).await);
        }
    }
    let used = resident().saturating_sub(before);
    eprintln!(
        "{KEYS} keys: {} KiB, {CAPACITY} remembered, {} displaced",
        used / 1024,
        limiter.displaced()
    );
    assert!(used < BOUND, "{used} bytes");
    assert!(!admits(&limiter, &tenant, busy).await);
}
