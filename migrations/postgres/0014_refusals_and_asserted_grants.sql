-- How a client is told what its tokens lack, and grants that no code began. Postgres; SQLite has the
-- same columns.

ALTER TABLE clients ADD COLUMN refusals TEXT; -- null: as the tenant's rules have it

-- A grant that an identity provider asserted has neither code nor refresh token: it ends with the
-- only access token that came of it. Null for all others.
ALTER TABLE grants ADD COLUMN ends_at BIGINT;
