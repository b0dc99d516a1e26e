//! Weather alerts: `/alerts/active` of a place, and `/alerts/{id}`.

use std::cmp::Reverse;
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::edition::Edition;
use super::error::{NwsError, Reason};
use super::moment::Moment;
use super::place::Place;
use super::request::Request;
use super::shelf::Found;
use super::{Nws, wire};
use crate::model::Timestamp;

/// A weather alert. The texts were written by forecast offices and their partners.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Alert {
    /// The identifier of the alert message.
    #[serde(default, deserialize_with = "wire::line")]
    pub id: Option<String>,
    /// What kind of alert it is, such as "Flash Flood Warning".
    #[serde(default, deserialize_with = "wire::line")]
    pub event: Option<String>,
    /// How bad it may become.
    #[serde(default, deserialize_with = "wire::or_default")]
    pub severity: Severity,
    /// How soon to act.
    #[serde(default, deserialize_with = "wire::or_default")]
    pub urgency: Urgency,
    /// How sure it is: Observed, Likely, Possible, Unlikely or Unknown.
    #[serde(default, deserialize_with = "wire::line")]
    pub certainty: Option<String>,
    /// The headline.
    #[serde(default, deserialize_with = "wire::line")]
    pub headline: Option<String>,
    /// The places that it is for, separated by semicolons.
    #[serde(default, deserialize_with = "wire::passage")]
    pub area_desc: Option<String>,
    /// When the message was sent.
    #[serde(default, deserialize_with = "wire::moment")]
    pub sent: Option<Moment>,
    /// From when the message counts.
    #[serde(default, deserialize_with = "wire::moment")]
    pub effective: Option<Moment>,
    /// When the event is expected to begin.
    #[serde(default, deserialize_with = "wire::moment")]
    pub onset: Option<Moment>,
    /// When the message expires; a later message may follow while the event goes on.
    #[serde(default, deserialize_with = "wire::moment")]
    pub expires: Option<Moment>,
    /// When the event is expected to end.
    #[serde(default, deserialize_with = "wire::moment")]
    pub ends: Option<Moment>,
    /// Who issued it.
    #[serde(default, deserialize_with = "wire::line")]
    pub sender_name: Option<String>,
    /// What is happening.
    #[serde(default, deserialize_with = "wire::passage")]
    pub description: Option<String>,
    /// What people should do.
    #[serde(default, deserialize_with = "wire::passage")]
    pub instruction: Option<String>,
    /// The recommended kind of response, such as Shelter, Evacuate, Avoid or Monitor.
    #[serde(default, deserialize_with = "wire::line")]
    pub response: Option<String>,
    /// Tests and exercises aren't `Actual`.
    #[serde(default, deserialize_with = "wire::line", skip_serializing)]
    status: Option<String>,
}

/// How bad an event may become, worst first.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
pub enum Severity {
    /// An extraordinary threat to life or property.
    Extreme,
    /// A significant threat.
    Severe,
    /// A possible threat.
    Moderate,
    /// A minimal threat, or none known.
    Minor,
    /// Not known.
    #[default]
    #[serde(other)]
    Unknown,
}

/// How soon to act, soonest first.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
pub enum Urgency {
    /// At once.
    Immediate,
    /// Within the next hour.
    Expected,
    /// In the near future.
    Future,
    /// No action is needed any more.
    Past,
    /// Not known.
    #[default]
    #[serde(other)]
    Unknown,
}

/// The identifier of an alert message, such as `urn:oid:2.49.0.1.840.0.0a1b.001.1`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct AlertId(String);

/// The text is no identifier of an alert.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "That is not the identifier of an alert. Give the `id` that get_alerts has for it; it begins \
     with urn:oid:2.49.0.1.840.0."
)]
pub struct InvalidAlertId;

/// The alerts of a place at one moment, worst first.
#[derive(Clone, Debug)]
pub struct ActiveAlerts {
    /// How old they are, when they stand in for current ones that can't be had.
    pub age: Option<Duration>,
    sent: Arc<Vec<Alert>>,
    now: Timestamp,
}

