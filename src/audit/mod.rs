//! The audit log: what is recorded without a change, how entries are chained, signed and verified.

mod call;
mod recorder;
mod writer;

pub use call::{Action, Call};
pub use recorder::{Overloaded, Recorder, change};
pub use writer::{Writer, WriterTask};
