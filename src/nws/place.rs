//! What alerts can be asked for: a state, a zone, or a point.

use std::fmt;
use std::str::FromStr;

use super::area::Area;
use super::coordinates::Coordinates;

/// Where alerts are wanted for.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Place {
    /// A state or territory.
    Area(Area),
    /// A forecast zone, a county, or a part of the sea.
    Zone(Zone),
    /// A point.
    Point(Coordinates),
}

/// A zone as NWS numbers them: `CAZ006` for a forecast zone, `CAC075` for a county, `ANZ335` at sea.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Zone(String);

/// The text is no zone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "That is not a zone of the National Weather Service. Give two letters of the state or marine \
     area, a Z for a forecast zone or a C for a county, and three digits, such as CAZ006 or CAC075."
)]
pub struct InvalidZone;

/// The parts of the sea and of the Great Lakes that have zones.
const MARINE: [&str; 15] = [
    "AM", "AN", "GM", "LC", "LE", "LH", "LM", "LO", "LS", "PH", "PK", "PM", "PS", "PZ", "SL",
];

impl Zone {
    /// The state or territory that it lies in; none for one at sea.
    #[must_use]
    pub fn area(&self) -> Option<Area> {
        self.0.get(..2)?.parse().ok()
    }
}

impl Place {
    /// The query parameter that asks for it.
    pub(super) fn query(&self) -> String {
        match self {
            Self::Area(area) => format!("area={area}"),
            Self::Zone(zone) => format!("zone={zone}"),
            Self::Point(point) => format!("point={point}"),
        }
    }
}

impl FromStr for Zone {
    type Err = InvalidZone;

    /// Takes upper and lower case.
    fn from_str(text: &str) -> Result<Self, InvalidZone> {
        let text = text.to_ascii_uppercase();
        let (land, rest) = text.split_at_checked(2).ok_or(InvalidZone)?;
        let known = MARINE.contains(&land) || land.parse::<Area>().is_ok();
        let digits = rest.strip_prefix(['C', 'Z']).ok_or(InvalidZone)?;
        let numbered = digits.len() == 3 && digits.bytes().all(|byte| byte.is_ascii_digit());
        (known && numbered).then_some(Self(text)).ok_or(InvalidZone)
    }
}

impl From<Area> for Place {
    fn from(area: Area) -> Self {
        Self::Area(area)
    }
}

impl fmt::Display for Zone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Area(area) => area.fmt(f),
            Self::Zone(zone) => zone.fmt(f),
            Self::Point(point) => point.fmt(f),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn zones_of_land_and_sea_are_known_and_nothing_else() {
        for text in ["CAZ006", "cac075", "ANZ335", "PRC001"] {
            assert_eq!(
                text.parse::<Zone>().unwrap().to_string(),
                text.to_uppercase()
            );
        }
        for text in [
            "", "CA", "CAZ06", "CAX006", "XXZ006", "CAZ0066", "CAZ/..", "ÄAZ006", "Z006",
        ] {
            assert_eq!(text.parse::<Zone>(), Err(InvalidZone), "{text}");
        }
    }
}
