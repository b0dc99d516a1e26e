//! Tenants as the database keeps them.

use super::{PublicUrl, TenantSlug, Timestamp};

/// What is said about a tenant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredTenant {
    /// Its short name.
    pub slug: TenantSlug,
    /// Its address.
    pub public_url: PublicUrl,
    /// Everything else that is said about it, as a JSON document of the configuration's form.
    pub settings: String,
    /// Who said so.
    pub origin: TenantOrigin,
}

/// A tenant in a list of all.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListedTenant {
    /// Its short name.
    pub slug: TenantSlug,
    /// Its address.
    pub public_url: PublicUrl,
    /// Who added it.
    pub origin: TenantOrigin,
    /// False for a tenant that is no longer in the configuration file.
    pub active: bool,
    /// Higher than that of every change before.
    pub version: i64,
    /// When it was last changed, by the clock of the database.
    pub changed_at: Timestamp,
}

/// Who added a tenant, and may change it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TenantOrigin {
    /// The configuration file.
    File,
    /// An operator.
    Operator,
}

impl TenantOrigin {
    /// The word for it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::File => "file",
            Self::Operator => "operator",
        }
    }

    /// What the word means.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        [Self::File, Self::Operator]
            .into_iter()
            .find(|origin| origin.as_str() == name)
    }
}