/// `/alerts/active` as it is sent; a collection without `features` is none.
#[derive(Deserialize)]
struct AlertCollection {
    features: Vec<AlertFeature>,
}

/// `/alerts/{id}` as it is sent.
#[derive(Deserialize)]
struct AlertFeature {
    properties: Alert,
}

impl Nws {
    /// The alerts of `place` that are active now, worst first.
    pub async fn active_alerts(&self, place: impl Into<Place>) -> Result<ActiveAlerts, NwsError> {
        let place = place.into();
        let found = self.alerts.get(&place, || {
            let (desk, place) = (Arc::clone(&self.desk), place.clone());
            async move {
                let sent = desk.load(&Request::Alerts(place.clone())).await;
                let sent = sent.map_err(|error| meant_for(&place, error))?;
                Ok(sent.kept_as(AlertCollection::into_alerts))
            }
        });
        let found = found.await?;
        Ok(ActiveAlerts {
            age: found.age,
            sent: found.value,
            now: self.clock.now(),
        })
    }

    /// The alert `id`, whether it is still active or not. NWS keeps them for a week.
    pub async fn alert(&self, id: &AlertId) -> Result<Found<Alert>, NwsError> {
        let fetch = || {
            let (desk, request) = (Arc::clone(&self.desk), Request::Alert(id.clone()));
            async move {
                let sent = desk.load(&request).await?;
                Ok(sent.kept_as(|feature: AlertFeature| feature.properties))
            }
        };
        self.single_alerts.get(id, fetch).await
    }

    /// True when the alert's time is over.
    #[must_use]
    pub fn is_over(&self, alert: &Alert) -> bool {
        alert.ended(self.clock.now())
    }
}

/// Outside of the United States `/points` answers 404, and alerts of a point 400.
fn meant_for(place: &Place, error: NwsError) -> NwsError {
    match (place, error.reason) {
        (Place::Point(_), Reason::Refused) => NwsError {
            reason: Reason::OutsideCoverage,
            ..error
        },
        _ => error,
    }
}

impl Alert {
    /// The alert without its long texts.
    #[must_use]
    pub fn in_brief(&self) -> Self {
        Self {
            description: None,
            instruction: None,
            ..self.clone()
        }
    }

    fn ended(&self, now: Timestamp) -> bool {
        let end = self.ends.as_ref().or(self.expires.as_ref());
        end.is_some_and(|end| end.at() <= now)
    }
}

impl AlertCollection {
    /// The alerts that are meant in earnest, worst first, then most urgent, then newest.
    fn into_alerts(self) -> Vec<Alert> {
        let actual = |alert: &Alert| alert.status.as_deref().is_none_or(|it| it == "Actual");
        let alerts = self.features.into_iter().map(|feature| feature.properties);
        let mut alerts: Vec<Alert> = alerts.filter(actual).collect();
        alerts.sort_by_key(|alert| {
            let sent = alert.sent.as_ref().map(Moment::at);
            (alert.severity, alert.urgency, Reverse(sent))
        });
        alerts
    }
}

impl ActiveAlerts {
    /// What an answer with them is made of; none where their age has to be said.
    #[must_use]
    pub fn edition(&self) -> Option<Edition> {
        let current = self.age.is_none();
        current.then(|| Edition::of(&self.sent, self.now))
    }

    /// The alerts, without those that ended since they were fetched.
    pub fn iter(&self) -> impl Iterator<Item = &Alert> {
        self.sent.iter().filter(|alert| !alert.ended(self.now))
    }
}

impl FromStr for AlertId {
    type Err = InvalidAlertId;

    /// Takes the address of an alert as well, and nothing that could be another path.
    fn from_str(text: &str) -> Result<Self, InvalidAlertId> {
        let id = text.rsplit('/').next().unwrap_or_default();
        let number = id.strip_prefix("urn:oid:").ok_or(InvalidAlertId)?;
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-');
        let valid = number.starts_with("2.49.0.1.840.0.")
            && number.len() <= 150
            && !number.contains("..")
            && number.bytes().all(plain);
        valid.then(|| Self(id.to_owned())).ok_or(InvalidAlertId)
    }
}

impl fmt::Display for AlertId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
