//! Why there is no weather, in words for the model that asked.

use crate::egress::EgressError;

/// Why there is no answer. The texts say what happened and what to do, and hold nothing that came
/// from outside.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NwsError {
    /// The point lies outside of what NWS covers.
    #[error(
        "The National Weather Service has no data for this point: it covers the United States and \
         its territories only. Check the coordinates; longitudes in the Americas are negative."
    )]
    OutsideCoverage,
    /// The point lies on water.
    #[error(
        "The National Weather Service has no text forecast for this point because it lies on \
         water. Try a point on land nearby."
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

impl From<EgressError> for NwsError {
    fn from(error: EgressError) -> Self {
        match error {
            EgressError::Setup | EgressError::Connection => Self::Unreachable,
            EgressError::TimedOut => Self::TimedOut,
            EgressError::TooLarge => Self::Unexpected,
        }
    }
}
