//! Why there is no weather, in words for the model that asked.

use std::fmt;

use crate::egress::EgressError;
use crate::model::Random;

/// There is no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NwsError {
    /// Why.
    pub reason: Reason,
    /// What finds the log line about it, where there is one.
    pub reference: Option<Reference>,
}

/// Why there is no answer. The texts say what happened and what to do, and hold nothing that came
/// from outside.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Reason {
    /// The point lies outside of what NWS covers.
    #[error(
        "The National Weather Service has no data for this point: it covers the United States and \
         its territories only. Check the coordinates; longitudes in the Americas are negative."
    )]
    OutsideCoverage,
    /// The point lies on water, and there is nothing to make a forecast of.
    #[error(
        "The National Weather Service has no forecast for this point because it lies on water. \
         Try a point on land nearby."
    )]
    Marine,
    /// The grid cell of the point isn't known, or its forecast isn't there.
    #[error(
        "The National Weather Service doesn't find what was asked for. Check the arguments; for \
         a forecast, a point a few kilometres away may work."
    )]
    NotFound,
    /// The forecast office hasn't delivered.
    #[error(
        "The responsible forecast office of the National Weather Service has no current forecast \
         for this point. That can last for hours; try again later or use a point farther away."
    )]
    ForecastLate,
    /// Too many requests went out.
    #[error(
        "The National Weather Service is limiting requests at the moment. Try again in about \
         {seconds} seconds."
    )]
    Throttled {
        /// When the next attempt makes sense.
        seconds: u64,
    },
    /// A deadline passed.
    #[error("The National Weather Service didn't answer in time. Try again in a minute.")]
    TimedOut,
    /// There is no connection.
    #[error("The National Weather Service can't be reached. Try again in a minute.")]
    Unreachable,
    /// It says that it is out of order.
    #[error("The National Weather Service has a problem of its own. Try again in a minute.")]
    Unavailable,
    /// It refused the request.
    #[error(
        "The National Weather Service refused the request. Trying again won't help; check the \
         arguments."
    )]
    Refused,
    /// What it sent isn't what its documentation says.
    #[error(
        "The National Weather Service sent something that is not the expected data. Try again \
         later."
    )]
    Unexpected,
}

/// A word that stands in the log line about one failure, and in those of all requests that met it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reference([u8; 5]);

impl NwsError {
    /// The error `reason` with the log line that `reference` finds.
    pub(super) const fn logged(reason: Reason, reference: Reference) -> Self {
        Self {
            reason,
            reference: Some(reference),
        }
    }

    /// Writes the line that leads from the present request to the failure, which others may have
    /// met as well.
    pub fn note(&self) {
        tracing::info!(
            nws.reason = ?self.reason,
            nws.reference = self.reference.map(tracing::field::display),
            "there is no weather for this request"
        );
    }
}

impl Reason {
    /// True when it says nothing about what was asked for, so that an older answer may stand in.
    #[must_use]
    pub const fn is_passing(self) -> bool {
        match self {
            Self::ForecastLate
            | Self::Throttled { .. }
            | Self::TimedOut
            | Self::Unreachable
            | Self::Unavailable
            | Self::Unexpected => true,
            Self::OutsideCoverage | Self::Marine | Self::NotFound | Self::Refused => false,
        }
    }
}

impl Reference {
    pub(super) fn new(random: &dyn Random) -> Self {
        let mut bytes = [0; 5];
        random.fill(&mut bytes);
        Self(bytes)
    }
}

impl From<Reason> for NwsError {
    fn from(reason: Reason) -> Self {
        Self {
            reason,
            reference: None,
        }
    }
}

impl From<EgressError> for Reason {
    fn from(error: EgressError) -> Self {
        match error {
            EgressError::Setup | EgressError::Connection => Self::Unreachable,
            EgressError::TimedOut => Self::TimedOut,
            EgressError::TooLarge => Self::Unexpected,
        }
    }
}

impl std::error::Error for NwsError {}

impl fmt::Display for NwsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.reason.fmt(f)
    }
}

impl fmt::Display for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}
