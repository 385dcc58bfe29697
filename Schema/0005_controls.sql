-- Everyday controls: cancelling, retrying, dead letters and their redrive.

-- Running jobs that were asked to stop. Small and mostly empty, so that workers may look often and the hot rows of job_live
-- carry nothing for it. A row counts for one run; those whose run is over are swept away.
CREATE TABLE job_cancel (
    id           bigint PRIMARY KEY,
    run          integer NOT NULL,
    tenant_id    bigint NOT NULL,
    reason       text NOT NULL,
    requested_at timestamptz NOT NULL DEFAULT now()
);
SELECT protect_ledger_table('job_cancel');

-- What another run needs to know, kept where a run did not end well; null, and so without cost, where it did.
ALTER TABLE job_history
    ADD COLUMN flow         text,
    ADD COLUMN priority     smallint,
    ADD COLUMN max_attempts integer,
    ADD COLUMN unique_key   text;

-- A dead letter that got another run is marked. If that fails too, the mark is taken off again.
ALTER TABLE dlq
    ADD COLUMN redriven_at timestamptz,
    ADD COLUMN redrive_id  bigint;

-- A wish to run dead letters again, carried out a few at a time. It covers what was dead when it was made: what fails again
-- afterwards is not fed in a circle.
CREATE TABLE redrive (
    id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    tenant_id   bigint NOT NULL,
    kind        text,
    error_class text,
    since       timestamptz,
    ids         bigint[],
    per_second  integer NOT NULL CHECK (per_second > 0),
    total       bigint NOT NULL,
    done        bigint NOT NULL DEFAULT 0,
    last_id     bigint NOT NULL DEFAULT 0,
    fed_at      timestamptz NOT NULL DEFAULT clock_timestamp(),
    created_at  timestamptz NOT NULL DEFAULT clock_timestamp(),
    finished_at timestamptz
);
CREATE INDEX redrive_open ON redrive (id) WHERE finished_at IS NULL;
SELECT protect_ledger_table('redrive');
