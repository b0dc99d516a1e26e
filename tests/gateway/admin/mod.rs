//! The admin listener: who may do what there, what it takes, and how soon replicas follow.

mod bodies;
mod changes;
pub(crate) mod desk;
mod document;
mod doors;
mod mounting;
mod operators;
mod servers;
mod walk;
