//! What operators see of a running gateway: logs and figures.

mod figures;
pub mod logging;

pub use figures::{Figure, Figures};
