-- A worker that somebody asked to drain learns of it with its next sign of life.
ALTER TABLE worker ADD COLUMN drain_asked_at timestamptz;
