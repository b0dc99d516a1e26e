//! The audit log: what is recorded without a change, how entries are chained, signed and verified.

mod call;
mod checkpoint;
mod recorder;
mod verify;
mod writer;

pub use call::{Action, Call};
pub use checkpoint::{CheckpointError, Checkpoints};
pub use recorder::{Overloaded, Recorder, change};
pub use verify::{Fault, Verified};
pub use writer::{Writer, WriterTask};
