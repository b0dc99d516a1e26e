//! Entries of a list of servers, put into the text of a file and taken out of it.

use serde_json::{Map, Value};

use super::{json, toml};

/// What a host knows of one server.
pub(super) type Entry = Map<String, Value>;

/// How a file is written, with the key of the list.
#[derive(Clone, Copy, Debug)]
pub(super) enum Format {
    /// JSON, with comments where the host reads them.
    Json(&'static str),
    /// TOML
    Toml(&'static str),
}

/// A file that can't be understood is not changed.
#[derive(Debug, thiserror::Error)]
pub(super) enum EditError {
    /// It is not written as the host would read it.
    #[error("it can't be read: {0}")]
    Unreadable(String),
    /// What should be a list of servers is something else.
    #[error("{0:?} in it is no list of servers")]
    NoList(&'static str),
}

impl Format {
    /// `text` with `entry` under `name`, in the place of any that is there.
    pub(super) fn put(self, text: &str, name: &str, entry: &Entry) -> Result<String, EditError> {
        match self {
            Self::Json(list) => json::put(text, list, name, entry),
            Self::Toml(list) => toml::put(text, list, name, entry),
        }
    }

    /// `text` with what `source` has under `name`, or without where it has nothing.
    pub(super) fn carry(self, source: &str, text: &str, name: &str) -> Result<String, EditError> {
        match self {
            Self::Json(list) => json::carry(source, text, list, name),
            Self::Toml(list) => toml::carry(source, text, list, name),
        }
    }

    /// True when `text` has an entry of that name.
    pub(super) fn has(self, text: &str, name: &str) -> Result<bool, EditError> {
        match self {
            Self::Json(list) => json::has(text, list, name),
            Self::Toml(list) => toml::has(text, list, name),
        }
    }
}
