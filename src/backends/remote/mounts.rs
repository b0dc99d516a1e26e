//! The servers of every tenant, side by side with the built-in ones. What a tenant's description
//! says is what there is, from the next request on.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use moka::sync::Cache;
use url::Url;

use super::api::{Api, ApiSource};
use super::catalogue::Taken;
use super::credentials::Credentials;
use super::http::HttpTransport;
use super::line::Line;
use super::linking::Person;
use super::process::Process;
use super::rewrite::Rewriter;
use super::shelf::Shelf;
use super::supply::{Inspector, ToolLedger};
use super::transport::Transport;
use super::watch::Watch;
use super::{Backend, RemoteServer};
use crate::backends::Catalogue;
use crate::egress::{Channel, ChannelSettings, Client, GuardError, Lookup};
use crate::identity::LinkedAccounts;
use crate::model::{
    ApiDocument, Digest, MountPrefix, Tenant, TenantSlug, Upstream, UpstreamAddress, UpstreamPlace,
    UserId,
};
use crate::store::StoreError;
use crate::telemetry::Meters;

/// The servers of every tenant.
#[derive(Debug)]
pub struct Mounts {
    built_in: Servers,
    /// What the built-in servers have.
    catalogues: Arc<[Arc<Catalogue>]>,
    lookup: Arc<dyn Lookup>,
    /// Asks authorization servers for tokens.
    tokens: Client,
    /// What people have linked.
    linked: Arc<LinkedAccounts>,
    /// What is on record of tools; nothing is where there is none.
    ledger: Option<Arc<ToolLedger>>,
    /// Measures what servers are asked.
    meters: Meters,
    /// By all that a tenant's description says of its servers.
    mounted: Cache<(TenantSlug, Digest, Option<UserId>), Servers>,
    pub(super) servers: Cache<(TenantSlug, Digest), Arc<RemoteServer>>,
}

/// The servers of one tenant.
type Servers = Arc<[Arc<dyn Backend>]>;

/// What names a mounted server can't have.
#[derive(Debug)]
struct Others {
    catalogues: Arc<[Arc<Catalogue>]>,
    prefixes: Vec<MountPrefix>,
}

/// For how long servers are kept that nobody uses, and how many are.
const IDLE: Duration = Duration::from_hours(1);
const SERVERS: u64 = 10_000;

const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

impl Mounts {
    /// Mounts beside the `built_in` servers.
    pub async fn new(
        built_in: Vec<Arc<dyn Backend>>,
        lookup: Arc<dyn Lookup>,
        (tokens, linked): (Client, Arc<LinkedAccounts>),
    ) -> Self {
        let mut catalogues = Vec::with_capacity(built_in.len());
        for server in &built_in {
            catalogues.push(server.catalogue().await);
        }
        let (mounted, servers) = (Cache::builder(), Cache::builder());
        Self {
            built_in: built_in.into(),
            catalogues: catalogues.into(),
            lookup,
            tokens,
            linked,
            ledger: None,
            meters: Meters::default(),
            mounted: mounted.time_to_idle(IDLE).max_capacity(SERVERS).build(),
            servers: servers.time_to_idle(IDLE).max_capacity(SERVERS).build(),
        }
    }

    /// The same, with what servers say of their tools held against what is on record.
    #[must_use]
    pub fn recorded_in(self, ledger: Arc<ToolLedger>) -> Self {
        let ledger = Some(ledger);
        Self { ledger, ..self }
    }

    /// Hears what operators have decided about tools since the last look.
    pub async fn refresh(&self) -> Result<(), StoreError> {
        match &self.ledger {
            Some(ledger) => ledger.refresh().await,
            None => Ok(()),
        }
    }

    /// The same, where `meters` measure what servers are asked.
    #[must_use]
    pub fn measured_by(self, meters: Meters) -> Self {
        Self { meters, ..self }
    }

    /// All servers of the tenant, the built-in ones first, one without a prefix last. Those where
    /// people have accounts of their own are `user`'s, with nothing in common with anybody else's.
    #[must_use]
    pub fn of(&self, tenant: &Tenant, user: Option<&UserId>) -> Servers {
        let described = &tenant.servers;
        if described.all.is_empty() {
            return Arc::clone(&self.built_in);
        }
        let user = user.filter(|_| described.linkable().next().is_some());
        let key = (tenant.slug.clone(), described.fingerprint, user.cloned());
        self.mounted.get_with(key, || {
            let (unprefixed, prefixed): (Vec<&Upstream>, Vec<&Upstream>) = described
                .all
                .iter()
                .partition(|server| server.prefix.is_empty());
            let mounted = prefixed.into_iter().chain(unprefixed);
            let mounted = mounted.filter_map(|server| self.server(tenant, user, server));
            let mounted = mounted.map(|server| server as Arc<dyn Backend>);
            self.built_in.iter().cloned().chain(mounted).collect()
        })
    }

