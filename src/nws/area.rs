//! Area codes of alerts: the 50 states, the district and the territories.

use std::fmt;
use std::str::FromStr;

/// A state or territory that has alerts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Area(&'static str);

/// The text is no area code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "That is not the code of a US state or territory. Give its two letters, such as CA, NY, DC or \
     PR."
)]
pub struct UnknownArea;

impl Area {
    /// Every area, in the order of the codes.
    pub const ALL: [Self; 59] = [
        Self("AK"),
        Self("AL"),
        Self("AR"),
        Self("AS"),
        Self("AZ"),
        Self("CA"),
        Self("CO"),
        Self("CT"),
        Self("DC"),
        Self("DE"),
        Self("FL"),
        Self("FM"),
        Self("GA"),
        Self("GU"),
        Self("HI"),
        Self("IA"),
        Self("ID"),
        Self("IL"),
        Self("IN"),
        Self("KS"),
        Self("KY"),
        Self("LA"),
        Self("MA"),
        Self("MD"),
        Self("ME"),
        Self("MH"),
        Self("MI"),
        Self("MN"),
        Self("MO"),
        Self("MP"),
        Self("MS"),
        Self("MT"),
        Self("NC"),
        Self("ND"),
        Self("NE"),
        Self("NH"),
        Self("NJ"),
        Self("NM"),
        Self("NV"),
        Self("NY"),
        Self("OH"),
        Self("OK"),
        Self("OR"),
        Self("PA"),
        Self("PR"),
        Self("PW"),
        Self("RI"),
        Self("SC"),
        Self("SD"),
        Self("TN"),
        Self("TX"),
        Self("UT"),
        Self("VA"),
        Self("VI"),
        Self("VT"),
        Self("WA"),
        Self("WI"),
        Self("WV"),
        Self("WY"),
    ];

    /// The two letters, in upper case.
    #[must_use]
    pub const fn code(self) -> &'static str {
        self.0
    }
}

impl FromStr for Area {
    type Err = UnknownArea;

    /// Takes upper and lower case.
    fn from_str(text: &str) -> Result<Self, UnknownArea> {
        let known = |area: &Self| area.0.eq_ignore_ascii_case(text);
        Self::ALL.into_iter().find(known).ok_or(UnknownArea)
    }
}

impl fmt::Display for Area {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}
