//! Requests to addresses that arrived over the wire: https to public hosts only, without
//! credentials, redirects or compression, few at a time and small.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::Response;
use http::header::{ACCEPT, CONTENT_ENCODING};
use ipnet::IpNet;
use tokio::sync::Semaphore;
use url::{Host, Url};

use super::USER_AGENT;
use super::client::{EgressError, kind_of, receive};
use super::limiter::Limiter;
use super::resolver::{Lookup, Reachable, SpecialUse, VettedResolver};
use super::tls;
use super::watch::{Watch, Watched};

/// What guarded requests may do.
#[derive(Clone, Debug)]
pub struct GuardSettings {
    /// Networks that may be reached although they are not public.
    pub allow_private: Vec<IpNet>,
    /// The ports that may be reached.
    pub allow_ports: Vec<u16>,
    /// Certificate authorities to trust beside those of the system, PEM.
    pub root_certificates: Vec<u8>,
    /// How many bytes a body may have.
    pub max_body: usize,
    /// How long a request may take from start to the last byte of the body.
    pub deadline: Duration,
    /// How many requests a minute may go to one host.
    pub per_host: u32,
    /// How many requests a minute may go out in all.
    pub in_all: u32,
}

/// Fetches what strangers name.
#[derive(Debug)]
pub struct GuardedClient {
    http: reqwest::Client,
    reachable: Reachable,
    ports: Vec<u16>,
    max_body: usize,
    deadline: Duration,
    limiter: Limiter,
    slots: Semaphore,
    watched: Option<Watched>,
}

/// Why there is no response.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum GuardError {
    /// It is no https URL, or has a user name in it.
    #[error("not a plain https URL")]
    Scheme,
    /// The port is not among the allowed ones.
    #[error("the port is not allowed")]
    Port,
    /// The host is an IP address, or a name with a trailing dot.
    #[error("the host must be a domain name without trailing dot")]
    Host,
    /// The host has an address that is not public. Nothing was sent.
    #[error("the host has an address that is not public")]
    SpecialUse,
    /// Too many requests went out of late, or are under way.
    #[error("too many requests to this host or in all")]
    Busy,
    /// The body is compressed, which was not asked for.
    #[error("the response is compressed")]
    Compressed,
    /// No response came of it.
    #[error(transparent)]
    Failed(#[from] EgressError),
}

/// How many requests may be under way at once.
const SLOTS: usize = 16;

impl Default for GuardSettings {
    fn default() -> Self {
        Self {
            allow_private: Vec::new(),
            allow_ports: vec![443],
            root_certificates: Vec::new(),
            max_body: 32 * 1024,
            deadline: Duration::from_secs(5),
            per_host: 30,
            in_all: 300,
        }
    }
}

impl GuardedClient {
    /// A client with these bounds that asks `lookup` for addresses.
    #[expect(
        clippy::disallowed_methods,
        reason = "the one place that makes a guarded HTTP client"
    )]
    pub fn new(settings: &GuardSettings, lookup: Arc<dyn Lookup>) -> Result<Self, EgressError> {
        let reachable = Reachable {
            added: settings.allow_private.clone(),
            public: true,
        };
        let resolver = VettedResolver {
            lookup,
            reachable: reachable.clone(),
        };
        let builder = reqwest::Client::builder()
            .user_agent(USER_AGENT)
            .https_only(true)
            .timeout(settings.deadline)
            .redirect(reqwest::redirect::Policy::none())
            .referer(false)
            .no_proxy()
            .no_gzip()
            // A kept connection would outlive the name that was looked up for it.
            .pool_max_idle_per_host(0)
            .dns_resolver(Arc::new(resolver));
        Ok(Self {
            http: tls::build_trusting(builder, &settings.root_certificates)?,
            reachable,
            ports: settings.allow_ports.clone(),
            max_body: settings.max_body,
            deadline: settings.deadline,
            limiter: Limiter::new(settings.per_host, settings.in_all),
            slots: Semaphore::new(SLOTS),
            watched: None,
        })
    }

    /// The same client, whose requests are measured.
    #[must_use]
    pub fn watched(self, watched: Watched) -> Self {
        let watched = Some(watched);
        Self { watched, ..self }
    }

    /// Gets `url`. A response of any status is a response, redirects among them.
    pub async fn get(
        &self,
        url: &Url,
        accept: &'static str,
    ) -> Result<Response<Bytes>, GuardError> {
        let host = self.check(url)?;
        if !self.limiter.admit(host) {
            return Err(GuardError::Busy);
        }
        let _slot = self.slots.try_acquire().map_err(|_| GuardError::Busy)?;
        let watch = Watch::begin(self.watched.as_ref(), "GET", url);
        let answer = tokio::time::timeout(self.deadline, self.fetch(url, accept))
            .await
            .unwrap_or(Err(GuardError::Failed(EgressError::TimedOut)));
        watch.end(answer.as_ref().map_err(|error| match error {
            GuardError::Failed(error) => *error,
            // Nothing was sent, or nothing that counts came back.
            GuardError::Scheme
            | GuardError::Port
            | GuardError::Host
            | GuardError::SpecialUse
            | GuardError::Busy
            | GuardError::Compressed => EgressError::Connection,
        }));
        answer
    }

    /// What can be said of an address before its host is looked up.
    fn check<'url>(&self, url: &'url Url) -> Result<&'url str, GuardError> {
        let plain = url.username().is_empty() && url.password().is_none();
        if url.scheme() != "https" || !plain {
            return Err(GuardError::Scheme);
        }
        let port = url.port_or_known_default();
        if !port.is_some_and(|port| self.ports.contains(&port)) {
            return Err(GuardError::Port);
        }
        // The parser has turned every way to write an IPv4 address into one.
        let named = match url.host().ok_or(GuardError::Host)? {
            Host::Domain(name) => !name.ends_with('.'),
            Host::Ipv4(address) => self.reachable.is_added(address.into()),
            Host::Ipv6(address) => self.reachable.is_added(address.into()),
        };
        url.host_str().filter(|_| named).ok_or(GuardError::Host)
    }

    async fn fetch(&self, url: &Url, accept: &'static str) -> Result<Response<Bytes>, GuardError> {
        let request = self.http.get(url.clone()).header(ACCEPT, accept);
        let response = request.send().await.map_err(|error| reason_of(&error))?;
        let encoded = response.headers().get(CONTENT_ENCODING);
        if encoded.is_some_and(|coding| coding != "identity") {
            return Err(GuardError::Compressed);
        }
        Ok(receive(response, self.max_body).await?)
    }
}

fn reason_of(error: &reqwest::Error) -> GuardError {
    let mut cause: Option<&(dyn std::error::Error + 'static)> = Some(error);
    while let Some(error) = cause {
        if error.is::<SpecialUse>() {
            return GuardError::SpecialUse;
        }
        cause = error.source();
    }
    GuardError::Failed(kind_of(error))
}
