//! What operators see of a running gateway: logs and figures.

mod figures;

pub use figures::{Figure, Figures};
