-- Jobs that belong together, and a job that follows when the last of them has ended. A batch has the id its completion job will have.
CREATE TABLE batch (
    id           bigint PRIMARY KEY,
    tenant_id    bigint NOT NULL,
    total        integer NOT NULL,
    completed    integer NOT NULL DEFAULT 0,
    discarded    integer NOT NULL DEFAULT 0,
    cancelled    integer NOT NULL DEFAULT 0,
    kind         text NOT NULL,
    args         jsonb NOT NULL,
    flow         text NOT NULL,
    priority     smallint NOT NULL,
    max_attempts integer NOT NULL,
    created_at   timestamptz NOT NULL DEFAULT clock_timestamp(),
    finished_at  timestamptz,
    CHECK (completed + discarded + cancelled <= total)
) WITH (fillfactor = 50);
CREATE INDEX batch_finished ON batch (tenant_id, finished_at);
SELECT protect_ledger_table('batch');

-- Null, and so without cost, for the jobs of no batch and those that have no result. Another run of a member counts no more.
ALTER TABLE job_live ADD COLUMN batch_id bigint;
ALTER TABLE job_history ADD COLUMN batch_id bigint, ADD COLUMN result jsonb;
