//! Station: finds the tenant that a request is for, by host and path.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::Response;
use http::header::HOST;
use http::uri::PathAndQuery;
use http::{StatusCode, Uri};

use crate::model::Tenant;
use crate::web;

/// The tenants of this gateway.
#[derive(Debug)]
pub struct Tenants(Vec<Arc<Tenant>>);

/// A tenant, and the path below its public URL. A well-known path counts as below it, wherever
/// the tenant's own path stands in it (RFC 8414 §3.1, RFC 9728 §3.1).
#[derive(Debug, PartialEq, Eq)]
struct Located {
    tenant: Arc<Tenant>,
    path: String,
}

/// Why there is no tenant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Lost {
    Host,
    Path,
}

const WELL_KNOWN: &str = "/.well-known/";

impl Tenants {
    /// The directory of these tenants.
    #[must_use]
    pub fn new(tenants: Vec<Arc<Tenant>>) -> Self {
        Self(tenants)
    }

    fn locate(&self, host: &str, path: &str) -> Result<Located, Lost> {
        let mut on_host = self
            .0
            .iter()
            .filter(|tenant| tenant.public_url.host() == host)
            .peekable();
        on_host.peek().ok_or(Lost::Host)?;
        // `/.well-known/name` comes before the tenant's path, everything else after it.
        let name_end = path.strip_prefix(WELL_KNOWN).map_or(0, |rest| {
            WELL_KNOWN.len() + rest.find('/').unwrap_or(rest.len())
        });
        let (well_known, below_origin) = path.split_at_checked(name_end).ok_or(Lost::Path)?;
        on_host
            .filter_map(|tenant| {
                let own = tenant.public_url.path();
                let rest = below_origin.strip_prefix(own)?;
                let whole_segment = rest.is_empty() || rest.starts_with('/');
                whole_segment.then(|| (own.len(), tenant, format!("{well_known}{rest}")))
            })
            .max_by_key(|(length, ..)| *length)
            .map(|(_, tenant, path)| Located {
                tenant: Arc::clone(tenant),
                path,
            })
            .ok_or(Lost::Path)
    }
}

/// Adds the tenant, and makes the path relative to its public URL.
pub async fn station(
    State(tenants): State<Arc<Tenants>>,
    mut request: Request,
    next: Next,
) -> Response {
    if is_probe(request.uri().path()) {
        return next.run(request).await;
    }
    // RFC 9110 §7.2: HTTP/2 carries the host as `:authority`.
    let host = request
        .uri()
        .authority()
        .map(http::uri::Authority::as_str)
        .or_else(|| {
            request
                .headers()
                .get(HOST)
                .and_then(|value| value.to_str().ok())
        })
        .unwrap_or_default()
        .to_ascii_lowercase();
    let located = match tenants.locate(&host, request.uri().path()) {
        Ok(located) => located,
        Err(lost) => return lost.into_response(),
    };
    if let Some(uri) = with_path(request.uri(), &located.path) {
        *request.uri_mut() = uri;
    }
    request.extensions_mut().insert(located.tenant);
    next.run(request).await
}

/// Probes come from the platform, by whatever address it knows.
fn is_probe(path: &str) -> bool {
    matches!(path, "/livez" | "/readyz" | "/startupz" | "/mcp/health")
}

fn with_path(uri: &Uri, path: &str) -> Option<Uri> {
    let path = if path.is_empty() { "/" } else { path };
    let path_and_query = match uri.query() {
        Some(query) => PathAndQuery::try_from(format!("{path}?{query}")).ok()?,
        None => PathAndQuery::try_from(path).ok()?,
    };
    let mut parts = uri.clone().into_parts();
    parts.path_and_query = Some(path_and_query);
    Uri::from_parts(parts).ok()
}

impl Lost {
    fn into_response(self) -> Response {
        let (status, description) = match self {
            // The host that was asked for is not repeated: it is the caller's text.
            Self::Host => (
                StatusCode::MISDIRECTED_REQUEST,
                "This gateway is not served under that host name: use its public URL",
            ),
            Self::Path => (StatusCode::NOT_FOUND, "There is nothing at this address"),
        };
        web::json_error(status, "not_found", description)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::model::TenantSlug;

    fn tenants() -> Tenants {
        let tenant = |slug: &str, url: &str| {
            let slug: TenantSlug = slug.parse().unwrap();
            Arc::new(Tenant::new(slug, url.parse().unwrap(), BTreeMap::new()))
        };
        Tenants::new(vec![
            tenant("root", "https://mcp.example.com"),
            tenant("acme", "https://mcp.example.com/t/acme"),
            tenant("other", "https://other.example.com"),
        ])
    }

    fn located(host: &str, path: &str) -> Result<(String, String), Lost> {
        tenants()
            .locate(host, path)
            .map(|found| (found.tenant.slug.to_string(), found.path))
    }

    #[test]
    fn the_longest_path_wins_and_is_taken_off() {
        let found = |slug: &str, path: &str| Ok((slug.to_owned(), path.to_owned()));
        assert_eq!(located("mcp.example.com", "/mcp"), found("root", "/mcp"));
        assert_eq!(
            located("mcp.example.com", "/t/acme/mcp"),
            found("acme", "/mcp")
        );
        assert_eq!(
            located("mcp.example.com", "/t/acmeevil/mcp"),
            found("root", "/t/acmeevil/mcp")
        );
        assert_eq!(located("other.example.com", "/mcp"), found("other", "/mcp"));
    }

    #[test]
    fn a_well_known_path_has_the_tenants_path_inside() {
        let found = |slug: &str, path: &str| Ok((slug.to_owned(), path.to_owned()));
        assert_eq!(
            located(
                "mcp.example.com",
                "/.well-known/oauth-protected-resource/t/acme/mcp"
            ),
            found("acme", "/.well-known/oauth-protected-resource/mcp")
        );
        assert_eq!(
            located("mcp.example.com", "/.well-known/oauth-authorization-server"),
            found("root", "/.well-known/oauth-authorization-server")
        );
        assert_eq!(
            located(
                "mcp.example.com",
                "/t/acme/.well-known/openid-configuration"
            ),
            found("acme", "/.well-known/openid-configuration")
        );
    }

    #[test]
    fn e01_an_unknown_host_reaches_no_tenant() {
        assert_eq!(located("evil.example", "/mcp"), Err(Lost::Host));
    }
}
