//! Counters per tenant, since the start of this process.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

use crate::model::TenantSlug;

/// Something that is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Figure {
    /// Requests to the MCP endpoint by verified callers.
    Requests,
    /// Tool calls that reached a backend.
    ToolCalls,
    /// Tool calls whose answer says `isError`, or that had none.
    ToolErrors,
    /// Requests refused for lack of scope.
    ScopeRefusals,
    /// Requests refused because there were too many.
    RateRefusals,
}

/// The counters of all tenants that were seen.
#[derive(Debug, Default)]
pub struct Figures(RwLock<HashMap<TenantSlug, Arc<[AtomicU64; Figure::ALL.len()]>>>);

impl Figure {
    /// Everything that is counted.
    pub const ALL: [Self; 5] = [
        Self::Requests,
        Self::ToolCalls,
        Self::ToolErrors,
        Self::ScopeRefusals,
        Self::RateRefusals,
    ];

    /// The name that operators and tools know it by.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Requests => "requests",
            Self::ToolCalls => "tool_calls",
            Self::ToolErrors => "tool_errors",
            Self::ScopeRefusals => "scope_refusals",
            Self::RateRefusals => "rate_refusals",
        }
    }
}

impl Figures {
    /// Adds one to `figure` of `tenant`.
    pub fn count(&self, tenant: &TenantSlug, figure: Figure) {
        if let Some(counter) = self.of(tenant).get(figure as usize) {
            counter.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// What was counted for `tenant` so far.
    #[must_use]
    pub fn read(&self, tenant: &TenantSlug, figure: Figure) -> u64 {
        self.of(tenant)
            .get(figure as usize)
            .map_or(0, |counter| counter.load(Ordering::Relaxed))
    }

    /// What was counted for every tenant that was seen.
    #[must_use]
    pub fn read_all(&self) -> HashMap<TenantSlug, [u64; Figure::ALL.len()]> {
        let tenants = self.0.read().unwrap_or_else(PoisonError::into_inner);
        let read = |counters: &Arc<[AtomicU64; Figure::ALL.len()]>| {
            counters
                .each_ref()
                .map(|counter| counter.load(Ordering::Relaxed))
        };
        tenants
            .iter()
            .map(|(slug, counters)| (slug.clone(), read(counters)))
            .collect()
    }

    fn of(&self, tenant: &TenantSlug) -> Arc<[AtomicU64; Figure::ALL.len()]> {
        let known = self
            .0
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .get(tenant)
            .cloned();
        known.unwrap_or_else(|| {
            let mut tenants = self.0.write().unwrap_or_else(PoisonError::into_inner);
            Arc::clone(tenants.entry(tenant.clone()).or_default())
        })
    }
}
