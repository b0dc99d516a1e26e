"""A stand-in for api.weather.gov on a free loopback port: one storm in New York, sun over its harbour."""

import json
import threading
from datetime import datetime, timedelta, timezone
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

POINT = (40.7128, -74.006)
CELL = "OKX/33,35"
ALERT = "Winter Storm Warning: Heavy snow from tonight until Tuesday noon"
FIRST_PERIOD = "Today: 75°F — Sunny"


class WeatherService:
    """Serves while its `with` block runs; `url` is what a gateway takes for `weather.base_url`."""

    def __enter__(self):
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        return self

    def __exit__(self, *_):
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        address = urlsplit(self.path)
        area = ",".join(parse_qs(address.query).get("area", []))
        if address.path == "/alerts/active":
            self._answer(200, _alerts(area))
        elif address.path.startswith("/points/"):
            self._answer(200, _point())
        elif address.path == f"/gridpoints/{CELL}/forecast":
            self._answer(200, _forecast())
        else:
            problem = {"title": "Not Found", "status": 404, "detail": "Not Found"}
            self._answer(404, problem, "application/problem+json")

    def log_message(self, *_):
        pass

    def _answer(self, status, body, kind="application/geo+json"):
        body = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Cache-Control", "public, max-age=60")
        self.end_headers()
        self.wfile.write(body)


def _moment(hours):
    return (datetime.now(timezone.utc) + timedelta(hours=hours)).isoformat(timespec="seconds")


def _alerts(area):
    event, headline = ALERT.split(": ")
    identifier = "urn:oid:2.49.0.1.840.0.invented"
    alert = {
        "id": identifier,
        "areaDesc": "New York (Manhattan)",
        "sent": _moment(-2),
        "effective": _moment(-2),
        "onset": _moment(-1),
        "expires": _moment(12),
        "ends": _moment(20),
        "status": "Actual",
        "messageType": "Alert",
        "category": "Met",
        "severity": "Severe",
        "certainty": "Likely",
        "urgency": "Expected",
        "event": event,
        "headline": headline,
        "description": "Snow, one foot of it.",
        "instruction": "Stay in.",
        "senderName": "NWS Upton NY",
    }
    features = []
    if area == "NY":
        features.append({"id": identifier, "type": "Feature", "geometry": None, "properties": alert})
    return {"type": "FeatureCollection", "features": features, "title": "alerts", "updated": _moment(0)}


def _point():
    office, cell = CELL.split("/")
    x, y = cell.split(",")
    base = f"https://api.weather.gov/gridpoints/{CELL}"
    properties = {
        "cwa": office,
        "gridId": office,
        "gridX": int(x),
        "gridY": int(y),
        "forecast": f"{base}/forecast",
        "forecastHourly": f"{base}/forecast/hourly",
        "observationStations": f"{base}/stations",
        "relativeLocation": {"type": "Feature", "properties": {"city": "New York", "state": "NY"}},
        "timeZone": "America/New_York",
    }
    geometry = {"type": "Point", "coordinates": [POINT[1], POINT[0]]}
    return {"type": "Feature", "geometry": geometry, "properties": properties}


def _forecast():
    days = ["Today", "Tonight", "Monday", "Monday Night", "Tuesday", "Tuesday Night", "Wednesday"]
    periods = [
        {
            "number": number + 1,
            "name": name,
            "startTime": _moment(12 * number),
            "endTime": _moment(12 * number + 12),
            "isDaytime": number % 2 == 0,
            "temperature": 75 - number,
            "temperatureUnit": "F",
            "windSpeed": "5 to 10 mph",
            "windDirection": "NW",
            "probabilityOfPrecipitation": {"unitCode": "wmoUnit:percent", "value": 0},
            "shortForecast": "Sunny" if number % 2 == 0 else "Clear",
            "detailedForecast": "Nothing but sky.",
        }
        for number, name in enumerate(days + ["Wednesday Night"])
    ]
    properties = {"units": "us", "generatedAt": _moment(0), "updateTime": _moment(-1), "periods": periods}
    return {"type": "Feature", "geometry": None, "properties": properties}
