//! Quantities in the units that answers have, whatever unit they were sent in.

use super::wire::Quantity;

const KELVIN: f64 = 273.15;

impl Quantity {
    /// A temperature in degrees Celsius.
    pub(super) fn celsius(&self) -> Option<f64> {
        self.in_unit(|unit, value| match unit {
            "degC" => Some(value),
            "degF" => Some((value - 32.0) / 1.8),
            "K" => Some(value - KELVIN),
            _ => None,
        })
    }

    /// A speed in kilometres per hour.
    pub(super) fn kilometres_per_hour(&self) -> Option<f64> {
        self.in_unit(|unit, value| match unit {
            "km_h-1" => Some(value),
            "m_s-1" => Some(value * 3.6),
            "kt" => Some(value * 1.852),
            "mi_h-1" => Some(value * 1.609_344),
            _ => None,
        })
    }

    /// A pressure in hectopascals.
    pub(super) fn hectopascals(&self) -> Option<f64> {
        self.in_unit(|unit, value| match unit {
            "Pa" => Some(value / 100.0),
            "hPa" => Some(value),
            _ => None,
        })
    }

    /// A length in metres.
    pub(super) fn metres(&self) -> Option<f64> {
        self.in_unit(|unit, value| match unit {
            "m" => Some(value),
            "km" => Some(value * 1_000.0),
            "mm" => Some(value / 1_000.0),
            _ => None,
        })
    }

    /// A length in kilometres.
    pub(super) fn kilometres(&self) -> Option<f64> {
        self.metres().map(|metres| tenths(metres / 1_000.0))
    }

    /// A length in millimetres, as rain is measured.
    pub(super) fn millimetres(&self) -> Option<f64> {
        self.in_unit(|unit, value| match unit {
            "mm" => Some(value),
            "m" => Some(value * 1_000.0),
            _ => None,
        })
    }

    /// A part of a hundred.
    pub(super) fn percent(&self) -> Option<f64> {
        self.in_unit(|unit, value| (unit == "percent").then_some(value))
    }

    /// A direction in degrees from the north.
    pub(super) fn degrees(&self) -> Option<f64> {
        self.in_unit(|unit, value| unit.starts_with("degree").then_some(value))
    }

    fn in_unit(&self, convert: impl FnOnce(&str, f64) -> Option<f64>) -> Option<f64> {
        convert(self.unit.as_deref()?, self.value?).map(tenths)
    }
}

/// Rounded to a tenth; adding zero makes a rounded -0 a 0.
pub(super) fn tenths(value: f64) -> f64 {
    (value * 10.0).round() / 10.0 + 0.0
}

/// Degrees Fahrenheit of degrees Celsius.
pub(super) fn fahrenheit(celsius: f64) -> f64 {
    tenths(celsius * 1.8 + 32.0)
}

/// The point of the compass, one of 16, for degrees from the north.
pub(super) fn compass(degrees: f64) -> &'static str {
    const POINTS: [&str; 16] = [
        "N", "NNE", "NE", "ENE", "E", "ESE", "SE", "SSE", "S", "SSW", "SW", "WSW", "W", "WNW",
        "NW", "NNW",
    ];
    let sector = (degrees.rem_euclid(360.0) / 22.5).round();
    let nearest = POINTS
        .iter()
        .zip(0_u8..)
        .find(|(_, index)| f64::from(*index) >= sector);
    nearest.map_or("N", |(point, _)| point)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn quantity(value: f64, unit: &str) -> Quantity {
        Quantity {
            value: Some(value),
            unit: Some(unit.to_owned()),
            ..Quantity::default()
        }
    }

    #[test]
    fn a_quantity_is_read_in_any_unit_that_is_known() {
        assert_eq!(quantity(68.0, "degF").celsius(), Some(20.0));
        assert_eq!(quantity(293.15, "K").celsius(), Some(20.0));
        assert_eq!(quantity(10.0, "m_s-1").kilometres_per_hour(), Some(36.0));
        assert_eq!(quantity(101_325.0, "Pa").hectopascals(), Some(1_013.3));
        assert_eq!(quantity(16_093.44, "m").kilometres(), Some(16.1));
        assert_eq!(quantity(0.0051, "m").millimetres(), Some(5.1));
        assert_eq!(quantity(270.0, "degree_(angle)").degrees(), Some(270.0));
        assert_eq!(quantity(1.0, "furlong").metres(), None);
        assert_eq!(Quantity::default().celsius(), None);
    }

    #[test]
    fn degrees_are_the_nearest_point_of_the_compass() {
        for (degrees, point) in [
            (0.0, "N"),
            (359.0, "N"),
            (-90.0, "W"),
            (202.0, "SSW"),
            (44.0, "NE"),
        ] {
            assert_eq!(compass(degrees), point, "{degrees}");
        }
    }
}
