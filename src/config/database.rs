//! `[database]`: where state lives.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::checks::Checks;
use super::problem::KeyPath;
use crate::model::Secret;

/// Where state lives.
#[derive(Clone, Debug)]
pub struct Database {
    /// `sqlite://…` or `postgres://…`; a secret, for there may be a password in it.
    pub url: Secret,
}

/// Where state lives.
#[derive(Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(super) struct DatabaseSection {
    /// `sqlite://PATH` or `postgres://…`. The variable `DATABASE_URL`, as platforms set it, stands
    /// for the same.
    url: SecretText,
}

/// A text that may be kept out of the file.
#[derive(Debug, Deserialize, Serialize, JsonSchema)]
#[serde(untagged)]
pub(super) enum SecretText {
    /// The text itself.
    Here(String),
    /// Where it is kept.
    Kept(SecretPlace),
}

/// Where a secret is kept: exactly one of the two.
#[derive(Clone, Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(super) struct SecretPlace {
    /// The name of the environment variable that holds it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "String")]
    env: Option<String>,
    /// The path of the file that holds it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "String")]
    file: Option<String>,
}

/// A file in the folder where the program is started.
const DEFAULT_URL: &str = "sqlite://gatehouse.db";

impl Default for SecretText {
    fn default() -> Self {
        Self::Here(DEFAULT_URL.to_owned())
    }
}

impl Database {
    /// One that is gone when the program ends, unless the configuration says where state lives.
    #[must_use]
    pub fn or_memory(self) -> Self {
        if self.url.expose() != DEFAULT_URL {
            return self;
        }
        let url = Secret::new("sqlite::memory:".to_owned());
        Self { url }
    }
}

impl DatabaseSection {
    pub(super) fn resolve(&self, checks: &mut Checks<'_>) -> Option<Database> {
        let path = KeyPath::of(["database", "url"]);
        let url = self.url.resolve(checks, &path)?;
        let known = ["sqlite:", "postgres://", "postgresql://"]
            .iter()
            .any(|scheme| url.expose().starts_with(scheme));
        let expected = "a URL that begins with \"sqlite://\" or \"postgres://\"";
        let url = checks.require(known.then_some(url), &path, expected)?;
        Some(Database { url })
    }
}

impl SecretText {
    pub(super) fn resolve(&self, checks: &mut Checks<'_>, path: &KeyPath) -> Option<Secret> {
        match self {
            Self::Here(text) => Some(Secret::new(text.clone())),
            Self::Kept(place) => place.resolve(checks, path),
        }
    }
}

impl SecretPlace {
    /// The secret that is kept there.
    pub(super) fn resolve(&self, checks: &mut Checks<'_>, path: &KeyPath) -> Option<Secret> {
        match (&self.env, &self.file) {
            (Some(name), None) => from_variable(checks, &path.join("env"), name),
            (None, Some(name)) => from_file(checks, &path.join("file"), name),
            (Some(_), Some(_)) | (None, None) => {
                checks.refuse(path, "either { env = \"NAME\" } or { file = \"PATH\" }");
                None
            }
        }
    }
}

fn from_variable(checks: &mut Checks<'_>, path: &KeyPath, name: &str) -> Option<Secret> {
    let value = checks.environment().get(name).cloned().map(Secret::new);
    let is_name = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    match value {
        // Whoever wrote the secret itself in the place of its name won't find it in the logs.
        None if name.bytes().all(is_name) => {
            checks.refuse_found(
                path,
                format!("no variable {name}"),
                "the name of one that is set",
            );
        }
        None => checks.refuse(path, "the name of an environment variable"),
        Some(_) => {}
    }
    value
}

fn from_file(checks: &mut Checks<'_>, path: &KeyPath, name: &str) -> Option<Secret> {
    checks.note_file(name);
    match std::fs::read_to_string(name) {
        Ok(text) => Some(Secret::new(text.trim_end_matches(['\r', '\n']).to_owned())),
        Err(error) => {
            let found = format!("no readable file there ({})", error.kind());
            checks.refuse_found(path, found, "the path of a file that holds the secret");
            None
        }
    }
}
