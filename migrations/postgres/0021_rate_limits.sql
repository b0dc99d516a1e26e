-- What all replicas together have used of a limit. Postgres only: a file of SQLite belongs to one
-- process, which keeps its limits by itself.
--
-- `key` is the digest of the tenant, the rule, the limit and whoever is counted; `whole_at` is when
-- that limit is whole again, in microseconds since the Unix epoch by this server's clock, and `most`
-- how far ahead that can be. A row that is whole again says nothing and is removed.
--
-- UNLOGGED: nothing is written twice for it, and after a crash, or on a standby that was promoted, it
-- is empty: limits begin anew then.
CREATE UNLOGGED TABLE rate_limits (
    key      BYTEA NOT NULL PRIMARY KEY,
    whole_at BIGINT NOT NULL,
    most     BIGINT NOT NULL
);
