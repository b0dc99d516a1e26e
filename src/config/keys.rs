//! `[keys]`: the keys that sign access tokens, and how they are kept.

use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::checks::Checks;
use super::database::{Database, SecretPlace};
use super::problem::KeyPath;
use crate::model::{EncryptionKey, InvalidEncryptionKey, SigningAlgorithm};

/// The keys that sign access tokens.
#[derive(Clone, Debug)]
pub struct Keys {
    /// What they are encrypted with at rest; without one, a file beside the embedded database
    /// holds it.
    pub encryption_key: Option<EncryptionKey>,
    /// What new keys sign with.
    pub algorithm: SigningAlgorithm,
    /// The age at which a key gets its successor.
    pub rotate_every: Duration,
    /// For how long a new key is published before it signs.
    pub publish_ahead: Duration,
}

/// The keys that sign access tokens.
#[derive(Debug, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(super) struct KeysSection {
    /// What the keys are encrypted with at rest: the base64 of 32 random bytes, as
    /// `openssl rand -base64 32` prints it. Required with Postgres; without it, a file beside the
    /// SQLite database holds one.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "SecretPlace")]
    encryption_key: Option<SecretPlace>,
    algorithm: Algorithm,
    /// The age at which a key gets its successor.
    rotate_every: String,
    /// For how long a new key is published before it signs, so that whoever keeps the published
    /// keys for a while knows it by then.
    publish_ahead: String,
}

/// What new keys sign with; those that are there stay what they are.
#[derive(Clone, Copy, Debug, Default, Deserialize, Serialize, JsonSchema)]
#[schemars(inline)]
enum Algorithm {
    #[default]
    #[serde(rename = "ES256")]
    Es256,
    #[serde(rename = "RS256")]
    Rs256,
    #[serde(rename = "EdDSA")]
    EdDsa,
}

impl Default for KeysSection {
    fn default() -> Self {
        Self {
            encryption_key: None,
            algorithm: Algorithm::default(),
            rotate_every: "90d".to_owned(),
            publish_ahead: "10m".to_owned(),
        }
    }
}

impl KeysSection {
    pub(super) fn resolve(
        &self,
        checks: &mut Checks<'_>,
        database: Option<&Database>,
    ) -> Option<Keys> {
        let path = |key| KeyPath::of(["keys", key]);
        let place = path("encryption_key");
        let encryption_key = if let Some(secret) = &self.encryption_key {
            let text = secret.resolve(checks, &place);
            Some(text.and_then(|text| read(EncryptionKey::parse(&text), checks, &place))?)
        } else {
            require_for_servers(database, checks, &place)?;
            None
        };
        let rotate = checks.duration(&path("rotate_every"), &self.rotate_every, ("1h", "3650d"));
        // The least leaves a replica a few looks at the database.
        let ahead = checks.duration(&path("publish_ahead"), &self.publish_ahead, ("5s", "7d"));
        Some(Keys {
            encryption_key,
            algorithm: match self.algorithm {
                Algorithm::Es256 => SigningAlgorithm::Es256,
                Algorithm::Rs256 => SigningAlgorithm::Rs256,
                Algorithm::EdDsa => SigningAlgorithm::EdDsa,
            },
            rotate_every: rotate?,
            publish_ahead: ahead?,
        })
    }
}

/// What a key has to be, with the way to one.
const EXPECTED: &str = "the base64 of 32 random bytes, as `openssl rand -base64 32` prints it";

fn read(
    key: Result<EncryptionKey, InvalidEncryptionKey>,
    checks: &mut Checks<'_>,
    path: &KeyPath,
) -> Option<EncryptionKey> {
    key.map_err(|reason| checks.refuse_found(path, format!("a key that is {reason}"), EXPECTED))
        .ok()
}

/// Replicas share their keys, so that a file of one machine is no place for what opens them.
fn require_for_servers(
    database: Option<&Database>,
    checks: &mut Checks<'_>,
    path: &KeyPath,
) -> Option<()> {
    if database.is_none_or(|database| database.url.expose().starts_with("sqlite:")) {
        return Some(());
    }
    let expected = format!(
        "{{ env = \"NAME\" }} or {{ file = \"PATH\" }} with {EXPECTED}: the \
                            replicas on a Postgres share their keys"
    );
    checks.refuse(path, expected);
    None
}
