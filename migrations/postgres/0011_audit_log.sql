-- The audit log. Postgres; SQLite has the same tables.
--
-- A change writes its entry into audit_pending, in its own transaction: that costs one insert and
-- waits for nobody. A moment later the entries of a tenant are moved into audit_log, one after the
-- other, each with the hash of itself and of all before it. Whoever edits, removes or reorders one
-- breaks every hash that follows, and the signed checkpoints keep them from making new ones.

CREATE TABLE audit_pending (
    tenant      TEXT NOT NULL,
    id          BIGINT GENERATED ALWAYS AS IDENTITY,
    at_ms       BIGINT NOT NULL,
    event       TEXT NOT NULL,
    outcome     TEXT NOT NULL,
    actor_kind  TEXT NOT NULL,
    actor       TEXT,
    user_id     TEXT,
    client_id   TEXT,
    grant_id    TEXT,
    target      TEXT,
    request_id  TEXT,
    address     TEXT,
    duration_us BIGINT,
    detail      TEXT, -- JSON
    PRIMARY KEY (tenant, id)
);

CREATE TABLE audit_log (
    tenant      TEXT NOT NULL,
    sequence    BIGINT NOT NULL,
    hash        BYTEA NOT NULL, -- SHA-256
    at_ms       BIGINT NOT NULL,
    event       TEXT NOT NULL,
    outcome     TEXT NOT NULL,
    actor_kind  TEXT NOT NULL,
    actor       TEXT,
    user_id     TEXT,
    client_id   TEXT,
    grant_id    TEXT,
    target      TEXT,
    request_id  TEXT,
    address     TEXT,
    duration_us BIGINT,
    detail      TEXT, -- JSON
    PRIMARY KEY (tenant, sequence)
);

CREATE INDEX audit_log_by_time ON audit_log (tenant, at_ms);

-- Where each chain ends, and how far it was cut off at its beginning. Whoever adds to a chain holds
-- this row.
CREATE TABLE audit_heads (
    tenant   TEXT NOT NULL PRIMARY KEY,
    sequence BIGINT NOT NULL,
    hash     BYTEA NOT NULL,
    trimmed  BIGINT NOT NULL -- the number of the last entry that was cut off; zero when none was
);

-- What the tenant's key signed: that the chain had this hash at this number.
CREATE TABLE audit_checkpoints (
    tenant    TEXT NOT NULL,
    sequence  BIGINT NOT NULL,
    statement TEXT NOT NULL, -- JWS
    PRIMARY KEY (tenant, sequence)
);

-- The public halves of the keys that signed checkpoints. They outlive the signing keys; `seal` says
-- that Gatehouse wrote the row, since only its encryption key makes one.
CREATE TABLE audit_keys (
    tenant TEXT NOT NULL,
    id     TEXT NOT NULL, -- RFC 7638 thumbprint
    jwk    TEXT NOT NULL,
    seal   BYTEA NOT NULL,
    PRIMARY KEY (tenant, id)
);

-- Entries are neither changed nor removed, but for those before the point where the log was cut
-- off, and for those of a tenant that was removed, whose head goes first.
CREATE FUNCTION refuse_audit_change() RETURNS TRIGGER LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'the audit log is append-only';
END
$$;

CREATE FUNCTION guard_audit_removal() RETURNS TRIGGER LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT 1 FROM audit_heads AS h WHERE h.tenant = OLD.tenant AND h.trimmed < OLD.sequence) THEN
        RAISE EXCEPTION 'the audit log is append-only';
    END IF;
    RETURN OLD;
END
$$;

CREATE TRIGGER audit_log_is_not_changed BEFORE UPDATE ON audit_log
FOR EACH ROW EXECUTE FUNCTION refuse_audit_change();
CREATE TRIGGER audit_log_is_not_removed BEFORE DELETE ON audit_log
FOR EACH ROW EXECUTE FUNCTION guard_audit_removal();
CREATE TRIGGER audit_log_is_not_emptied BEFORE TRUNCATE ON audit_log
FOR EACH STATEMENT EXECUTE FUNCTION refuse_audit_change();

CREATE TRIGGER audit_checkpoints_are_not_changed BEFORE UPDATE ON audit_checkpoints
FOR EACH ROW EXECUTE FUNCTION refuse_audit_change();
CREATE TRIGGER audit_checkpoints_are_not_removed BEFORE DELETE ON audit_checkpoints
FOR EACH ROW EXECUTE FUNCTION guard_audit_removal();
CREATE TRIGGER audit_checkpoints_are_not_emptied BEFORE TRUNCATE ON audit_checkpoints
FOR EACH STATEMENT EXECUTE FUNCTION refuse_audit_change();

CREATE TRIGGER audit_heads_go_forward BEFORE UPDATE ON audit_heads
FOR EACH ROW WHEN (NEW.sequence < OLD.sequence OR NEW.trimmed < OLD.trimmed OR NEW.tenant <> OLD.tenant)
EXECUTE FUNCTION refuse_audit_change();
