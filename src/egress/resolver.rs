//! The only way from a name to an address for guarded requests: what is connected to is what was
//! looked at, so a second answer of the DNS has nothing to say.

use std::fmt;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use async_trait::async_trait;
use ipnet::IpNet;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};

use super::address::is_public;

/// Where names are looked up; a parameter, so that tests can say what a name stands for.
#[async_trait]
pub trait Lookup: fmt::Debug + Send + Sync {
    /// All addresses of `host`.
    async fn lookup(&self, host: &str) -> io::Result<Vec<IpAddr>>;
}

/// The resolver of the operating system.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemLookup;

/// The addresses that may be reached: the public ones, and the networks that an operator added.
#[derive(Clone, Debug)]
pub(super) struct Reachable {
    /// What an operator added.
    pub(super) added: Vec<IpNet>,
    /// True where public addresses are among them.
    pub(super) public: bool,
}

/// Addresses that may all be reached.
pub(super) type VettedAddresses = std::vec::IntoIter<SocketAddr>;

/// Resolves names to addresses that may all be reached.
#[derive(Clone, Debug)]
pub(super) struct VettedResolver {
    pub(super) lookup: Arc<dyn Lookup>,
    pub(super) reachable: Reachable,
}

/// A name stands for an address that may not be reached.
#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error("the host has an address that is not public")]
pub(super) struct SpecialUse;

#[async_trait]
impl Lookup for SystemLookup {
    async fn lookup(&self, host: &str) -> io::Result<Vec<IpAddr>> {
        let found = tokio::net::lookup_host((host, 0)).await?;
        Ok(found.map(|address| address.ip()).collect())
    }
}

impl Reachable {
    pub(super) fn contains(&self, address: IpAddr) -> bool {
        (self.public && is_public(address)) || self.is_added(address)
    }

    /// True for what an operator added.
    pub(super) fn is_added(&self, address: IpAddr) -> bool {
        self.added.iter().any(|network| network.contains(&address))
    }
}

impl Resolve for VettedResolver {
    fn resolve(&self, name: Name) -> Resolving {
        let resolver = self.clone();
        Box::pin(async move {
            let addresses = resolver.addresses(name.as_str()).await?;
            Ok(Box::new(addresses) as Addrs)
        })
    }
}

impl VettedResolver {
    /// The addresses of `host`, which may all be reached.
    pub(super) async fn addresses(
        &self,
        host: &str,
    ) -> Result<VettedAddresses, Box<dyn std::error::Error + Send + Sync>> {
        let found = self.lookup.lookup(host).await?;
        // One bad address is enough: whoever mixes them wants the other one reached.
        if !found
            .iter()
            .all(|address| self.reachable.contains(*address))
        {
            return Err(SpecialUse.into());
        }
        let addresses: Vec<_> = found.into_iter().map(|it| SocketAddr::new(it, 0)).collect();
        Ok(addresses.into_iter())
    }
}
