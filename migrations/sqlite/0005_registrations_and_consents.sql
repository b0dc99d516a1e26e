-- How clients registered themselves, and what people agreed to. SQLite; Postgres has the same tables.

-- Clients that registered themselves (RFC 7591); one without a row was added by an operator and
-- stays until an operator removes it.
CREATE TABLE client_registrations (
    tenant        TEXT    NOT NULL,
    client_id     TEXT    NOT NULL,
    token         BLOB,   -- digest of the registration access token (RFC 7592); null for a
                          -- client from before there was one
    registered_at INTEGER NOT NULL,
    used_at       INTEGER, -- when a person last gave it a grant; null when nobody ever did
    PRIMARY KEY (tenant, client_id),
    FOREIGN KEY (tenant, client_id) REFERENCES clients (tenant, id) ON DELETE CASCADE
) STRICT;

INSERT INTO client_registrations (tenant, client_id, registered_at, used_at)
SELECT c.tenant, c.id, c.created_at,
       (SELECT MAX(g.created_at) FROM grants AS g
        WHERE g.tenant = c.tenant AND g.client_id = c.id)
FROM clients AS c;

-- The last consent of a person to a client. It holds for this very request and for no wider one.
-- No foreign key to clients: see there.
CREATE TABLE consents (
    tenant        TEXT    NOT NULL,
    user_id       TEXT    NOT NULL,
    client_id     TEXT    NOT NULL,
    redirect_host TEXT    NOT NULL, -- as the consent page showed it
    scopes        TEXT    NOT NULL,
    resource      TEXT    NOT NULL,
    given_at      INTEGER NOT NULL,
    PRIMARY KEY (tenant, user_id, client_id),
    FOREIGN KEY (tenant, user_id) REFERENCES users (tenant, id) ON DELETE CASCADE
) STRICT;

-- When a grant's refresh token was last exchanged; null when it never was.
ALTER TABLE grants ADD COLUMN used_at INTEGER;

-- For the removal of clients that nobody ever used, and of all that a client was given.
CREATE INDEX client_registrations_by_age ON client_registrations (tenant, registered_at);
CREATE INDEX grants_by_client ON grants (tenant, client_id);
CREATE INDEX consents_by_client ON consents (tenant, client_id);
