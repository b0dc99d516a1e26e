//! Randomness as a parameter.

use std::fmt;

/// Where secrets and identifiers get their entropy from.
pub trait Random: fmt::Debug + Send + Sync {
    /// Fills `bytes` with unpredictable bytes.
    fn fill(&self, bytes: &mut [u8]);
}

/// The operating system's cryptographic generator.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemRandom;

/// A name that nobody else has: of a client, a grant, an account or a token. Unguessable, but no
/// secret.
#[must_use]
pub fn new_identifier(random: &dyn Random) -> String {
    let mut bytes = [0_u8; 16];
    random.fill(&mut bytes);
    uuid::Builder::from_random_bytes(bytes)
        .into_uuid()
        .to_string()
}

impl Random for SystemRandom {
    #[expect(
        clippy::expect_used,
        reason = "without entropy no secret may be made: stop at once"
    )]
    fn fill(&self, bytes: &mut [u8]) {
        aws_lc_rs::rand::fill(bytes).expect("the operating system has no entropy to give");
    }
}
