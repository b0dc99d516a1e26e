//! Requests to api.weather.gov: budget, pause, redirects, retries and the checks before anything is
//! parsed.

use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::header::{ACCEPT, CACHE_CONTROL, LOCATION, RETRY_AFTER};
use http::{HeaderMap, HeaderValue, Response};
use url::Url;

use super::breaker::Breaker;
use super::budget::Budget;
use super::error::{NwsError, Reason, Reference};
use super::problem::{Fault, Meaning, is_json};
use super::request::{Reply, Request};
use crate::egress;
use crate::model::{Clock, Random};

/// How to talk to NWS.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Where it is.
    pub base_url: Url,
    /// For how long alerts are kept at least.
    pub alerts_ttl: Duration,
    /// How long an answer may take, repetitions among it.
    pub deadline: Duration,
    /// The middle of the first wait before a repetition; the second one is twice as long.
    pub backoff: Duration,
    /// How many requests go out per second.
    pub requests_per_second: NonZeroU32,
    /// How many of them go out at once.
    pub burst: NonZeroU32,
}

/// The service itself.
#[derive(Debug)]
pub(super) struct Live {
    settings: Settings,
    egress: egress::Client,
    clock: Arc<dyn Clock>,
    random: Arc<dyn Random>,
    budget: Budget,
    breaker: Breaker,
}

const MOST_REDIRECTS: usize = 3;

impl Settings {
    /// The usual settings for the service at `base_url`.
    #[must_use]
    pub fn new(base_url: Url) -> Self {
        const PER_SECOND: NonZeroU32 = NonZeroU32::MIN.saturating_add(4);
        const BURST: NonZeroU32 = NonZeroU32::MIN.saturating_add(9);
        Self {
            base_url,
            alerts_ttl: Duration::from_secs(30),
            deadline: Duration::from_secs(10),
            backoff: Duration::from_millis(300),
            requests_per_second: PER_SECOND,
            burst: BURST,
        }
    }
}

/// How NWS wants to be asked: with the name of the program and a `contact`, and not for too much.
#[must_use]
pub fn egress_settings(contact: Option<&str>) -> egress::Settings {
    let user_agent = match contact {
        Some(contact) => format!("{} ({contact})", egress::USER_AGENT),
        None => egress::USER_AGENT.to_owned(),
    };
    egress::Settings {
        connect_timeout: Duration::from_secs(3),
        read_timeout: Duration::from_secs(10),
        total_timeout: Duration::from_secs(10),
        max_body: 4 * 1024 * 1024,
        user_agent,
    }
}

impl Live {
    pub(super) fn new(
        settings: Settings,
        egress: egress::Client,
        clock: Arc<dyn Clock>,
        random: Arc<dyn Random>,
    ) -> Self {
        Self {
            budget: Budget::new(settings.requests_per_second, settings.burst),
            breaker: Breaker::new(Arc::clone(&clock)),
            settings,
            egress,
            clock,
            random,
        }
    }

    /// Asks, and asks again where that is known to help. A failure is in the log.
    pub(super) async fn fetch(&self, request: &Request) -> Result<Reply, NwsError> {
        let deadline = self.settings.deadline;
        match tokio::time::timeout(deadline, self.repeat(request)).await {
            Ok(answer) => answer,
            Err(_) => Err(self.failure(request, Reason::TimedOut)),
        }
    }

    async fn repeat(&self, request: &Request) -> Result<Reply, NwsError> {
        let mut repetition = 0;
        loop {
            self.breaker.refuses()?;
            let admitted = self.budget.admit().await;
            admitted.map_err(|reason| self.failure(request, reason))?;
            let pass = self.breaker.admit()?;
            let response = self.follow(request).await;
            let response = response.map_err(|reason| self.failure(request, reason))?;
            if response.status().is_success() {
                pass.answered();
                return reply(response).map_err(|reason| self.failure(request, reason));
            }
            let fault = Fault::of(&response);
            let reference = log(request, &response, &fault, Reference::new(&*self.random));
            let reason = match fault.meaning {
                Meaning::Throttled => {
                    let jitter = Duration::from_secs(u64::from(self.random_byte() % 3));
                    pass.limited(self.retry_after(&response), jitter, reference)
                }
                Meaning::Passing { retries, .. } if repetition < retries => {
                    pass.answered();
                    tokio::time::sleep(self.backoff(repetition)).await;
                    repetition += 1;
                    continue;
                }
                Meaning::Passing { reason, .. } | Meaning::Lasting(reason) => {
                    pass.answered();
                    reason
                }
            };
            return Err(NwsError::logged(reason, reference));
        }
    }

