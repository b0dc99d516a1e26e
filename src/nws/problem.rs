//! What a response of NWS that is no data means (problem details, RFC 9457), and what to do then.

use bytes::Bytes;
use http::{Response, StatusCode, header};
use serde::Deserialize;

use super::error::Reason;

/// A response that isn't the data asked for.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Fault {
    /// The name of the documented problem, when it is one.
    pub(super) problem: Option<String>,
    /// What to make of it.
    pub(super) meaning: Meaning,
}

/// What a fault means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Meaning {
    /// A documented intermittent failure: the same request may work when repeated so many times.
    Passing {
        /// How many repetitions make sense.
        retries: u32,
        /// What to say when none of them worked.
        reason: Reason,
    },
    /// Too many requests went out from here.
    Throttled,
    /// Repeating the request changes nothing.
    Lasting(Reason),
}

#[derive(Default, Deserialize)]
struct Details {
    #[serde(default)]
    r#type: String,
}

impl Fault {
    /// What `response` means.
    pub(super) fn of(response: &Response<Bytes>) -> Self {
        let problem = problem_name(response);
        let meaning = meaning(response.status(), problem.as_deref());
        Self { problem, meaning }
    }
}

/// True when the response says that it has JSON of any kind.
pub(super) fn is_json(response: &Response<Bytes>) -> bool {
    let stated = response.headers().get(header::CONTENT_TYPE);
    let stated = stated
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default();
    let essence = stated
        .split(';')
        .next()
        .unwrap_or_default()
        .trim()
        .to_ascii_lowercase();
    essence == "application/json"
        || (essence.starts_with("application/") && essence.ends_with("+json"))
}

fn problem_name(response: &Response<Bytes>) -> Option<String> {
    if !is_json(response) {
        return None;
    }
    let details: Details = serde_json::from_slice(response.body()).unwrap_or_default();
    // Both https://api.weather.gov/problems/NAME and urn:noaa:nws:api:NAME are in use.
    let name = details.r#type.rsplit(['/', ':']).next().unwrap_or_default();
    let plain = name.len() <= 64 && name.bytes().all(|byte| byte.is_ascii_alphanumeric());
    Some(if plain {
        name.to_owned()
    } else {
        String::new()
    })
}

fn meaning(status: StatusCode, problem: Option<&str>) -> Meaning {
    match (status.as_u16(), problem) {
        // What the edge in front of NWS sends when it limits looks like nothing the API returns.
        (429, _) | (403, None) => Meaning::Throttled,
        (404, Some("InvalidPoint")) => Meaning::Lasting(Reason::OutsideCoverage),
        (404, Some("MarineForecastNotSupported")) => Meaning::Lasting(Reason::Marine),
        (404, _) => Meaning::Lasting(Reason::NotFound),
        // A documented bug of the grid: repeating generally yields data.
        (500, Some(_)) => Meaning::Passing {
            retries: 2,
            reason: Reason::Unavailable,
        },
        // That lasts for hours: repeating at once only costs turns.
        (503, Some("ForecastGridExpired" | "ForecastMissingData")) => {
            Meaning::Lasting(Reason::ForecastLate)
        }
        (503, _) => Meaning::Passing {
            retries: 1,
            reason: Reason::Unavailable,
        },
        (504, _) => Meaning::Lasting(Reason::TimedOut),
        (500..=599, _) => Meaning::Lasting(Reason::Unavailable),
        (400..=499, _) => Meaning::Lasting(Reason::Refused),
        _ => Meaning::Lasting(Reason::Unexpected),
    }
}
