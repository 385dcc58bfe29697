-- What each worker process has done since it started, told with every sign of life: workers answer no HTTP, those that do ask here.
ALTER TABLE worker ADD COLUMN counts jsonb NOT NULL DEFAULT '{}';
