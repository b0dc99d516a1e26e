//! The last minutes of every tenant's counters, for whoever wants to see them move.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use super::{Figure, Figures};
use crate::model::TenantSlug;

/// How often the counters are read.
pub const INTERVAL: Duration = Duration::from_secs(10);
/// How many steps there are at most: ten minutes.
const STEPS: usize = 60;

/// What the counters were, a step apart.
#[derive(Debug)]
pub struct History {
    figures: Arc<Figures>,
    samples: RwLock<VecDeque<Sample>>,
}

type Sample = HashMap<TenantSlug, [u64; Figure::ALL.len()]>;

impl History {
    /// Of these counters.
    #[must_use]
    pub fn new(figures: Arc<Figures>) -> Self {
        Self {
            figures,
            samples: RwLock::default(),
        }
    }

    /// Reads the counters; to be done once every [`INTERVAL`].
    pub fn sample(&self) {
        let sample = self.figures.read_all();
        let mut samples = self.samples.write().unwrap_or_else(PoisonError::into_inner);
        samples.push_back(sample);
        while samples.len() > STEPS + 1 {
            samples.pop_front();
        }
    }

    /// By how much a counter went up in each step of the last ten minutes, the oldest first; the last
    /// one is still going on, and before the start there was nothing.
    #[must_use]
    pub fn steps(&self, tenant: &TenantSlug, figure: Figure) -> Vec<u64> {
        let samples = self.samples.read().unwrap_or_else(PoisonError::into_inner);
        let value = |sample: &Sample| {
            let counters = sample.get(tenant);
            counters
                .and_then(|counters| counters.get(figure as usize))
                .map_or(0, |count| *count)
        };
        let missing = (STEPS + 1).saturating_sub(samples.len());
        let mut values = vec![0; missing];
        values.extend(samples.iter().map(value));
        values.push(self.figures.read(tenant, figure));
        let pairs = values.iter().zip(values.iter().skip(1));
        pairs
            .map(|(before, after)| after.saturating_sub(*before))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_step_is_what_came_in_between() {
        let figures = Arc::new(Figures::default());
        let history = History::new(Arc::clone(&figures));
        let tenant = TenantSlug::default();
        let count = |times: usize| {
            for _ in 0..times {
                figures.count(&tenant, Figure::Requests);
            }
        };
        count(2);
        history.sample();
        count(3);
        history.sample();
        count(1);
        let steps = history.steps(&tenant, Figure::Requests);
        assert_eq!(steps.len(), STEPS + 1);
        assert!(steps.ends_with(&[0, 2, 3, 1]), "{steps:?}");
        for _ in 0..100 {
            history.sample();
        }
        assert_eq!(history.steps(&tenant, Figure::Requests).len(), STEPS + 1);
    }
}
