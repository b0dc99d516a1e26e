-- The second wall between tenants. Postgres only: a file of SQLite belongs to one process.
--
-- Every statement of this program names its tenant. Should one forget to, or name the wrong one,
-- these policies stand behind it: a transaction says whose rows it is after, `SET LOCAL
-- gatehouse.tenant`, and other rows are neither found nor changed nor added. Without the setting,
-- or with an empty one, which is what a connection keeps after such a transaction, there are none.
--
-- FORCE holds the owner of the tables to it as well. Superusers and roles with BYPASSRLS pass by;
-- so does Postgres itself where a foreign key cascades, and rows that refer to each other have the
-- same tenant.
--
-- A later migration that adds a table with a column `tenant` ends with
--     SELECT keep_tenants_apart('that_table');
-- and where upkeep removes what has ended there, with
--     SELECT admit_upkeep('that_table');
-- One that changes rows of such a table lifts the wall for itself, ALTER TABLE … NO FORCE ROW LEVEL
-- SECURITY, and puts it back. Tables without that column have no rows of tenants: `tenants` itself
-- is the list of them, which every replica reads whole.

CREATE FUNCTION keep_tenants_apart(owned REGCLASS) RETURNS VOID LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE format('ALTER TABLE %s ENABLE ROW LEVEL SECURITY', owned);
    EXECUTE format('ALTER TABLE %s FORCE ROW LEVEL SECURITY', owned);
    EXECUTE format('CREATE POLICY own_rows ON %s
                    USING (tenant = current_setting(''gatehouse.tenant'', TRUE))', owned);
END
$$;

-- Upkeep belongs to no tenant: it says '*', which no tenant is called. It may find rows and remove
-- them. It locks those that it is about to remove, which takes a policy for UPDATE as well; that one
-- admits no new version of a row.
CREATE FUNCTION admit_upkeep(owned REGCLASS) RETURNS VOID LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE format('CREATE POLICY upkeep_finds ON %s FOR SELECT
                    USING (current_setting(''gatehouse.tenant'', TRUE) = ''*'')', owned);
    EXECUTE format('CREATE POLICY upkeep_locks ON %s FOR UPDATE
                    USING (current_setting(''gatehouse.tenant'', TRUE) = ''*'')
                    WITH CHECK (FALSE)', owned);
    EXECUTE format('CREATE POLICY upkeep_removes ON %s FOR DELETE
                    USING (current_setting(''gatehouse.tenant'', TRUE) = ''*'')', owned);
END
$$;

SELECT keep_tenants_apart(c.oid)
FROM pg_class AS c
JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attname = 'tenant' AND NOT a.attisdropped
WHERE c.relkind IN ('r', 'p') AND c.relnamespace = current_schema()::regnamespace;

SELECT admit_upkeep(of_upkeep::regclass)
FROM unnest(ARRAY[
    'authorization_codes', 'client_registrations', 'clients', 'grants', 'login_sessions',
    'notes', 'pushed_requests', 'refresh_tokens', 'remote_documents', 'sign_in_attempts',
    'signing_keys', 'spent_identifiers', 'tasks'
]) AS of_upkeep;

-- Clients that upkeep removes leave a revocation behind, by a trigger. A revocation takes access
-- away and never gives any.
CREATE POLICY upkeep ON revocations
    USING (current_setting('gatehouse.tenant', TRUE) = '*');

-- The writer of the audit log asks which tenants have entries that wait; it takes them up as each of
-- these tenants.
CREATE POLICY upkeep_finds ON audit_pending FOR SELECT
    USING (current_setting('gatehouse.tenant', TRUE) = '*');
