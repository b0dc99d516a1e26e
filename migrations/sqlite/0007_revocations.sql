-- What ended before its access tokens do. SQLite; Postgres has the same.
--
-- Replicas read this table every second, and none of them asks the database about a token. Triggers
-- write it, so that no statement that ends something can forget to.

-- `id` is that of a grant, a person or a client. Tokens that were issued until `revoked_at`, by the
-- clock of the database, are refused.
CREATE TABLE revocations (
    tenant     TEXT NOT NULL,
    kind       TEXT NOT NULL CHECK (kind IN ('grant', 'user', 'client')),
    id         TEXT NOT NULL,
    revoked_at INTEGER NOT NULL,
    PRIMARY KEY (tenant, kind, id)
) STRICT;

CREATE INDEX revocations_by_time ON revocations (revoked_at);

CREATE TRIGGER grants_revoked AFTER UPDATE OF revoked_at ON grants
WHEN OLD.revoked_at IS NULL AND NEW.revoked_at IS NOT NULL
BEGIN
    INSERT INTO revocations (tenant, kind, id, revoked_at)
    VALUES (NEW.tenant, 'grant', NEW.id, unixepoch())
    ON CONFLICT (tenant, kind, id) DO UPDATE SET revoked_at = excluded.revoked_at;
END;

CREATE TRIGGER users_disabled AFTER UPDATE OF disabled ON users
WHEN NEW.disabled AND NOT OLD.disabled
BEGIN
    INSERT INTO revocations (tenant, kind, id, revoked_at)
    VALUES (NEW.tenant, 'user', NEW.id, unixepoch())
    ON CONFLICT (tenant, kind, id) DO UPDATE SET revoked_at = excluded.revoked_at;
END;

CREATE TRIGGER users_removed AFTER DELETE ON users
BEGIN
    INSERT INTO revocations (tenant, kind, id, revoked_at)
    VALUES (OLD.tenant, 'user', OLD.id, unixepoch())
    ON CONFLICT (tenant, kind, id) DO UPDATE SET revoked_at = excluded.revoked_at;
END;

CREATE TRIGGER clients_removed AFTER DELETE ON clients
BEGIN
    INSERT INTO revocations (tenant, kind, id, revoked_at)
    VALUES (OLD.tenant, 'client', OLD.id, unixepoch())
    ON CONFLICT (tenant, kind, id) DO UPDATE SET revoked_at = excluded.revoked_at;
END;
