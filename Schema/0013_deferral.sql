-- Jobs that are ready but above their tenant's capacity: they are not in the index, and come into it in the order of their place as
-- their line drains. One row for many jobs, so that a job costs eight bytes here and its row in job_live is left alone. A job that
-- ends meanwhile is passed over then: what is here says where a job is looked for, never that it still waits.
CREATE TABLE deferred (
    tenant_id bigint NOT NULL,
    flow      text NOT NULL,
    -- Of the first of them: milliseconds, as the index orders its lines.
    place     bigint NOT NULL,
    id        bigint GENERATED ALWAYS AS IDENTITY,
    -- When the first of them was enqueued.
    since     timestamptz NOT NULL,
    jobs      integer NOT NULL CHECK (jobs > 0),
    ids       bigint[] NOT NULL,
    PRIMARY KEY (tenant_id, flow, place, id)
);
SELECT protect_ledger_table('deferred');
