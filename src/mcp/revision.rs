//! The revisions of MCP and which of them a request speaks (2026-07-28 basic/versioning).

use serde_json::{Map, Value};

use super::capabilities::CLIENT_CAPABILITIES;
use super::error::Fault;

/// A revision of the protocol; a later one is greater.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Revision {
    /// Without batches; `initialize` opens a conversation.
    V2025_06_18,
    /// The last one that `initialize` opens.
    V2025_11_25,
    /// Stateless: every request says in `_meta` what it speaks.
    V2026_07_28,
}

/// The key of `_meta` that names the revision (2026-07-28 basic/index, `_meta`).
pub(super) const PROTOCOL_VERSION: &str = "io.modelcontextprotocol/protocolVersion";

impl Revision {
    /// All that are spoken here, newest first, as clients are told.
    pub const SUPPORTED: [Self; 3] = [Self::V2026_07_28, Self::V2025_11_25, Self::V2025_06_18];

    /// The newest one.
    pub const LATEST: Self = Self::V2026_07_28;

    /// What `initialize` offers to those who ask for something else.
    pub const LATEST_LEGACY: Self = Self::V2025_11_25;

    /// What a client speaks that has not said so. 2025-11-25 basic/transports would have it be
    /// 2025-03-26; that one is not spoken here, and the oldest one that is differs only in batches.
    pub const UNDECLARED: Self = Self::V2025_06_18;

    /// The name on the wire.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::V2025_06_18 => "2025-06-18",
            Self::V2025_11_25 => "2025-11-25",
            Self::V2026_07_28 => "2026-07-28",
        }
    }

    /// True for the stateless revisions, in which every request carries its own metadata.
    #[must_use]
    pub fn is_modern(self) -> bool {
        self >= Self::V2026_07_28
    }

    /// The revision of that name.
    pub(super) fn named(name: &str) -> Result<Self, Fault> {
        Self::SUPPORTED
            .into_iter()
            .find(|revision| revision.name() == name)
            .ok_or_else(|| Fault::UnsupportedProtocolVersion {
                requested: name.to_owned(),
            })
    }

    /// The revision that `initialize` settles on (2025-11-25 basic/lifecycle, version negotiation):
    /// the one asked for where `initialize` can open it, else the latest that it can.
    pub(super) fn negotiated(params: &Map<String, Value>) -> Result<Self, Fault> {
        let requested = params
            .get("protocolVersion")
            .and_then(Value::as_str)
            .ok_or(Fault::InvalidParams("protocolVersion is missing".into()))?;
        Ok(Self::named(requested)
            .ok()
            .filter(|revision| !revision.is_modern())
            .unwrap_or(Self::LATEST_LEGACY))
    }

    /// The revision of a request: what its `_meta` declares, else what `header` says, else
    /// `otherwise`. Where `_meta` and `header` both speak they must agree.
    pub(super) fn of(
        params: &Map<String, Value>,
        header: Option<&str>,
        otherwise: Self,
    ) -> Result<Self, Fault> {
        let meta = meta(params)?;
        let declared = match meta.and_then(|meta| meta.get(PROTOCOL_VERSION)) {
            None => None,
            Some(version) => Some(version.as_str().ok_or(Fault::BadMeta(PROTOCOL_VERSION))?),
        };
        if declared.is_some() && header.is_some() && declared != header {
            return Err(Fault::HeaderMismatch("MCP-Protocol-Version"));
        }
        let revision = declared.or(header).map_or(Ok(otherwise), Self::named)?;
        if revision.is_modern() {
            check_meta(meta, declared)?;
        }
        Ok(revision)
    }
}

/// The `_meta` of `params`, where there is one.
pub(super) fn meta(params: &Map<String, Value>) -> Result<Option<&Map<String, Value>>, Fault> {
    match params.get("_meta") {
        None => Ok(None),
        Some(meta) => meta.as_object().map(Some).ok_or(Fault::BadMeta("_meta")),
    }
}

/// 2026-07-28 basic/index: a request without a required field of `_meta` is malformed.
fn check_meta(meta: Option<&Map<String, Value>>, declared: Option<&str>) -> Result<(), Fault> {
    if declared.is_none() {
        return Err(Fault::BadMeta(PROTOCOL_VERSION));
    }
    let capabilities = meta.and_then(|meta| meta.get(CLIENT_CAPABILITIES));
    if capabilities.is_some_and(Value::is_object) {
        Ok(())
    } else {
        Err(Fault::BadMeta(CLIENT_CAPABILITIES))
    }
}
