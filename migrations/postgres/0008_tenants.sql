-- Tenants, and who said that they are. Postgres; SQLite has the same tables.
--
-- Other tables refer to `slug` by their column `tenant`, without a foreign key: accounts may be
-- added to a tenant of the configuration file before the first start stores its row.
CREATE TABLE tenants (
    slug       TEXT    NOT NULL PRIMARY KEY,
    public_url TEXT    NOT NULL,
    settings   TEXT    NOT NULL, -- JSON, in the form of the configuration's [[tenants]]
    origin     TEXT    NOT NULL CHECK (origin IN ('file', 'operator')),
    active     BOOLEAN NOT NULL, -- not while it is missing from the configuration file
    version    BIGINT NOT NULL, -- that of tenants_version when the row was last written
    changed_at BIGINT NOT NULL
);

-- An address that is no longer used may go to another tenant.
CREATE UNIQUE INDEX tenants_by_address ON tenants (public_url) WHERE active;

-- One row, which every change of a tenant counts up first. Changes wait for each other there, so
-- that whoever has seen a number has seen all changes up to it.
CREATE TABLE tenants_version (
    one     BIGINT NOT NULL PRIMARY KEY CHECK (one = 1),
    version BIGINT NOT NULL
);

INSERT INTO tenants_version (one, version) VALUES (1, 0);
