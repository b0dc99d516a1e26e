//! Where answers come from: the service or the sample, fetched and parsed.

use std::sync::Arc;
use std::time::Duration;

use serde::de::DeserializeOwned;

use super::error::{NwsError, Reason, Reference};
use super::live::Live;
use super::request::{Reply, Request};
use super::sample::Sample;
use super::shelf::Fetched;
use crate::model::{Clock, Random};

/// Answers requests.
#[derive(Debug)]
pub(super) struct Desk {
    pub(super) source: Source,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) random: Arc<dyn Random>,
}

/// Who is asked.
#[derive(Debug)]
pub(super) enum Source {
    Live(Box<Live>),
    Sample(Sample),
}

/// A parsed answer.
pub(super) struct Answer<T> {
    /// What was sent.
    pub(super) sent: T,
    max_age: Option<Duration>,
    size: usize,
}

impl Desk {
    /// Fetches and parses what `request` asks for.
    pub(super) async fn load<T: DeserializeOwned>(
        &self,
        request: &Request,
    ) -> Result<Answer<T>, NwsError> {
        let Reply { body, max_age } = match &self.source {
            Source::Live(live) => live.fetch(request).await?,
            Source::Sample(sample) => sample.reply(request)?,
        };
        let sent = serde_json::from_slice(&body).map_err(|error| self.unexpected(request, &error));
        Ok(Answer {
            sent: sent?,
            max_age,
            size: body.len(),
        })
    }

    fn unexpected(&self, request: &Request, error: &serde_json::Error) -> NwsError {
        let reference = Reference::new(&*self.random);
        // Where it doesn't fit, but nothing of what was sent.
        tracing::warn!(
            nws.endpoint = request.endpoint(),
            nws.reference = %reference,
            line = error.line(),
            column = error.column(),
            "the National Weather Service sent something unexpected"
        );
        NwsError::logged(Reason::Unexpected, reference)
    }
}

impl<T> Answer<T> {
    /// What is to be kept of it.
    pub(super) fn kept_as<V>(self, make: impl FnOnce(T) -> V) -> Fetched<V> {
        Fetched {
            value: make(self.sent),
            max_age: self.max_age,
            size: self.size,
        }
    }
}
