//! The admin listener: who may do what there, what it takes, and how soon replicas follow.

mod bodies;
mod changes;
mod desk;
mod document;
mod doors;
mod operators;
mod walk;
