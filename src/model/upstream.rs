//! MCP servers that a tenant has mounted behind the gate, as operators describe them.

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use http::header::AUTHORIZATION;
use http::{HeaderName, HeaderValue};
use ipnet::IpNet;
use url::Url;

use super::{ApiDescription, Digest, MountPrefix, ScopeSet, Secret, ToolChanges};

/// The mounted servers of a tenant.
#[derive(Clone, Debug)]
pub struct Upstreams {
    /// Each of them, in the order of their listings.
    pub all: Vec<Upstream>,
    /// Differs from that of all other descriptions.
    pub fingerprint: Digest,
}

/// A mounted server.
#[derive(Clone, Debug)]
pub struct Upstream {
    /// Its name among the servers of the tenant.
    pub name: String,
    /// What its names and URIs begin with.
    pub prefix: MountPrefix,
    /// Where it is.
    pub place: UpstreamPlace,
    /// How the gateway shows who it is.
    pub credentials: UpstreamCredentials,
    /// What everything of it asks of its callers.
    pub scopes: ScopeSet,
    /// How much of the gateway it may use.
    pub limits: UpstreamLimits,
    /// What becomes of tools that are not what was approved.
    pub tool_changes: ToolChanges,
    /// Differs from that of every other description, secrets included.
    pub fingerprint: Digest,
}

/// Where a server is.
#[derive(Clone, Debug)]
pub enum UpstreamPlace {
    /// At an address, over Streamable HTTP.
    Address(UpstreamAddress),
    /// In a child process of the gateway, over standard streams.
    Process(UpstreamProcess),
    /// At an address as well, but it is an HTTP API, which an OpenAPI document describes.
    Api(UpstreamAddress, ApiDocument),
}

/// The description of an API.
#[derive(Clone, Debug)]
pub enum ApiDocument {
    /// It was read with the configuration.
    Here(Arc<ApiDescription>),
    /// It is at an address, for which the same networks hold.
    Address(Url),
}

/// An address.
#[derive(Clone, Debug)]
pub struct UpstreamAddress {
    /// The URL of the endpoint.
    pub url: Url,
    /// Networks that may be reached although they are not public. Plain http goes there only.
    pub allow_private: Vec<IpNet>,
}

/// How a process is started.
#[derive(Clone, Debug)]
pub struct UpstreamProcess {
    /// The program and its arguments.
    pub command: Vec<String>,
    /// All that is in its environment.
    pub environment: BTreeMap<String, Secret>,
    /// Where it runs; a folder of its own where none is named.
    pub folder: Option<PathBuf>,
}

/// How the gateway shows an upstream server who it is. What a client sent never does.
#[derive(Clone, Debug)]
pub enum UpstreamCredentials {
    /// It doesn't.
    None,
    /// By a header: a bearer token (RFC 6750 §2.1), or one that the server is said to read.
    Header(HeaderName, SecretHeader),
    /// By a token that the gateway gets for itself (RFC 6749 §4.4).
    ClientCredentials(Box<ClientCredentials>),
    /// By a token of the person who calls, who linked their account there.
    User(Box<UserCredentials>),
}

/// A header's value that is never shown.
#[derive(Clone, PartialEq, Eq)]
pub struct SecretHeader(HeaderValue);

/// How the gateway gets a token for itself.
#[derive(Clone, Debug)]
pub struct ClientCredentials {
    /// The token endpoint of the upstream's authorization server.
    pub token_endpoint: Url,
    /// The gateway's identifier there.
    pub client_id: String,
    /// Its secret.
    pub client_secret: Secret,
    /// What the token is to be good for.
    pub scopes: Vec<String>,
    /// The resource that the token is to be good at (RFC 8707 §2).
    pub resource: Option<String>,
}

/// How people link their accounts at a server.
#[derive(Clone, Debug)]
pub struct UserCredentials {
    /// Its authorization server; the one that the server names where this says nothing.
    pub issuer: Option<String>,
    /// The gateway's client there, and its secret; where there is none, the gateway registers one.
    pub client: Option<(String, Option<Secret>)>,
    /// What the tokens are to be good for; what the server says where this says nothing.
    pub scopes: Vec<String>,
}

/// A server where people link accounts of their own.
#[derive(Clone, Copy, Debug)]
pub struct Linkable<'a> {
    /// Its name among the servers of the tenant.
    pub server: &'a str,
    /// Where it is.
    pub address: &'a UpstreamAddress,
    /// How accounts are linked.
    pub credentials: &'a UserCredentials,
}

/// How much of the gateway a server may use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UpstreamLimits {
    /// How long it may be silent about a request.
    pub deadline: Duration,
    /// How many bytes an answer may have, with all that is told before it.
    pub max_response: usize,
    /// How many requests may wait for it.
    pub max_concurrent: usize,
}

impl Upstreams {
    /// These servers.
    #[must_use]
    pub fn new(all: Vec<Upstream>) -> Self {
        let fingerprints: Vec<u8> = all
            .iter()
            .flat_map(|server| *server.fingerprint.as_bytes())
            .collect();
        Self {
            fingerprint: Digest::of(&fingerprints),
            all,
        }
    }
}

impl Upstreams {
    /// The servers where people link accounts of their own.
    pub fn linkable(&self) -> impl Iterator<Item = Linkable<'_>> {
        self.all.iter().filter_map(Upstream::linkable)
    }
}

impl Upstream {
    /// How accounts are linked there, where people link accounts of their own.
    #[must_use]
    pub fn linkable(&self) -> Option<Linkable<'_>> {
        match (&self.place, &self.credentials) {
            (
                UpstreamPlace::Address(address) | UpstreamPlace::Api(address, _),
                UpstreamCredentials::User(user),
            ) => Some(Linkable {
                server: &self.name,
                address,
                credentials: user,
            }),
            _ => None,
        }
    }
}

impl UpstreamCredentials {
    /// The header that they are in.
    #[must_use]
    pub fn header(&self) -> Option<HeaderName> {
        match self {
            Self::None => None,
            Self::Header(name, _) => Some(name.clone()),
            Self::ClientCredentials(_) | Self::User(_) => Some(AUTHORIZATION),
        }
    }
}

impl Default for Upstreams {
    fn default() -> Self {
        Self::new(Vec::new())
    }
}

impl SecretHeader {
    /// The value; none when it can't be one of a header.
    #[must_use]
    pub fn new(text: &str) -> Option<Self> {
        let mut value = HeaderValue::from_str(text).ok()?;
        value.set_sensitive(true);
        Some(Self(value))
    }

    /// The value itself, for the request.
    #[must_use]
    pub fn expose(&self) -> &HeaderValue {
        &self.0
    }
}

impl fmt::Debug for SecretHeader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretHeader(…)")
    }
}

impl Default for UpstreamLimits {
    fn default() -> Self {
        Self {
            deadline: Duration::from_mins(1),
            max_response: 4 * 1024 * 1024,
            max_concurrent: 64,
        }
    }
}
