-- Jobs that ended are found by their unique key and by how they failed. Neither is kept of a job that completed, so most rows are in neither
-- index; keys of jobs that have not ended are job_unique's.
CREATE INDEX job_history_by_key ON job_history (tenant_id, unique_key) WHERE unique_key IS NOT NULL;
CREATE INDEX job_history_by_class ON job_history (tenant_id, error_class, id) WHERE error_class IS NOT NULL;
