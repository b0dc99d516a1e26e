//! Where every tenant is: one look-up for each segment of a path, however many tenants there are.

use std::collections::HashMap;

use crate::model::{ListedTenant, PublicUrl, Tenant, TenantSlug};

/// The addresses of all active tenants.
#[derive(Debug, Default)]
pub(super) struct Addresses {
    /// By host and path. A host without a tenant of its own is there as well, to tell an unknown
    /// host from an unknown path.
    by_place: HashMap<Box<str>, Option<Entry>>,
    /// How many segments the longest path has: no request is looked at beyond that.
    depth: usize,
}

#[derive(Debug)]
struct Entry {
    slug: TenantSlug,
    version: i64,
}

/// A tenant, and the path below its public URL. A well-known path counts as below it, wherever
/// the tenant's own path stands in it (RFC 8414 §3.1, RFC 9728 §3.1).
#[derive(Debug, PartialEq, Eq)]
pub struct Located {
    /// The tenant.
    pub slug: TenantSlug,
    /// The path.
    pub path: String,
}

/// Why there is no tenant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lost {
    /// None is at that host.
    Host,
    /// There are some, but none at that path.
    Path,
}

const WELL_KNOWN: &str = "/.well-known/";

impl Addresses {
    pub(super) fn new(tenants: &[ListedTenant]) -> Self {
        let mut by_place = HashMap::with_capacity(tenants.len());
        let mut depth = 0;
        for tenant in tenants.iter().filter(|tenant| tenant.active) {
            let url = &tenant.public_url;
            depth = depth.max(url.path().matches('/').count());
            by_place.entry(url.host().into()).or_insert(None);
            let entry = Entry {
                slug: tenant.slug.clone(),
                version: tenant.version,
            };
            by_place.insert(place(url), Some(entry));
        }
        Self { by_place, depth }
    }

    /// The tenant with the longest path that the request's path begins with, by whole segments.
    pub(super) fn locate(&self, host: &str, path: &str) -> Result<Located, Lost> {
        if !self.by_place.contains_key(host) {
            return Err(Lost::Host);
        }
        // `/.well-known/name` comes before the tenant's path, everything else after it.
        let name_end = path.strip_prefix(WELL_KNOWN).map_or(0, |rest| {
            WELL_KNOWN.len() + rest.find('/').unwrap_or(rest.len())
        });
        let (well_known, below_origin) = path.split_at_checked(name_end).ok_or(Lost::Path)?;
        let ends = below_origin
            .match_indices('/')
            .map(|(at, _)| at)
            .chain([below_origin.len()])
            .take(self.depth + 1);
        let mut place = host.to_owned();
        let mut found = None;
        for end in ends {
            let (Some(own), Some(rest)) = (below_origin.get(..end), below_origin.get(end..)) else {
                continue;
            };
            place.truncate(host.len());
            place.push_str(own);
            if let Some(Some(entry)) = self.by_place.get(place.as_str()) {
                found = Some((entry, rest));
            }
        }
        let (entry, rest) = found.ok_or(Lost::Path)?;
        Ok(Located {
            slug: entry.slug.clone(),
            path: format!("{well_known}{rest}"),
        })
    }

    /// The version of the tenant's row, if the tenant still is where it was.
    pub(super) fn version_of(&self, tenant: &Tenant) -> Option<i64> {
        let entry = self.by_place.get(&place(&tenant.public_url))?.as_ref()?;
        (entry.slug == tenant.slug).then_some(entry.version)
    }
}

fn place(url: &PublicUrl) -> Box<str> {
    format!("{}{}", url.host(), url.path()).into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{TenantOrigin, Timestamp};

    fn addresses() -> Addresses {
        let tenant = |slug: &str, url: &str| ListedTenant {
            slug: slug.parse().unwrap(),
            public_url: url.parse().unwrap(),
            origin: TenantOrigin::File,
            active: slug != "gone",
            version: 1,
            changed_at: Timestamp::from_seconds(0),
        };
        Addresses::new(&[
            tenant("root", "https://mcp.example.com"),
            tenant("acme", "https://mcp.example.com/t/acme"),
            tenant("other", "https://other.example.com"),
            tenant("below", "https://paths.example.com/below"),
            tenant("gone", "https://gone.example.com"),
        ])
    }

    fn located(host: &str, path: &str) -> Result<(String, String), Lost> {
        addresses()
            .locate(host, path)
            .map(|found| (found.slug.to_string(), found.path))
    }

    fn found(slug: &str, path: &str) -> (String, String) {
        (slug.to_owned(), path.to_owned())
    }

    #[test]
    fn the_longest_path_wins_and_is_taken_off() {
        let host = "mcp.example.com";
        assert_eq!(located(host, "/mcp"), Ok(found("root", "/mcp")));
        assert_eq!(located(host, ""), Ok(found("root", "")));
        assert_eq!(located(host, "/t/acme/mcp"), Ok(found("acme", "/mcp")));
        assert_eq!(located(host, "/t/acme"), Ok(found("acme", "")));
        let other = "/t/acmeevil/mcp";
        assert_eq!(located(host, other), Ok(found("root", other)));
        assert_eq!(
            located(host, "//t/acme/mcp"),
            Ok(found("root", "//t/acme/mcp"))
        );
        assert_eq!(
            located("other.example.com", "/mcp"),
            Ok(found("other", "/mcp"))
        );
    }

    #[test]
    fn a_well_known_path_has_the_tenants_path_inside() {
        let host = "mcp.example.com";
        assert_eq!(
            located(host, "/.well-known/oauth-protected-resource/t/acme/mcp"),
            Ok(found("acme", "/.well-known/oauth-protected-resource/mcp"))
        );
        assert_eq!(
            located(host, "/.well-known/oauth-authorization-server"),
            Ok(found("root", "/.well-known/oauth-authorization-server"))
        );
        assert_eq!(
            located(host, "/t/acme/.well-known/openid-configuration"),
            Ok(found("acme", "/.well-known/openid-configuration"))
        );
    }

    #[test]
    fn e01_an_unknown_host_reaches_no_tenant() {
        assert_eq!(located("evil.example", "/mcp"), Err(Lost::Host));
        assert_eq!(located("gone.example.com", "/mcp"), Err(Lost::Host));
        assert_eq!(located("paths.example.com", "/mcp"), Err(Lost::Path));
    }
}
