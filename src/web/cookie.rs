//! The cookies of tenants' pages and of the console (RFC 6265bis §4.1.3: the `__Host-` prefix).

use std::time::Duration;

use http::header::COOKIE;
use http::{HeaderMap, HeaderValue};

use crate::model::{Secret, Tenant};

/// One cookie by name. Tenants may share an origin, so their slug is part of the name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cookie {
    name: String,
    secure: bool,
    same_site: &'static str,
}

impl Cookie {
    /// The cookie of `tenant` for one `purpose`.
    #[must_use]
    pub fn of(tenant: &Tenant, purpose: &str) -> Self {
        // Plain http happens on loopback only, where browsers take neither prefix nor `Secure`.
        let secure = tenant.public_url.is_https();
        let prefix = if secure { "__Host-" } else { "" };
        Self {
            name: format!("{prefix}gatehouse-{}-{purpose}", tenant.slug),
            secure,
            // A client sends people here from its own page.
            same_site: "Lax",
        }
    }

    /// The cookie of the operators' console for one `purpose`. Nothing of another site leads there.
    #[must_use]
    pub fn of_console(is_https: bool, purpose: &str) -> Self {
        let prefix = if is_https { "__Host-" } else { "" };
        Self {
            name: format!("{prefix}gatehouse-console-{purpose}"),
            secure: is_https,
            same_site: "Strict",
        }
    }

    /// The value that the browser sent.
    #[must_use]
    pub fn read(&self, headers: &HeaderMap) -> Option<Secret> {
        let lines = headers.get_all(COOKIE).into_iter();
        let mut pairs = lines
            .filter_map(|line| line.to_str().ok())
            .flat_map(|line| line.split(';'))
            .filter_map(|pair| pair.trim().split_once('='));
        pairs
            .find(|(name, value)| *name == self.name && !value.is_empty())
            .map(|(_, value)| Secret::new(value.to_owned()))
    }

    /// The `Set-Cookie` header that stores `value` for `lifetime`.
    #[must_use]
    pub fn set(&self, value: &Secret, lifetime: Duration) -> Option<HeaderValue> {
        let mut header = HeaderValue::try_from(format!(
            "{}={}; Path=/; HttpOnly; SameSite={}; Max-Age={}{}",
            self.name,
            value.expose(),
            self.same_site,
            lifetime.as_secs(),
            if self.secure { "; Secure" } else { "" },
        ))
        .ok()?;
        header.set_sensitive(true);
        Some(header)
    }

    /// The `Set-Cookie` header that removes the cookie.
    #[must_use]
    pub fn clear(&self) -> Option<HeaderValue> {
        self.set(&Secret::new(String::new()), Duration::ZERO)
    }
}
