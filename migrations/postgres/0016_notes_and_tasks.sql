-- What one replica leaves for whichever replica needs it, and work that goes on after its request.
-- Postgres; SQLite has the same.

-- `topic` is the digest of a handle that a client holds: of a session, a stream, a question. To
-- leave a note wakes the replicas (NOTIFY gatehouse_notes), and the one that waits for it reads it.
CREATE TABLE notes (
    tenant       TEXT NOT NULL,
    topic        BYTEA NOT NULL,
    id           BIGINT GENERATED ALWAYS AS IDENTITY,
    body         TEXT NOT NULL,
    ends_session BOOLEAN NOT NULL,
    noted_at     BIGINT NOT NULL,
    expires_at   BIGINT NOT NULL,
    PRIMARY KEY (tenant, topic, id)
);

CREATE INDEX notes_by_end ON notes (expires_at);
CREATE INDEX notes_that_end_sessions ON notes (noted_at) WHERE ends_session;

-- `id` is the digest of the task's identifier. `requests` are the questions that wait for an answer,
-- `answers` those that were given; `outcome` is the result, or the error where the task failed. A
-- task whose replica has not said until `alive_until` that it lives on has failed.
CREATE TABLE tasks (
    tenant      TEXT NOT NULL,
    id          BYTEA NOT NULL,
    user_id     TEXT NOT NULL,
    client_id   TEXT NOT NULL,
    status      TEXT NOT NULL
        CHECK (status IN ('working', 'input_required', 'completed', 'failed', 'cancelled')),
    message     TEXT,
    requests    TEXT NOT NULL,
    answers     TEXT NOT NULL,
    outcome     TEXT,
    created_at  BIGINT NOT NULL,
    updated_at  BIGINT NOT NULL,
    alive_until BIGINT NOT NULL,
    expires_at  BIGINT NOT NULL,
    PRIMARY KEY (tenant, id)
);

CREATE INDEX tasks_by_owner ON tasks (tenant, user_id, client_id);
CREATE INDEX tasks_by_end ON tasks (expires_at);
