//! What is wrong with a configuration: where, what was found, what was expected.

use std::fmt;

use serde_json::Value;

/// Where a key stands in the configuration, from the top down.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct KeyPath(Vec<String>);

/// Where a value came from.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Origin {
    /// A line of a file; line and column count from one.
    File {
        /// The file's name as it was given.
        name: String,
        /// The line, where one is to blame.
        line: Option<usize>,
        /// The column, where one is to blame.
        column: Option<usize>,
    },
    /// An environment variable of this name.
    Variable(String),
    /// Nothing but the built-in defaults.
    Default,
}

/// One mistake in a configuration.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Problem {
    /// Where the value came from.
    pub origin: Origin,
    /// The key, as in `server.listen`; empty when the whole document is meant.
    pub path: String,
    /// What stands there; never the value of a secret.
    pub found: String,
    /// What belongs there.
    pub expected: String,
}

/// Every mistake in a configuration, in the order of their places.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}", self.lines())]
pub struct Problems(Vec<Problem>);

impl KeyPath {
    /// The path of these keys.
    pub(super) fn of<S: ToString>(keys: impl IntoIterator<Item = S>) -> Self {
        Self(keys.into_iter().map(|key| key.to_string()).collect())
    }

    /// The path of `key` in the table that this path leads to.
    pub(super) fn join(&self, key: impl ToString + Copy) -> Self {
        let mut keys = self.0.clone();
        keys.push(key.to_string());
        Self(keys)
    }

    /// The keys from the top down.
    pub(super) fn keys(&self) -> &[String] {
        &self.0
    }

    /// The table that the last key stands in; `None` at the top.
    pub(super) fn parent(&self) -> Option<Self> {
        let (_, above) = self.0.split_last()?;
        Some(Self(above.to_vec()))
    }

    /// True when this path leads to `below` or to something around it.
    pub(super) fn contains(&self, below: &Self) -> bool {
        below.0.starts_with(&self.0)
    }

    /// True when a secret may stand here: the address of a database can hold a password.
    pub(super) fn is_secret(&self) -> bool {
        let is = |key: Option<&String>, name| key.is_some_and(|key| key == name);
        is(self.0.first(), "database")
            || is(self.0.last(), "initial_access_token")
            || is(self.0.last(), "client_secret")
            || is(self.0.last(), "password")
    }
}

impl fmt::Display for KeyPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bare = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
        for (position, key) in self.0.iter().enumerate() {
            let dot = if position > 0 { "." } else { "" };
            if position > 0 && key.bytes().all(|byte| byte.is_ascii_digit()) {
                write!(f, "[{key}]")?;
            } else if !key.is_empty() && key.bytes().all(bare) {
                write!(f, "{dot}{key}")?;
            } else {
                write!(f, "{dot}{key:?}")?;
            }
        }
        Ok(())
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File { name, line, column } => {
                f.write_str(name)?;
                for number in [line, column].into_iter().flatten() {
                    write!(f, ":{number}")?;
                }
                Ok(())
            }
            Self::Variable(name) => write!(f, "environment variable {name}"),
            Self::Default => f.write_str("built-in default"),
        }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            origin,
            path,
            found,
            expected,
        } = self;
        write!(f, "{origin}: ")?;
        if !path.is_empty() {
            write!(f, "{path}: ")?;
        }
        write!(f, "found {found}, expected {expected}")
    }
}

impl Problems {
    /// These problems, in the order of their places; each said once.
    pub(super) fn new(mut problems: Vec<Problem>) -> Self {
        problems.sort();
        problems.dedup();
        Self(problems)
    }

    /// Each problem.
    pub fn iter(&self) -> impl Iterator<Item = &Problem> {
        self.0.iter()
    }

    fn lines(&self) -> String {
        let lines: Vec<String> = self.0.iter().map(ToString::to_string).collect();
        lines.join("\n")
    }
}

/// The value at `path` in words that may be printed.
pub(super) fn shown(path: &KeyPath, value: &Value) -> String {
    match value {
        Value::String(_) if path.is_secret() => "a text that is not shown".to_owned(),
        // A password in an address is a secret wherever the address stands.
        Value::String(text) if text.contains("://") && text.contains('@') => {
            "an address with a user name, not shown".to_owned()
        }
        Value::String(text) => {
            let beginning: String = text.chars().take(80).collect();
            format!("{beginning:?}")
        }
        Value::Null => "nothing".to_owned(),
        Value::Bool(_) | Value::Number(_) if path.is_secret() => "a value, not shown".to_owned(),
        Value::Bool(_) | Value::Number(_) => value.to_string(),
        Value::Array(_) => "a list".to_owned(),
        Value::Object(_) => "a table".to_owned(),
    }
}

/// The name nearest to `mistyped`, if one is near enough to be meant.
#[must_use]
pub fn nearest<'a>(mistyped: &str, names: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let distance = |name: &str| strsim::damerau_levenshtein(mistyped, name);
    let (name, distance) = names
        .into_iter()
        .map(|name| (name, distance(name)))
        .min_by_key(|(_, distance)| *distance)?;
    (distance <= 1.max(name.len() / 3)).then_some(name)
}