    /// Asks, and asks where it is sent: never elsewhere than at the same origin.
    async fn follow(&self, request: &Request) -> Result<Response<Bytes>, Reason> {
        let base = self.settings.base_url.as_str().trim_end_matches('/');
        let mut url =
            Url::parse(&format!("{base}{}", request.path())).map_err(|_| Reason::Unreachable)?;
        for hop in 0..=MOST_REDIRECTS {
            if hop > 0 {
                self.budget.admit().await?;
            }
            let response = self.egress.get(url.clone(), headers(request)).await?;
            if !matches!(response.status().as_u16(), 301 | 302 | 303 | 307 | 308) {
                return Ok(response);
            }
            let location = response.headers().get(LOCATION);
            url = location
                .and_then(|location| url.join(location.to_str().ok()?).ok())
                .filter(|next| next.origin() == self.settings.base_url.origin())
                .ok_or(Reason::Unexpected)?;
        }
        Err(Reason::Unexpected)
    }

    fn backoff(&self, repetition: u32) -> Duration {
        let spread = Duration::from_millis(u64::from(self.random_byte())) / 255;
        // From half to one and a half of the settings' wait, so that replicas don't march in step.
        let factor = 0.5 + spread.as_secs_f64() * 1_000.0;
        (self.settings.backoff * 2_u32.pow(repetition)).mul_f64(factor)
    }

    /// RFC 9110 §10.2.3: a number of seconds or a date.
    fn retry_after(&self, response: &Response<Bytes>) -> Option<Duration> {
        let text = response.headers().get(RETRY_AFTER)?.to_str().ok()?.trim();
        if let Ok(seconds) = text.parse() {
            return Some(Duration::from_secs(seconds));
        }
        let date = jiff::fmt::rfc2822::parse(text).ok()?.timestamp();
        let seconds = date.as_second().saturating_sub(self.clock.now().seconds());
        Some(Duration::from_secs(u64::try_from(seconds).unwrap_or(0)))
    }

    /// A failure without a response of NWS to tell of.
    fn failure(&self, request: &Request, reason: Reason) -> NwsError {
        let reference = Reference::new(&*self.random);
        tracing::warn!(
            nws.endpoint = request.endpoint(),
            nws.reason = ?reason,
            nws.reference = %reference,
            "the National Weather Service could not be asked"
        );
        NwsError::logged(reason, reference)
    }

    fn random_byte(&self) -> u8 {
        let mut byte = [0];
        self.random.fill(&mut byte);
        let [byte] = byte;
        byte
    }
}

/// Without the media type, copies that are days old were served.
fn headers(request: &Request) -> HeaderMap {
    HeaderMap::from_iter([(ACCEPT, HeaderValue::from_static(request.media_type()))])
}

fn reply(response: Response<Bytes>) -> Result<Reply, Reason> {
    if !is_json(&response) {
        return Err(Reason::Unexpected);
    }
    let stated = response.headers().get(CACHE_CONTROL);
    let stated = stated
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default();
    let seconds = stated
        .split(',')
        .find_map(|directive| directive.trim().strip_prefix("max-age=")?.parse().ok());
    Ok(Reply {
        max_age: seconds.map(Duration::from_secs),
        body: response.into_body(),
    })
}

fn log(
    request: &Request,
    response: &Response<Bytes>,
    fault: &Fault,
    reference: Reference,
) -> Reference {
    let correlation = response.headers().get("x-correlation-id");
    // `Debug` of a header's value escapes what isn't printable.
    tracing::warn!(
        nws.endpoint = request.endpoint(),
        nws.problem = fault.problem.as_deref().unwrap_or("none"),
        nws.correlation_id = ?correlation,
        nws.reference = %reference,
        http.status = response.status().as_u16(),
        "the National Weather Service sent no data"
    );
    reference
}
