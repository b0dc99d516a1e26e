-- What ended before its access tokens do. Postgres; SQLite has the same.
--
-- Replicas read this table every second, and none of them asks the database about a token. Triggers
-- write it, so that no statement that ends something can forget to.

-- `id` is that of a grant, a person or a client. Tokens that were issued until `revoked_at`, by the
-- clock of the database, are refused.
CREATE TABLE revocations (
    tenant     TEXT NOT NULL,
    kind       TEXT NOT NULL CHECK (kind IN ('grant', 'user', 'client')),
    id         TEXT NOT NULL,
    revoked_at BIGINT NOT NULL,
    PRIMARY KEY (tenant, kind, id)
);

CREATE INDEX revocations_by_time ON revocations (revoked_at);

CREATE FUNCTION note_revocation() RETURNS TRIGGER LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO revocations (tenant, kind, id, revoked_at)
    VALUES (OLD.tenant, TG_ARGV[0], OLD.id, floor(extract(epoch FROM clock_timestamp())))
    ON CONFLICT (tenant, kind, id) DO UPDATE SET revoked_at = excluded.revoked_at;
    RETURN NULL;
END
$$;

CREATE TRIGGER grants_revoked AFTER UPDATE OF revoked_at ON grants
FOR EACH ROW WHEN (OLD.revoked_at IS NULL AND NEW.revoked_at IS NOT NULL) EXECUTE FUNCTION note_revocation('grant');

CREATE TRIGGER users_disabled AFTER UPDATE OF disabled ON users
FOR EACH ROW WHEN (NEW.disabled AND NOT OLD.disabled) EXECUTE FUNCTION note_revocation('user');

CREATE TRIGGER users_removed AFTER DELETE ON users
FOR EACH ROW EXECUTE FUNCTION note_revocation('user');

CREATE TRIGGER clients_removed AFTER DELETE ON clients
FOR EACH ROW EXECUTE FUNCTION note_revocation('client');
