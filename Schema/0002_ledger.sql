-- The ledger: every accepted job, in Postgres, under a fence.

CREATE TYPE job_state AS ENUM ('scheduled', 'available', 'running', 'retryable', 'parked');
CREATE TYPE job_end AS ENUM ('completed', 'cancelled', 'discarded');

-- Blocks of 1,000: a process takes one and numbers its jobs without asking again.
CREATE SEQUENCE job_id AS bigint INCREMENT 1000 START 1000;
GRANT USAGE ON SEQUENCE job_id TO kiteline_engine;

-- What was asked for. Never updated.
CREATE TABLE job (
    id            bigint NOT NULL,
    tenant_id     bigint NOT NULL,
    kind          text NOT NULL,
    args          jsonb NOT NULL,
    trace_context text,
    created_at    timestamptz NOT NULL,
    PRIMARY KEY (id)
) PARTITION BY RANGE (id);
CREATE INDEX ON job (tenant_id, id);

-- Jobs that have not ended. Only the primary key is indexed and the hot columns are in no index, so that begin's
-- update stays on its page (HOT); at fillfactor 45 every such update does.
CREATE TABLE job_live (
    id           bigint PRIMARY KEY,
    tenant_id    bigint NOT NULL,
    shard        smallint NOT NULL DEFAULT 0,
    kind         text NOT NULL,
    flow         text NOT NULL,
    priority     smallint NOT NULL,
    state        job_state NOT NULL,
    run_at       timestamptz NOT NULL,
    enqueued_at  timestamptz NOT NULL,
    started_at   timestamptz,
    attempt      integer NOT NULL DEFAULT 0,
    max_attempts integer NOT NULL,
    lost         integer NOT NULL DEFAULT 0,
    run          integer NOT NULL DEFAULT 1,
    fence        bigint NOT NULL DEFAULT 0,
    claim_token  bigint NOT NULL DEFAULT 0,
    worker_id    bigint,
    unique_key   text,
    error_class  text,
    error        text
) WITH (fillfactor = 45, autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_cost_delay = 0);

-- How a run of a job ended. One row per (job, run), written once.
CREATE TABLE job_history (
    id          bigint NOT NULL,
    run         integer NOT NULL,
    tenant_id   bigint NOT NULL,
    kind        text NOT NULL,
    state       job_end NOT NULL,
    outcome     text,
    error_class text,
    error       text,
    attempt     integer NOT NULL,
    lost        integer NOT NULL,
    fence       bigint NOT NULL,
    rule_version text,
    arm         text,
    enqueued_at timestamptz NOT NULL,
    started_at  timestamptz,
    finished_at timestamptz NOT NULL,
    PRIMARY KEY (id, run)
) PARTITION BY RANGE (id);
CREATE INDEX ON job_history (tenant_id, id);

-- The next partition is made before it is needed (Maintenance); the default one means an insert never fails.
CREATE TABLE job_p0 PARTITION OF job FOR VALUES FROM (0) TO (50000000);
CREATE TABLE job_default PARTITION OF job DEFAULT;
CREATE TABLE job_history_p0 PARTITION OF job_history FOR VALUES FROM (0) TO (50000000);
CREATE TABLE job_history_default PARTITION OF job_history DEFAULT;

-- Unique keys of jobs that have not ended.
CREATE TABLE job_unique (
    tenant_id bigint NOT NULL,
    kind      text NOT NULL,
    key       text NOT NULL,
    job_id    bigint NOT NULL,
    PRIMARY KEY (tenant_id, kind, key)
);
CREATE INDEX ON job_unique (job_id);

-- Jobs that failed for good and wait for a person.
CREATE TABLE dlq (
    id          bigint PRIMARY KEY,
    tenant_id   bigint NOT NULL,
    kind        text NOT NULL,
    error_class text NOT NULL,
    error       text NOT NULL,
    attempts    integer NOT NULL,
    lost        integer NOT NULL,
    first_at    timestamptz NOT NULL,
    last_at     timestamptz NOT NULL
);
CREATE INDEX ON dlq (tenant_id, id);

-- Pushes still owed to Redis: one row per enqueue batch, deleted after the push.
CREATE TABLE outbox (
    id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    shard      smallint NOT NULL DEFAULT 0,
    created_at timestamptz NOT NULL DEFAULT now(),
    ids        bigint[] NOT NULL
);

-- Jobs due beyond the horizon; the promoter moves them to Redis as they come near.
CREATE TABLE job_sched (
    run_at timestamptz NOT NULL,
    id     bigint NOT NULL,
    shard  smallint NOT NULL DEFAULT 0,
    PRIMARY KEY (run_at, id)
);

CREATE TABLE worker (
    id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    host       text NOT NULL,
    pid        integer NOT NULL,
    started_at timestamptz NOT NULL DEFAULT now(),
    beat       bigint NOT NULL DEFAULT 0,
    beat_at    timestamptz NOT NULL DEFAULT now(),
    stopped_at timestamptz
);

-- Which life of the Redis index counts. Claims and deletions owed to it take the shard's advisory lock shared and
-- check the epoch in a later statement; a new epoch takes it exclusively.
CREATE SEQUENCE dispatch_epoch AS bigint;
GRANT USAGE ON SEQUENCE dispatch_epoch TO kiteline_engine;
CREATE TABLE shard_epoch (
    shard        smallint PRIMARY KEY,
    epoch        bigint NOT NULL,
    redis_run_id text,
    ready        boolean NOT NULL DEFAULT false,
    changed_at   timestamptz NOT NULL DEFAULT now()
);
INSERT INTO shard_epoch (shard, epoch) VALUES (0, 0);

SELECT protect_ledger_table(t::regclass) FROM unnest(ARRAY['job', 'job_live', 'job_history', 'job_unique', 'dlq']) t;
GRANT SELECT, INSERT, UPDATE, DELETE ON outbox, job_sched, worker, shard_epoch TO kiteline_engine;

-- What the probe kind leaves behind. No unique key, so that a doubled effect would show.
CREATE TABLE probe_effect (
    tenant_id  bigint NOT NULL,
    effect_key text NOT NULL,
    job_id     bigint NOT NULL,
    attempt    integer NOT NULL,
    at         timestamptz NOT NULL DEFAULT now()
);
SELECT protect_tenant_table('probe_effect');
CREATE TABLE probe_dependency (
    tenant_id bigint NOT NULL REFERENCES tenant,
    name      text NOT NULL,
    failing   boolean NOT NULL,
    PRIMARY KEY (tenant_id, name)
);
SELECT protect_tenant_table('probe_dependency');

-- Ends a transaction whose statement did not find all it counted on; the caller then looks closer.
-- (A parameter must not be called found: in PL/pgSQL that is always the special variable.)
CREATE FUNCTION expect_rows(actual bigint, expected bigint) RETURNS bigint LANGUAGE plpgsql AS $$
BEGIN
    IF actual <> expected THEN
        RAISE EXCEPTION 'expected % rows, found %', expected, actual USING ERRCODE = 'KL001';
    END IF;
    RETURN actual;
END
$$;
