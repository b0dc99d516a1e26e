//! `[server]`: where Gatehouse listens, and the address that clients know it by.

use std::net::SocketAddr;
use std::time::Duration;

use ipnet::IpNet;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use url::Url;

use super::checks::{Checks, web_address};
use super::problem::KeyPath;
use super::tenants::check_reserved;
use crate::model::PublicUrl;

/// Where Gatehouse listens, and the address that clients know it by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Server {
    /// The address and port to listen on.
    pub listen: SocketAddr,
    /// The address of the default tenant. None only where `listen` is a loopback address; there
    /// it follows from the port that was bound.
    pub public_url: Option<PublicUrl>,
    /// The address and port that operators are served at; none where they are not.
    pub admin_listen: Option<SocketAddr>,
    /// The address that operators reach the console by, where that is not `admin_listen` itself.
    pub admin_url: Option<PublicUrl>,
    /// Who may say for whom a request is forwarded.
    pub trusted_proxies: Vec<IpNet>,
    /// Where they say it.
    pub forwarded_header: ForwardingHeader,
    /// Browser origins that may call, beside the known ones.
    pub allowed_origins: Vec<String>,
    /// For how long open requests may go on once the process takes no new ones.
    pub drain: Duration,
}

/// The header in which proxies write whom they forward a request for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[schemars(inline)]
pub enum ForwardingHeader {
    /// `X-Forwarded-For`, as most do.
    #[default]
    XForwardedFor,
    /// `Forwarded` (RFC 7239).
    Forwarded,
}

/// Where Gatehouse listens, and the address that clients know it by.
#[derive(Debug, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(super) struct ServerSection {
    /// The IP address and port to listen on. The variable PORT, as platforms set it, stands for
    /// `0.0.0.0:PORT`.
    listen: String,
    /// The address that clients reach Gatehouse by: https, or http on this machine. It is the
    /// issuer of every token, so it is never taken from a request. It may be left out when
    /// `listen` is a loopback address.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "String")]
    public_url: Option<String>,
    /// The IP address and port for operators: console, admin API, probes. Nothing of it is served
    /// anywhere else. Empty, and there is none of it.
    admin_listen: String,
    /// The https address that operators reach the console by. It may be left out when
    /// `admin_listen` is a loopback address.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "String")]
    admin_url: Option<String>,
    /// Networks of the proxies in front of Gatehouse, as in "10.0.0.0/8". Of others, nobody believes
    /// for whom they forward a request: the address that connects is the client's.
    trusted_proxies: Vec<String>,
    /// Where these proxies write for whom they forward. The other header is never looked at: it may
    /// be the client's own.
    forwarded_header: ForwardingHeader,
    /// Browser origins that may call, beside the built-in list of known clients.
    allowed_origins: Vec<String>,
    /// For how long open requests may go on at the end of the process, two seconds after it was told
    /// to stop. Both together are less than the platform waits before it kills.
    drain: String,
}

impl Server {
    /// The address of the default tenant: the configured one, or the loopback address that was
    /// bound.
    #[must_use]
    pub fn public_url_at(&self, bound: SocketAddr) -> Option<PublicUrl> {
        let derived = || {
            // A URL leaves out the port that its scheme implies (RFC 3986 §6.2.3).
            let authority = bound.to_string();
            let host = authority.strip_suffix(":80").unwrap_or(&authority);
            format!("http://{host}").parse().ok()
        };
        self.public_url.clone().or_else(derived)
    }
}

impl Default for ServerSection {
    fn default() -> Self {
        Self {
            listen: "127.0.0.1:8080".to_owned(),
            public_url: None,
            admin_listen: "127.0.0.1:9090".to_owned(),
            admin_url: None,
            trusted_proxies: Vec::new(),
            forwarded_header: ForwardingHeader::default(),
            allowed_origins: Vec::new(),
            drain: "20s".to_owned(),
        }
    }
}

