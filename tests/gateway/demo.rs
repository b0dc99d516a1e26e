//! The README's first command.

use crate::process::gatehouse;

#[test]
fn the_demo_walks_every_step_and_exits_with_0() {
    let output = gatehouse()
        .args(["demo", "--listen", "127.0.0.1:0", "--exit"])
        .output()
        .unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(
        output.status.success(),
        "{text}\n{}",
        String::from_utf8_lossy(&output.stderr)
    );
    for number in 1..=16 {
        assert!(
            text.contains(&format!("✓ {number:>2}/16 ")),
            "step {number} is missing:\n{text}"
        );
    }
    assert!(text.contains("Sample data"), "{text}");
}

#[test]
fn the_demo_says_why_it_can_not_listen() {
    let output = gatehouse()
        .args(["demo", "--listen", "192.0.2.1:1", "--exit"])
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(1));
    let text = String::from_utf8(output.stderr).unwrap();
    assert!(text.contains("192.0.2.1:1"), "{text}");
}
