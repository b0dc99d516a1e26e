//! Weather alerts: the properties of the features of `/alerts/active`.

use std::cmp::Reverse;
use std::sync::Arc;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::moment::Moment;
use super::wire;
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

/// The alerts of an area at one moment, worst first.
#[derive(Clone, Debug)]
pub struct ActiveAlerts {
    sent: Arc<Vec<Alert>>,
    now: Timestamp,
}

/// `/alerts/active` as it is sent; a collection without `features` is none.
#[derive(Deserialize)]
pub(super) struct AlertCollection {
    features: Vec<AlertFeature>,
}

#[derive(Deserialize)]
struct AlertFeature {
    properties: Alert,
}

impl Alert {
    fn ended(&self, now: Timestamp) -> bool {
        let end = self.ends.as_ref().or(self.expires.as_ref());
        end.is_some_and(|end| end.at() <= now)
    }
}

impl AlertCollection {
    /// The alerts that are meant in earnest, worst first, then most urgent, then newest.
    pub(super) fn into_alerts(self) -> Vec<Alert> {
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
    pub(super) fn new(sent: Arc<Vec<Alert>>, now: Timestamp) -> Self {
        Self { sent, now }
    }

    /// The alerts, without those that ended since they were fetched.
    pub fn iter(&self) -> impl Iterator<Item = &Alert> {
        self.sent.iter().filter(|alert| !alert.ended(self.now))
    }
}
