//! Which data an answer is made of, to tell whether one that is written already says the same.

use std::any::Any;
use std::fmt;
use std::sync::Arc;

use crate::model::Timestamp;

/// The data that an answer is made of, at the second at which it is told: what has ended by then is
/// left out. Of equal editions, equal answers are made.
#[derive(Clone)]
pub struct Edition {
    data: Vec<Arc<dyn Any + Send + Sync>>,
    at: Timestamp,
}

impl Edition {
    pub(super) fn of(data: &Arc<impl Any + Send + Sync>, at: Timestamp) -> Self {
        let none = Self {
            data: Vec::with_capacity(2),
            at,
        };
        none.and(data)
    }

    pub(super) fn and(mut self, data: &Arc<impl Any + Send + Sync>) -> Self {
        let data = Arc::clone(data);
        self.data.push(data);
        self
    }
}

impl PartialEq for Edition {
    fn eq(&self, other: &Self) -> bool {
        let pairs = || self.data.iter().zip(&other.data);
        self.at == other.at
            && self.data.len() == other.data.len()
            && pairs().all(|(one, other)| Arc::ptr_eq(one, other))
    }
}

impl fmt::Debug for Edition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Edition(of {:?})", self.at)
    }
}
