//! The present weather at a point: the nearest station that knows the temperature.

use std::sync::Arc;
use std::time::Duration;

use super::Nws;
use super::coordinates::Coordinates;
use super::error::{NwsError, Reason};
use super::observation::{Observation, is_of_station};
use super::point::Point;
use super::shelf::Found;
use super::station::{self, Station};

/// The present weather at a point.
#[derive(Clone, Debug)]
pub struct Conditions {
    /// The point.
    pub point: Arc<Point>,
    /// The station that saw it.
    pub station: Station,
    /// What it saw.
    pub observation: Arc<Observation>,
    /// How old the answer is, when it stands in for a current one that can't be had.
    pub age: Option<Duration>,
}

/// What was seen longer ago is taken only when no station nearby knows better.
const RECENT: Duration = Duration::from_hours(2);

/// A sighting by a station, and how good it is: the smaller the better.
type Sighting = (Station, Found<Observation>);

impl Nws {
    /// The present weather at `coordinates`, as the nearest station that knows it saw it.
    pub async fn conditions(&self, coordinates: Coordinates) -> Result<Conditions, NwsError> {
        let stations = self.at_point(coordinates, || (), &self.stations, station::fetch);
        let (point, stations) = stations.await?;
        let (mut best, mut failure): (Option<(u8, Sighting)>, _) = (None, None);
        for station in stations.value.iter() {
            let found = match self.latest(&station.id).await {
                Ok(found) => found,
                Err(error) if is_of_station(error.reason) => {
                    failure.get_or_insert(error);
                    continue;
                }
                Err(error) => {
                    failure = Some(error);
                    break;
                }
            };
            let lack = self.lack_of(&found.value);
            if best.as_ref().is_none_or(|(least, _)| lack < *least) {
                best = Some((lack, (station.clone(), found)));
            }
            if lack == 0 {
                break;
            }
        }
        let none = || failure.unwrap_or(NwsError::from(Reason::NotFound));
        let (_, (station, found)) = best.ok_or_else(none)?;
        Ok(Conditions {
            point,
            station,
            observation: found.value,
            age: found.age,
        })
    }

    /// How much an observation lacks: nothing when it is recent and has a temperature.
    fn lack_of(&self, seen: &Observation) -> u8 {
        let old = seen.age(self.clock.now()).is_none_or(|age| age > RECENT);
        let empty = seen.temperature_celsius.is_none();
        u8::from(old) + 2 * u8::from(empty)
    }
}
