-- What one request leaves for another, and work that goes on after its request.
-- SQLite; Postgres has the same.

-- `topic` is the digest of a handle that a client holds: of a session, a stream, a question.
CREATE TABLE notes (
    id           INTEGER PRIMARY KEY AUTOINCREMENT,
    tenant       TEXT NOT NULL,
    topic        BLOB NOT NULL,
    body         TEXT NOT NULL,
    ends_session INTEGER NOT NULL,
    noted_at     INTEGER NOT NULL,
    expires_at   INTEGER NOT NULL
) STRICT;

CREATE INDEX notes_by_topic ON notes (tenant, topic, id);
CREATE INDEX notes_by_end ON notes (expires_at);
CREATE INDEX notes_that_end_sessions ON notes (noted_at) WHERE ends_session;

-- `id` is the digest of the task's identifier. `requests` are the questions that wait for an answer,
-- `answers` those that were given; `outcome` is the result, or the error where the task failed. A
-- task whose process has not said until `alive_until` that it lives on has failed.
CREATE TABLE tasks (
    tenant      TEXT NOT NULL,
    id          BLOB NOT NULL,
    user_id     TEXT NOT NULL,
    client_id   TEXT NOT NULL,
    status      TEXT NOT NULL
        CHECK (status IN ('working', 'input_required', 'completed', 'failed', 'cancelled')),
    message     TEXT,
    requests    TEXT NOT NULL,
    answers     TEXT NOT NULL,
    outcome     TEXT,
    created_at  INTEGER NOT NULL,
    updated_at  INTEGER NOT NULL,
    alive_until INTEGER NOT NULL,
    expires_at  INTEGER NOT NULL,
    PRIMARY KEY (tenant, id)
) STRICT;

CREATE INDEX tasks_by_owner ON tasks (tenant, user_id, client_id);
CREATE INDEX tasks_by_end ON tasks (expires_at);
