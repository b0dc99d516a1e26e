//! Counters per tenant, since the start of this process.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

use super::meters::{Meters, Tell};
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

/// The counters of all tenants that were seen, and what is measured of all of them together.
#[derive(Debug, Default)]
pub struct Figures {
    tenants: RwLock<HashMap<TenantSlug, Counters>>,
    meters: Meters,
}

type Counters = Arc<[AtomicU64; Figure::ALL.len()]>;

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

    /// The name that metrics have it under.
    const fn metric(self) -> &'static str {
        match self {
            Self::Requests => "gatehouse.requests",
            Self::ToolCalls => "gatehouse.tool_calls",
            Self::ToolErrors => "gatehouse.tool_errors",
            Self::ScopeRefusals => "gatehouse.scope_refusals",
            Self::RateRefusals => "gatehouse.rate_refusals",
        }
    }

    const fn unit(self) -> &'static str {
        match self {
            Self::Requests => "{request}",
            Self::ToolCalls | Self::ToolErrors => "{call}",
            Self::ScopeRefusals | Self::RateRefusals => "{refusal}",
        }
    }

    const fn meaning(self) -> &'static str {
        match self {
            Self::Requests => "Requests to the MCP endpoint by verified callers",
            Self::ToolCalls => "Tool calls that reached a server",
            Self::ToolErrors => "Tool calls that failed",
            Self::ScopeRefusals => "Requests refused for lack of scope",
            Self::RateRefusals => "Requests refused because there were too many",
        }
    }
}

impl Figures {
    /// Counters that are read, with everything else, by `meters`.
    #[must_use]
    pub fn new(meters: Meters) -> Arc<Self> {
        let figures = Arc::new(Self {
            tenants: RwLock::default(),
            meters,
        });
        for figure in Figure::ALL {
            figures.observe(figure);
        }
        figures
    }

    /// What is measured of all tenants together.
    #[must_use]
    pub const fn meters(&self) -> &Meters {
        &self.meters
    }

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
        let tenants = self.tenants.read().unwrap_or_else(PoisonError::into_inner);
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

    fn observe(self: &Arc<Self>, figure: Figure) {
        let counted = Arc::downgrade(self);
        let about = (figure.metric(), figure.unit(), figure.meaning());
        self.meters.total(about, move |tell| {
            if let Some(figures) = counted.upgrade() {
                figures.tell(figure, tell);
            }
        });
    }

    fn tell(&self, figure: Figure, tell: Tell<'_>) {
        for (tenant, values) in self.read_all() {
            let value = values.get(figure as usize).copied().unwrap_or_default();
            tell(number(value), &[("gatehouse.tenant", tenant.as_str())]);
        }
    }

    fn of(&self, tenant: &TenantSlug) -> Arc<[AtomicU64; Figure::ALL.len()]> {
        let known = self
            .tenants
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .get(tenant)
            .cloned();
        known.unwrap_or_else(|| {
            let mut tenants = self.tenants.write().unwrap_or_else(PoisonError::into_inner);
            Arc::clone(tenants.entry(tenant.clone()).or_default())
        })
    }
}

/// Counts are exact up to 2^53.
#[expect(clippy::cast_precision_loss, reason = "nothing is counted that far")]
pub(super) const fn number(count: u64) -> f64 {
    count as f64
}
