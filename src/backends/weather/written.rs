//! Answers that are written already. Whoever asks the same within the same second, of the same data,
//! gets the same bytes.

use std::sync::Arc;
use std::time::Duration;

use moka::sync::Cache;

use super::super::{Answer, BackendError};
use crate::nws::{Coordinates, Edition, Place};

/// What is asked, as far as it tells one answer from another.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum Question {
    /// `get_alerts`
    Alerts(Place),
    /// `get_forecast`
    Forecast(Coordinates),
}

/// The answers of the last seconds.
#[derive(Debug)]
pub(super) struct Written(Cache<Question, Arc<Kept>>);

#[derive(Debug)]
struct Kept {
    of: Edition,
    answer: Answer,
}

/// How many bytes are kept.
const CAPACITY: u64 = 8 * 1024 * 1024;

/// Longer than an answer can be of use.
const KEPT: Duration = Duration::from_secs(2);

impl Written {
    pub(super) fn new() -> Self {
        let weigh = |_: &Question, kept: &Arc<Kept>| {
            u32::try_from(kept.answer.body.len()).unwrap_or(u32::MAX)
        };
        let cache = Cache::builder()
            .max_capacity(CAPACITY)
            .weigher(weigh)
            .time_to_live(KEPT);
        Self(cache.build())
    }

    /// The answer to `question` out of `edition`, from `write` unless it is there. Without an
    /// edition it is told once.
    pub(super) fn or_write(
        &self,
        question: Question,
        edition: Option<Edition>,
        write: impl FnOnce() -> Result<Answer, BackendError>,
    ) -> Result<Answer, BackendError> {
        let Some(of) = edition else {
            return write();
        };
        if let Some(kept) = self.0.get(&question)
            && kept.of == of
        {
            return Ok(kept.answer.clone());
        }
        let answer = write()?;
        let kept = Kept {
            of,
            answer: answer.clone(),
        };
        self.0.insert(question, Arc::new(kept));
        Ok(answer)
    }
}
