#!/usr/bin/env bash
# The two roles of README.md: one that owns the tables, one that only uses them. The image of Postgres
# runs this once, when it makes its database.
set -euo pipefail

secrets=${SECRETS:-/secrets}
psql --set ON_ERROR_STOP=1 --username "${POSTGRES_USER:-postgres}" --dbname postgres \
    --set owner="$(cat "$secrets/owner-password")" --set gatehouse="$(cat "$secrets/gatehouse-password")" <<'SQL'
CREATE ROLE gatehouse_owner LOGIN PASSWORD :'owner';
CREATE ROLE gatehouse LOGIN PASSWORD :'gatehouse';
CREATE DATABASE gatehouse OWNER gatehouse_owner;
SQL