    /// The server as it is described: the one that is there, or a new one.
    fn server(
        &self,
        tenant: &Tenant,
        user: Option<&UserId>,
        described: &Upstream,
    ) -> Option<Arc<RemoteServer>> {
        let person = match (described.linkable(), user) {
            (None, _) => None,
            (Some(_), None) => return None,
            (Some(_), Some(user)) => Person::of(&self.linked, (tenant, user), described),
        };
        // With a prefix of its own, nothing of it can be called like something else.
        let others: Vec<MountPrefix> = if described.prefix.is_empty() {
            let all = tenant.servers.all.iter();
            all.map(|other| other.prefix.clone()).collect()
        } else {
            Vec::new()
        };
        // What it must not be called belongs to what it is.
        let mut text = described.fingerprint.as_bytes().to_vec();
        for prefix in &others {
            text.extend_from_slice(prefix.as_str().as_bytes());
            text.push(0);
        }
        if let (Some(_), Some(user)) = (&person, user) {
            text.extend_from_slice(user.as_str().as_bytes());
        }
        let key = (tenant.slug.clone(), Digest::of(&text));
        if let Some(found) = self.servers.get(&key) {
            return Some(found);
        }
        let label = format!("{}/{}", tenant.slug, described.name);
        let whose = (&tenant.slug, label.clone());
        match self.connect(whose, described, (others, person.map(Arc::new))) {
            Ok(server) => {
                let server = Arc::new(server);
                self.servers.insert(key, Arc::clone(&server));
                Some(server)
            }
            Err(error) => {
                tracing::error!(server = label, %error, "a server can't be mounted");
                None
            }
        }
    }

    fn connect(
        &self,
        (tenant, label): (&TenantSlug, String),
        described: &Upstream,
        (prefixes, person): (Vec<MountPrefix>, Option<Arc<Person>>),
    ) -> Result<RemoteServer, GuardError> {
        let shown = Credentials::new(&described.credentials, &self.tokens, person.as_ref());
        let max_response = described.limits.max_response;
        let transport = match &described.place {
            UpstreamPlace::Address(address) => Transport::Http(Arc::new(HttpTransport {
                channel: self.channel(&address.url, address)?,
                credentials: shown,
                max_response,
            })),
            UpstreamPlace::Api(address, document) => Transport::Api(Arc::new(Api {
                label: label.clone(),
                base: address.url.clone(),
                channel: self.channel(&address.url, address)?,
                source: match document {
                    ApiDocument::Here(description) => ApiSource::Here(Arc::clone(description)),
                    ApiDocument::Address(url) => ApiSource::Address(self.channel(url, address)?),
                },
                credentials: shown,
                credential: described.credentials.header(),
                max_response,
                known: Mutex::default(),
            })),
            UpstreamPlace::Process(process) => {
                let process = Process::new(label.clone(), process.clone(), max_response);
                Transport::Process(Arc::new(process))
            }
        };
        let rewriter = Rewriter(described.prefix.clone());
        let line = Line::new(
            (described.name.clone(), label, self.meters.clone()),
            transport,
            described.limits,
            rewriter.clone(),
        );
        let line = Arc::new(line);
        let taken = Arc::new(Others {
            catalogues: Arc::clone(&self.catalogues),
            prefixes,
        });
        let of = (tenant.clone(), described.tool_changes);
        let inspector = Inspector::new(self.ledger.clone(), of, &line);
        let readers = (inspector, person.clone());
        let lists = Shelf::new(Arc::clone(&line), rewriter.clone(), taken, readers);
        let lists = Arc::new(lists);
        let watch = Watch::new(&line, &lists);
        Ok(RemoteServer {
            rewriter,
            line,
            shelf: lists,
            watch,
            person,
        })
    }

    fn channel(&self, url: &Url, address: &UpstreamAddress) -> Result<Channel, GuardError> {
        let settings = ChannelSettings {
            allow_private: address.allow_private.clone(),
            connect_timeout: CONNECT_TIMEOUT,
        };
        Channel::new(url.clone(), &settings, Arc::clone(&self.lookup))
    }
}

impl Taken for Others {
    fn has_name(&self, name: &str) -> bool {
        let has = |catalogue: &Arc<Catalogue>| {
            let mut named = catalogue.tools.iter().chain(&catalogue.prompts);
            named.any(|definition| definition.name == name)
        };
        self.catalogues.iter().any(has)
            || self.prefixes.iter().any(|prefix| prefix.claims_name(name))
    }

    fn has_uri(&self, uri: &str) -> bool {
        let has = |catalogue: &Arc<Catalogue>| {
            let mut named = catalogue
                .resources
                .iter()
                .chain(&catalogue.resource_templates);
            named.any(|definition| definition.name == uri)
        };
        self.catalogues.iter().any(has) || self.prefixes.iter().any(|prefix| prefix.claims_uri(uri))
    }
}
