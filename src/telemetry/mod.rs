//! What operators see of a running gateway: logs and figures.

mod figures;
mod history;
pub mod logging;
pub mod origin;

pub use figures::{Figure, Figures};
pub use history::{History, INTERVAL};
