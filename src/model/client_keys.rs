//! The keys by which a client signs its assertions (RFC 7591 §2).

/// Where the public keys of a client are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ClientKeys {
    /// In its metadata: a JWK Set (RFC 7517 §5), as JSON.
    Inline(String),
    /// At an address that the client named; untrusted.
    Uri(String),
}
