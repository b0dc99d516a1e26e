//! Coordinates as `/points` takes them: at most four decimals and no zero at the end.

use std::fmt;

/// A place on earth, to a ten-thousandth of a degree (about ten metres).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Coordinates {
    latitude: i32,
    longitude: i32,
}

/// The numbers are no place on earth.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "These are not coordinates: latitude goes from -90 to 90 and longitude from -180 to 180 \
     degrees, with negative numbers for the south and the west."
)]
pub struct InvalidCoordinates;

const PER_DEGREE: f64 = 10_000.0;

impl Coordinates {
    /// The place at these degrees, rounded.
    pub fn new(latitude: f64, longitude: f64) -> Result<Self, InvalidCoordinates> {
        Ok(Self {
            latitude: rounded(latitude, 90.0)?,
            longitude: rounded(longitude, 180.0)?,
        })
    }

    /// Degrees north of the equator.
    #[must_use]
    pub fn latitude(self) -> f64 {
        f64::from(self.latitude) / PER_DEGREE
    }

    /// Degrees east of Greenwich.
    #[must_use]
    pub fn longitude(self) -> f64 {
        f64::from(self.longitude) / PER_DEGREE
    }

    /// How many hours the sun is before UTC here.
    #[expect(
        clippy::cast_possible_truncation,
        reason = "at most 180 by 15, a whole number"
    )]
    pub(super) fn solar_offset(self) -> i8 {
        (self.longitude() / 15.0).round() as i8
    }
}

impl fmt::Display for Coordinates {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The shortest text that reads back as the number has no zero at its end, and a number of
        // ten-thousandths none beyond the fourth place.
        write!(f, "{},{}", self.latitude(), self.longitude())
    }
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "at most 180 times 10,000, a whole number"
)]
fn rounded(degrees: f64, limit: f64) -> Result<i32, InvalidCoordinates> {
    // Not a number is in no range.
    if (-limit..=limit).contains(&degrees) {
        Ok((degrees * PER_DEGREE).round() as i32)
    } else {
        Err(InvalidCoordinates)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn coordinates_have_four_decimals_and_no_zero_at_the_end() {
        let text = |latitude, longitude| Coordinates::new(latitude, longitude).unwrap().to_string();
        assert_eq!(text(37.774_929, -122.419_416), "37.7749,-122.4194");
        assert_eq!(text(45.458_0, -122.0), "45.458,-122");
        assert_eq!(text(-0.000_04, 180.0), "0,180");
        assert_eq!(text(0.1 + 0.2, -90.123_45), "0.3,-90.1235");
    }

    #[test]
    fn what_is_no_place_on_earth_is_refused() {
        for (latitude, longitude) in [
            (f64::NAN, 0.0),
            (0.0, f64::NAN),
            (f64::INFINITY, 0.0),
            (90.001, 0.0),
            (-90.001, 0.0),
            (0.0, 180.001),
            (0.0, f64::NEG_INFINITY),
        ] {
            assert_eq!(
                Coordinates::new(latitude, longitude),
                Err(InvalidCoordinates)
            );
        }
    }
}
