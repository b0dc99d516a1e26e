//! `[[tenants]]`: the tenants of the configuration file, `default` among them.

use std::collections::BTreeSet;

use super::checks::Checks;
use super::problem::KeyPath;
use super::tenant_document::{TenantEntry, TenantRules, TenantSettings};
use crate::model::{PublicUrl, Tenant, TenantSlug};

/// A tenant of the configuration file.
#[derive(Clone, Debug)]
pub struct FileTenant {
    /// Its short name.
    pub slug: TenantSlug,
    /// Its address; none for the default tenant, whose address `[server]` says.
    pub public_url: Option<PublicUrl>,
    /// Everything else.
    pub settings: TenantSettings,
}

/// First segments of what every tenant has below its public URL, and of what the origin has. A
/// tenant with one of them in its path would take it from the tenant above it.
const RESERVED: &[&str] = &[
    ".well-known",
    "account",
    "admin",
    "authorize",
    "consent",
    "introspect",
    "jwks",
    "livez",
    "login",
    "logo",
    "logout",
    "mcp",
    "metrics",
    "par",
    "readyz",
    "register",
    "revoke",
    "scim",
    "startupz",
    "token",
];

/// The part of the tenant's path that is one of Gatehouse's own addresses.
#[must_use]
pub fn reserved_segment(public_url: &PublicUrl) -> Option<&str> {
    public_url
        .path()
        .split('/')
        .find(|segment| RESERVED.contains(segment))
}

impl FileTenant {
    /// The tenant, where the default one is at `default_url`.
    #[must_use]
    pub fn at(&self, default_url: &PublicUrl) -> Tenant {
        let public_url = self.public_url.as_ref().unwrap_or(default_url);
        self.settings.tenant(self.slug.clone(), public_url.clone())
    }
}

/// The tenants: `default` first, whether it is in the file or not, then the others as they come.
pub(super) fn resolve(
    entries: &[TenantEntry],
    default_url: Option<&PublicUrl>,
    rules: &TenantRules,
    checks: &mut Checks<'_>,
) -> Option<Vec<FileTenant>> {
    let mut slugs = BTreeSet::new();
    let mut addresses: BTreeSet<String> = default_url.map(address).into_iter().collect();
    let mut tenants = Vec::new();
    for (position, entry) in entries.iter().enumerate() {
        let path = KeyPath::of(["tenants"]).join(position);
        let slug = slug(entry, &mut slugs, checks, &path.join("slug"));
        let is_default = slug.as_ref() == Some(&TenantSlug::default());
        let place = path.join("public_url");
        let public_url = if is_default {
            no_address(entry, checks, &place).map(|()| None)
        } else {
            public_url(entry, &mut addresses, checks, &place).map(Some)
        };
        let settings = entry.resolve(rules, checks, &path);
        tenants.push(
            slug.zip(public_url)
                .zip(settings)
                .map(|((slug, public_url), settings)| FileTenant {
                    slug,
                    public_url,
                    settings,
                }),
        );
    }
    let mut tenants: Vec<FileTenant> = tenants.into_iter().collect::<Option<_>>()?;
    if !slugs.contains(TenantSlug::DEFAULT) {
        tenants.push(FileTenant {
            slug: TenantSlug::default(),
            public_url: None,
            settings: TenantEntry::default().resolve(rules, checks, &KeyPath::of(["tenants"]))?,
        });
    }
    // The sort is stable: the others keep their order.
    tenants.sort_by_key(|tenant| tenant.slug != TenantSlug::default());
    Some(tenants)
}

fn slug<'a>(
    entry: &'a TenantEntry,
    seen: &mut BTreeSet<&'a str>,
    checks: &mut Checks<'_>,
    path: &KeyPath,
) -> Option<TenantSlug> {
    let text = entry.slug.as_deref().unwrap_or_default();
    let expected = "1 to 63 characters of a-z, 0-9 and '-', a letter or digit first";
    let slug = checks.require(text.parse().ok(), path, expected)?;
    let is_first = seen.insert(text);
    checks.require(
        is_first.then_some(slug),
        path,
        "a slug that no other tenant has",
    )
}

fn no_address(entry: &TenantEntry, checks: &mut Checks<'_>, path: &KeyPath) -> Option<()> {
    let none = entry.public_url.is_none().then_some(());
    let expected = "no address here: server.public_url is that of the default tenant";
    checks.require(none, path, expected)
}

fn public_url(
    entry: &TenantEntry,
    seen: &mut BTreeSet<String>,
    checks: &mut Checks<'_>,
    path: &KeyPath,
) -> Option<PublicUrl> {
    let text = entry.public_url.as_deref().unwrap_or_default();
    let expected = "an https URL (http on a loopback host only) without query, fragment or \
                    trailing slash, as in \"https://mcp.example.com/t/acme\"";
    let url: PublicUrl = checks.require(text.parse().ok(), path, expected)?;
    check_reserved(&url, checks, path)?;
    let is_first = seen.insert(address(&url));
    let expected = "an address that no other tenant has";
    checks.require(is_first.then_some(url), path, expected)
}

/// Refuses a path that would take an address of Gatehouse from the tenant above.
pub(super) fn check_reserved(
    url: &PublicUrl,
    checks: &mut Checks<'_>,
    path: &KeyPath,
) -> Option<()> {
    let Some(segment) = reserved_segment(url) else {
        return Some(());
    };
    let expected = format!("a path without {segment:?}, which is one of Gatehouse's own addresses");
    checks.refuse(path, expected);
    None
}

/// What requests are told apart by: they don't say whether they came by https.
fn address(url: &PublicUrl) -> String {
    format!("{}{}", url.host(), url.path())
}
