-- Chores that one process does for all: whoever moves next_at on, has the turn.
CREATE TABLE chore (
    name    text PRIMARY KEY,
    next_at timestamptz NOT NULL,
    repairs bigint NOT NULL DEFAULT 0
);
GRANT SELECT, INSERT, UPDATE ON chore TO kiteline_engine;
