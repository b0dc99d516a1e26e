#!/usr/bin/env python3
"""Starts a gatehouse process and the weather service behind it, then runs a client against them.

    tests/clients/run.py [--gatehouse BINARY] [--postgres URL] [--path PATH] COMMAND…

The client finds the gateway in GATEHOUSE_URL, its console below GATEHOUSE_ADMIN_URL, who signs in in GATEHOUSE_USERNAME and
GATEHOUSE_PASSWORD, and what an operator works with in GATEHOUSE_BINARY and GATEHOUSE_CONFIGURATION.
Its exit status is the run's.
"""

import argparse
import os
import subprocess
import sys
from pathlib import Path

from gateway import Gateway, GatewayError
from weather_service import WeatherService

CLIENT_SECONDS = 600


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    built = Path(__file__).parents[2] / "target" / "debug" / "gatehouse"
    parser.add_argument("--gatehouse", default=built, help="the binary to start")
    parser.add_argument("--postgres", help="a server to make a database on, instead of SQLite")
    parser.add_argument("--path", default="", help="the path of the public URL, as /t/acme")
    parser.add_argument("command", nargs=argparse.REMAINDER, help="the client to run")
    arguments = parser.parse_args()
    with WeatherService() as weather:
        with Gateway(arguments.gatehouse, weather.url, arguments.postgres, arguments.path) as gateway:
            environment = os.environ | {
                "GATEHOUSE_URL": gateway.url,
                "GATEHOUSE_ADMIN_URL": gateway.admin_url,
                "GATEHOUSE_USERNAME": gateway.username,
                "GATEHOUSE_PASSWORD": gateway.password,
                "GATEHOUSE_BINARY": str(arguments.gatehouse),
                "GATEHOUSE_CONFIGURATION": str(gateway.configuration),
            }
            subprocess.run(
                arguments.command,
                env=environment,
                stdin=subprocess.DEVNULL,
                timeout=CLIENT_SECONDS,
                check=True,
            )


if __name__ == "__main__":
    try:
        main()
    except (GatewayError, subprocess.SubprocessError, OSError) as error:
        sys.exit(f"tests/clients/run.py: {error}")
