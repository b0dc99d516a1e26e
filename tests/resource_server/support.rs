//! Two tenants with keys of their own, and a clock that stands still.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use gatehouse::egress::{Client, GuardSettings, GuardedClient, Settings, SystemLookup};
use gatehouse::jose::{AccessTokenClaims, IssuerKeys, KeyRing, KeyRings, generate_signing_key};
use gatehouse::model::{
    ClientId, Clock, GrantId, Scope, ScopeCatalogue, ScopeDefinition, ScopeSet, Secret,
    SigningAlgorithm, Tenant, Timestamp, UserId,
};
use gatehouse::resource_server::{AccessTokens, Revocations};

#[derive(Debug)]
pub(crate) struct StoppedClock(AtomicI64);

impl StoppedClock {
    pub(crate) fn advance(&self, seconds: i64) {
        self.0.fetch_add(seconds, Ordering::SeqCst);
    }
}

impl Clock for StoppedClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_seconds(self.0.load(Ordering::SeqCst))
    }
}

pub(crate) struct World {
    pub(crate) clock: Arc<StoppedClock>,
    pub(crate) rings: Arc<KeyRings>,
    pub(crate) tokens: AccessTokens,
    pub(crate) revocations: Arc<Revocations>,
    pub(crate) tenant: Tenant,
    pub(crate) other: Tenant,
}

pub(crate) fn set(text: &str) -> ScopeSet {
    text.parse().unwrap()
}

pub(crate) fn catalogue() -> ScopeCatalogue {
    let define = |name: &str, implies: &str| {
        let definition = ScopeDefinition {
            description: name.to_owned(),
            implies: set(implies),
        };
        (name.parse::<Scope>().unwrap(), definition)
    };
    ScopeCatalogue::new(BTreeMap::from([
        define("mcp:tools", ""),
        define("mcp:resources", ""),
        define("mcp:prompts", ""),
        define("metrics:read", ""),
        define("everything", "mcp:tools metrics:read"),
    ]))
}

pub(crate) fn tenant(slug: &str) -> Tenant {
    let url = format!("https://{slug}.example.com");
    Tenant::new(slug.parse().unwrap(), url.parse().unwrap(), BTreeMap::new())
}

fn issuer_keys(clock: Arc<dyn Clock>) -> IssuerKeys {
    let second = Duration::from_secs(1);
    let http = Client::new(&Settings {
        connect_timeout: second,
        read_timeout: second,
        total_timeout: second,
        max_body: 64 * 1024,
        user_agent: "tests".to_owned(),
    });
    let guarded = GuardedClient::new(&GuardSettings::default(), Arc::new(SystemLookup));
    IssuerKeys::new(http.unwrap(), guarded.unwrap(), clock)
}

impl World {
    pub(crate) fn new() -> Self {
        let clock = Arc::new(StoppedClock(AtomicI64::new(1_800_000_000)));
        let (tenant, other) = (tenant("one"), tenant("two"));
        let rings = Arc::new(KeyRings::default());
        for tenant in [&tenant, &other] {
            let key = generate_signing_key(SigningAlgorithm::Es256, clock.now()).unwrap();
            rings.set(tenant.slug.clone(), KeyRing::new(&[key]).unwrap());
        }
        let revocations = Arc::new(Revocations::default());
        let issuer_keys = Arc::new(issuer_keys(Arc::clone(&clock) as Arc<dyn Clock>));
        let tokens = AccessTokens::new(
            (Arc::clone(&rings), Arc::clone(&issuer_keys)),
            catalogue(),
            Arc::clone(&clock) as Arc<dyn Clock>,
            Arc::clone(&revocations),
        );
        Self {
            clock,
            rings,
            tokens,
            revocations,
            tenant,
            other,
        }
    }

    /// Claims that the first tenant takes.
    pub(crate) fn claims(&self) -> AccessTokenClaims {
        let now = self.clock.now();
        AccessTokenClaims {
            iss: self.tenant.issuer().to_owned(),
            sub: UserId::new("alice"),
            aud: self.tenant.resource.as_str().to_owned(),
            exp: Timestamp::from_seconds(now.seconds() + 600),
            iat: now,
            nbf: None,
            jti: "1".to_owned(),
            client_id: ClientId::new("client"),
            scope: set("mcp:tools"),
            grant_id: Some(GrantId::new("grant")),
            key: None,
            refusals: None,
        }
    }

    /// The claims, signed with the first tenant's key.
    pub(crate) fn sign(&self, claims: &AccessTokenClaims) -> Secret {
        self.rings
            .get(&self.tenant.slug)
            .unwrap()
            .sign(claims)
            .unwrap()
    }
}