impl ServerSection {
    pub(super) fn resolve(&self, checks: &mut Checks<'_>) -> Option<Server> {
        let path = |key| KeyPath::of(["server", key]);
        let listen = checks.require(
            self.listen.parse().ok(),
            &path("listen"),
            "an IP address and a port, as in \"127.0.0.1:8080\"",
        );
        self.check_origins(checks, &path("allowed_origins"));
        let public_url = self.public_url(checks, &path("public_url"), listen);
        let trusted_proxies = self.proxies(checks, &path("trusted_proxies"));
        let admin_listen = self.admin_listen(checks, &path("admin_listen"), listen);
        let admin_url = self.admin_url(checks, &path("admin_url"), admin_listen);
        let drain = checks.duration(&path("drain"), &self.drain, ("1s", "1h"));
        Some(Server {
            drain: drain?,
            listen: listen?,
            public_url,
            admin_listen,
            admin_url,
            trusted_proxies,
            forwarded_header: self.forwarded_header,
            allowed_origins: self.allowed_origins.clone(),
        })
    }

    fn public_url(
        &self,
        checks: &mut Checks<'_>,
        path: &KeyPath,
        listen: Option<SocketAddr>,
    ) -> Option<PublicUrl> {
        if let Some(text) = &self.public_url {
            let expected = "an https URL (http on a loopback host only) without query, fragment \
                            or trailing slash, as in \"https://mcp.example.com\"";
            let url = checks.require(text.parse().ok(), path, expected)?;
            return check_reserved(&url, checks, path).map(|()| url);
        }
        // With a mistake in `listen` nobody can tell yet whether it is needed.
        let reachable = listen.is_some_and(|listen| !listen.ip().is_loopback());
        if reachable {
            let expected = "the https URL that clients use, as other machines can reach \
                            server.listen; or a loopback address there";
            checks.refuse(path, expected);
        }
        None
    }

    fn proxies(&self, checks: &mut Checks<'_>, path: &KeyPath) -> Vec<IpNet> {
        let networks = checks.networks(&self.trusted_proxies, path);
        if networks.iter().any(|network| network.prefix_len() == 0) {
            let expected =
                "networks of your proxies: to believe everyone is to believe every client";
            checks.refuse(path, expected);
        }
        networks
    }

    fn admin_listen(
        &self,
        checks: &mut Checks<'_>,
        path: &KeyPath,
        listen: Option<SocketAddr>,
    ) -> Option<SocketAddr> {
        if self.admin_listen.is_empty() {
            return None;
        }
        let expected = "an IP address and a port, as in \"127.0.0.1:9090\", or nothing";
        let address: SocketAddr = checks.require(self.admin_listen.parse().ok(), path, expected)?;
        let other = address.port() == 0 || listen.is_none_or(|listen| listen != address);
        let expected = "an address other than server.listen";
        checks.require(other.then_some(address), path, expected)
    }

    /// Beyond this machine a token or a cookie in the clear would be anyone's.
    fn admin_url(
        &self,
        checks: &mut Checks<'_>,
        path: &KeyPath,
        admin_listen: Option<SocketAddr>,
    ) -> Option<PublicUrl> {
        let expected = "the https origin that operators use, as in \"https://gatehouse.example.com\", \
                        as other machines can reach server.admin_listen";
        if let Some(text) = &self.admin_url {
            let url: Option<PublicUrl> = text.parse().ok();
            return checks.require(url.filter(|url| url.path().is_empty()), path, expected);
        }
        if admin_listen.is_some_and(|address| !address.ip().is_loopback()) {
            checks.refuse(path, expected);
        }
        None
    }

    fn check_origins(&self, checks: &mut Checks<'_>, path: &KeyPath) {
        for (position, text) in self.allowed_origins.iter().enumerate() {
            if !is_origin(text) {
                let expected = "an origin, https or http on a loopback host, as in \
                                \"https://app.example.com\"";
                checks.refuse(&path.join(position), expected);
            }
        }
    }
}

/// True when `text` is what a browser's `Origin` header may say (RFC 6454 §6.2).
fn is_origin(text: &str) -> bool {
    web_address(text).is_some_and(|url: Url| url.origin().ascii_serialization() == text)
}
