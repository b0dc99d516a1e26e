//! How mounted servers do, as far as this process has seen.

use std::collections::BTreeMap;

use tokio::time::Instant;

use super::mounts::Mounts;
use crate::model::TenantSlug;

/// How a mounted server does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Health {
    /// It answered the last request, if with an error of its own.
    Answers,
    /// It did not, but requests still go there.
    Fails,
    /// It failed so often that it is left alone for a while.
    LeftAlone,
}

impl Health {
    /// The name that operators know it by.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Answers => "answers",
            Self::Fails => "fails",
            Self::LeftAlone => "left_alone",
        }
    }
}

impl Mounts {
    /// How the servers do that were asked something here in the last hour, by tenant and name. Of one that is
    /// there several times, as where people have accounts of their own, the last request counts.
    #[must_use]
    pub fn health(&self) -> BTreeMap<(TenantSlug, String), Health> {
        let mut last = BTreeMap::<(TenantSlug, String), (Instant, Health)>::new();
        for (key, server) in &self.servers {
            let Some(noted) = server.line.breaker.health() else {
                continue;
            };
            let (tenant, _) = &*key;
            let place = (tenant.clone(), server.line.name.clone());
            let known = last.entry(place).or_insert(noted);
            if known.0 < noted.0 {
                *known = noted;
            }
        }
        let without_time = |(place, (_, health))| (place, health);
        last.into_iter().map(without_time).collect()
    }
}
