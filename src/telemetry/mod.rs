//! What operators see of a running gateway: logs and figures.

mod figures;
pub mod logging;
pub mod origin;

pub use figures::{Figure, Figures};
