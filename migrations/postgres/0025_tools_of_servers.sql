-- The tools of mounted servers: what was approved, and what is offered instead. Postgres; SQLite has the
-- same tables.

-- `seen` once the server has listed a tool: what comes later was not there at the first sight.
-- `decided` is the number of tool_decisions when an operator last decided something about it.
CREATE TABLE tool_servers (
    tenant  TEXT NOT NULL,
    server  TEXT NOT NULL,
    seen    BOOLEAN NOT NULL,
    decided BIGINT NOT NULL,
    PRIMARY KEY (tenant, server)
);

CREATE INDEX tool_servers_by_decision ON tool_servers (decided);

-- Definitions are JSON in the form in which two that mean the same are the same, without the
-- server's prefix; the digests are theirs. `approved_by` is nobody where the tool was there when the
-- server was first seen. `refusal` says why what is offered can't be approved.
CREATE TABLE server_tools (
    tenant          TEXT NOT NULL,
    server          TEXT NOT NULL,
    name            TEXT NOT NULL,
    approved        TEXT,
    approved_digest BYTEA,
    approved_at     BIGINT,
    approved_by     TEXT,
    offered         TEXT,
    offered_digest  BYTEA,
    offered_at      BIGINT,
    refusal         TEXT,
    missing_since   BIGINT,
    PRIMARY KEY (tenant, server, name)
);

-- One row, which every decision counts up first. Decisions wait for each other there, so that
-- whoever has seen a number has seen all decisions up to it.
CREATE TABLE tool_decisions (
    one    BIGINT NOT NULL PRIMARY KEY CHECK (one = 1),
    number BIGINT NOT NULL
);

INSERT INTO tool_decisions (one, number) VALUES (1, 0);

SELECT keep_tenants_apart('tool_servers');
SELECT keep_tenants_apart('server_tools');

-- Replicas ask which servers an operator has decided something about, at all tenants.
CREATE POLICY upkeep_finds ON tool_servers FOR SELECT
    USING (current_setting('gatehouse.tenant', TRUE) = '*');
