-- The audit log. SQLite; Postgres has the same tables.
--
-- A change writes its entry into audit_pending, in its own transaction: that costs one insert and
-- waits for nobody. A moment later the entries of a tenant are moved into audit_log, one after the
-- other, each with the hash of itself and of all before it. Whoever edits, removes or reorders one
-- breaks every hash that follows, and the signed checkpoints keep them from making new ones.

CREATE TABLE audit_pending (
    tenant      TEXT NOT NULL,
    id          INTEGER NOT NULL,
    at_ms       INTEGER NOT NULL,
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
    duration_us INTEGER,
    detail      TEXT, -- JSON
    PRIMARY KEY (tenant, id)
) STRICT;

CREATE TABLE audit_log (
    tenant      TEXT NOT NULL,
    sequence    INTEGER NOT NULL,
    hash        BLOB NOT NULL, -- SHA-256
    at_ms       INTEGER NOT NULL,
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
    duration_us INTEGER,
    detail      TEXT, -- JSON
    PRIMARY KEY (tenant, sequence)
) STRICT;

CREATE INDEX audit_log_by_time ON audit_log (tenant, at_ms);

-- Where each chain ends, and how far it was cut off at its beginning. Whoever adds to a chain holds
-- this row.
CREATE TABLE audit_heads (
    tenant   TEXT NOT NULL PRIMARY KEY,
    sequence INTEGER NOT NULL,
    hash     BLOB NOT NULL,
    trimmed  INTEGER NOT NULL -- the number of the last entry that was cut off; zero when none was
) STRICT;

-- What the tenant's key signed: that the chain had this hash at this number.
CREATE TABLE audit_checkpoints (
    tenant    TEXT NOT NULL,
    sequence  INTEGER NOT NULL,
    statement TEXT NOT NULL, -- JWS
    PRIMARY KEY (tenant, sequence)
) STRICT;

-- The public halves of the keys that signed checkpoints. They outlive the signing keys; `seal` says
-- that Gatehouse wrote the row, since only its encryption key makes one.
CREATE TABLE audit_keys (
    tenant TEXT NOT NULL,
    id     TEXT NOT NULL, -- RFC 7638 thumbprint
    jwk    TEXT NOT NULL,
    seal   BLOB NOT NULL,
    PRIMARY KEY (tenant, id)
) STRICT;

-- Entries are neither changed nor removed, but for those before the point where the log was cut
-- off, and for those of a tenant that was removed, whose head goes first.
CREATE TRIGGER audit_log_is_not_changed BEFORE UPDATE ON audit_log
BEGIN
    SELECT RAISE(ABORT, 'the audit log is append-only');
END;
CREATE TRIGGER audit_log_is_not_removed BEFORE DELETE ON audit_log
WHEN EXISTS (SELECT 1 FROM audit_heads AS h WHERE h.tenant = OLD.tenant AND h.trimmed < OLD.sequence)
BEGIN
    SELECT RAISE(ABORT, 'the audit log is append-only');
END;

CREATE TRIGGER audit_checkpoints_are_not_changed BEFORE UPDATE ON audit_checkpoints
BEGIN
    SELECT RAISE(ABORT, 'the audit log is append-only');
END;
CREATE TRIGGER audit_checkpoints_are_not_removed BEFORE DELETE ON audit_checkpoints
WHEN EXISTS (SELECT 1 FROM audit_heads AS h WHERE h.tenant = OLD.tenant AND h.trimmed < OLD.sequence)
BEGIN
    SELECT RAISE(ABORT, 'the audit log is append-only');
END;

CREATE TRIGGER audit_heads_go_forward BEFORE UPDATE ON audit_heads
WHEN NEW.sequence < OLD.sequence OR NEW.trimmed < OLD.trimmed OR NEW.tenant <> OLD.tenant
BEGIN
    SELECT RAISE(ABORT, 'the audit log is append-only');
END;
