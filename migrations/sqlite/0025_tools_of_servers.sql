-- The tools of mounted servers: what was approved, and what is offered instead. SQLite; Postgres has the
-- same tables.

-- `seen` once the server has listed a tool: what comes later was not there at the first sight.
-- `decided` is the number of tool_decisions when an operator last decided something about it.
CREATE TABLE tool_servers (
    tenant  TEXT NOT NULL,
    server  TEXT NOT NULL,
    seen    INTEGER NOT NULL CHECK (seen IN (0, 1)),
    decided INTEGER NOT NULL,
    PRIMARY KEY (tenant, server)
) STRICT;

CREATE INDEX tool_servers_by_decision ON tool_servers (decided);

-- Definitions are JSON in the form in which two that mean the same are the same, without the
-- server's prefix; the digests are theirs. `approved_by` is nobody where the tool was there when the
-- server was first seen. `refusal` says why what is offered can't be approved.
CREATE TABLE server_tools (
    tenant          TEXT NOT NULL,
    server          TEXT NOT NULL,
    name            TEXT NOT NULL,
    approved        TEXT,
    approved_digest BLOB,
    approved_at     INTEGER,
    approved_by     TEXT,
    offered         TEXT,
    offered_digest  BLOB,
    offered_at      INTEGER,
    refusal         TEXT,
    missing_since   INTEGER,
    PRIMARY KEY (tenant, server, name)
) STRICT;

-- One row, which every decision counts up first. Decisions wait for each other there, so that
-- whoever has seen a number has seen all decisions up to it.
CREATE TABLE tool_decisions (
    one    INTEGER NOT NULL PRIMARY KEY CHECK (one = 1),
    number INTEGER NOT NULL
) STRICT;

INSERT INTO tool_decisions (one, number) VALUES (1, 0);
