//! `[clients]`: which clients may be known by a document, and where such documents may be fetched.

use std::collections::BTreeMap;

use ipnet::IpNet;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use url::Url;

use super::checks::Checks;
use super::problem::KeyPath;
use super::refusals::{self, Dialect};
use crate::model::{DocumentTrust, RefusalRules};

/// Documents that clients keep on the Web.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MetadataDocuments {
    /// Whose are believed.
    pub trust: DocumentTrust,
    /// How many bytes one may have.
    pub max_size: usize,
    /// Networks to fetch from although they are not public.
    pub allow_private: Vec<IpNet>,
    /// Ports to fetch from.
    pub allow_ports: Vec<u16>,
    /// Certificate authorities to trust beside those of the system, PEM.
    pub root_certificates: Vec<u8>,
}

/// Clients.
#[derive(Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(super) struct ClientsSection {
    metadata_documents: MetadataDocumentsSection,
    /// How clients are told that a token lacks scopes, by what their URL begins with; the longest
    /// one counts. `https://chatgpt.com/oauth/` is built in.
    refusals: BTreeMap<String, Dialect>,
}

/// Documents that clients keep on the Web: metadata (Client ID Metadata Documents) and keys
/// (`jwks_uri`). They are fetched from public addresses only.
#[derive(Debug, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
struct MetadataDocumentsSection {
    /// Which clients may be known by the URL of their metadata: `any`, `off`, or those whose URL
    /// begins with one of these.
    trust: Trust,
    /// How many bytes a document may have.
    max_size: u32,
    /// Networks that are not public and may be fetched from nevertheless, as in `10.20.0.0/16`.
    allow_private: Vec<String>,
    /// The ports that may be fetched from.
    allow_ports: Vec<u16>,
    /// A file of certificate authorities (PEM) to trust beside those of the system.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "String")]
    root_certificates: Option<String>,
}

/// Whose metadata documents are believed.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(untagged)]
#[schemars(inline)]
pub(super) enum Trust {
    /// Everyone's or nobody's.
    Word(TrustWord),
    /// Those whose URL begins with one of these.
    Prefixes(Vec<String>),
}

#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[schemars(inline)]
pub(super) enum TrustWord {
    Any,
    Off,
}

impl Default for MetadataDocumentsSection {
    fn default() -> Self {
        Self {
            trust: Trust::Word(TrustWord::Any),
            max_size: 32 * 1024,
            allow_private: Vec::new(),
            allow_ports: vec![443],
            root_certificates: None,
        }
    }
}

impl ClientsSection {
    /// How clients are told what their tokens lack.
    pub(super) fn refusals(&self, checks: &mut Checks<'_>) -> RefusalRules {
        let path = KeyPath::of(["clients", "refusals"]);
        refusals::resolve(&self.refusals, checks, &path).over(&refusals::built_in())
    }

    pub(super) fn resolve(&self, checks: &mut Checks<'_>) -> Option<MetadataDocuments> {
        let section = &self.metadata_documents;
        let path = |key| KeyPath::of(["clients", "metadata_documents", key]);
        let trust = section.trust.resolve(checks, &path("trust"));
        let size = (1024..=1024 * 1024).contains(&section.max_size);
        let max_size = checks.require(
            size.then(|| usize::try_from(section.max_size).ok())
                .flatten(),
            &path("max_size"),
            "a number of bytes from 1024 to 1048576",
        );
        let networks = section.allow_private.iter().map(|text| text.parse().ok());
        let allow_private = checks.require(
            networks.collect(),
            &path("allow_private"),
            "networks, as in \"10.20.0.0/16\"",
        );
        let root_certificates = section.roots(checks, &path("root_certificates"));
        Some(MetadataDocuments {
            trust: trust?,
            max_size: max_size?,
            allow_private: allow_private?,
            allow_ports: section.allow_ports.clone(),
            root_certificates: root_certificates?,
        })
    }
}

impl MetadataDocumentsSection {
    fn roots(&self, checks: &mut Checks<'_>, path: &KeyPath) -> Option<Vec<u8>> {
        let Some(file) = &self.root_certificates else {
            return Some(Vec::new());
        };
        checks.note_file(file);
        let read = std::fs::read(file).ok();
        checks.require(read, path, "a file that can be read")
    }
}

impl Trust {
    pub(super) fn resolve(&self, checks: &mut Checks<'_>, path: &KeyPath) -> Option<DocumentTrust> {
        match self {
            Self::Word(TrustWord::Any) => Some(DocumentTrust::Any),
            Self::Word(TrustWord::Off) => Some(DocumentTrust::Off),
            Self::Prefixes(prefixes) => {
                // In its normal form a URL has a slash after its host, so that no prefix ends
                // within the name of a host.
                let normal = |prefix: &String| {
                    prefix.starts_with("https://")
                        && Url::parse(prefix).is_ok_and(|url| url.as_str() == prefix)
                };
                let all = prefixes.iter().all(normal).then(|| prefixes.clone());
                let expected = "https URLs, as in \"https://claude.ai/\"";
                checks
                    .require(all, path, expected)
                    .map(DocumentTrust::Prefixes)
            }
        }
    }
}
