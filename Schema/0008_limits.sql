-- What holds work back: pauses, limits and breakers. The index in Redis keeps a copy, made anew at every rebuild.

ALTER TABLE tenant ADD COLUMN paused_at timestamptz;

-- Limits of gates (DispatchIndex/Limits.swift spells their names). A gate's effective limit is the smallest of its rows.
CREATE TABLE gate_limit (
    gate      text NOT NULL,
    source    text NOT NULL CHECK (source IN ('pause', 'limit')),
    tenant_id bigint REFERENCES tenant,
    "limit"   integer NOT NULL CHECK ("limit" >= 0),
    reason    text NOT NULL,
    set_by    text NOT NULL,
    since     timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (gate, source)
);
CREATE INDEX ON gate_limit (tenant_id);
SELECT protect_ledger_table('gate_limit');

-- Circuit breakers that are not simply closed, or were not lately. The epoch grows with every change of state, so that what a
-- call says counts only for the state it was made in.
CREATE TABLE breaker (
    gate       text PRIMARY KEY,
    tenant_id  bigint REFERENCES tenant,
    dependency text NOT NULL,
    state      text NOT NULL CHECK (state IN ('closed', 'open', 'throttled', 'half_open', 'ramping')),
    forced     boolean NOT NULL DEFAULT false,
    epoch      bigint NOT NULL DEFAULT 1,
    "limit"    integer CHECK ("limit" >= 0),
    until      timestamptz,
    openings   integer NOT NULL DEFAULT 0,
    reason     text NOT NULL,
    set_by     text,
    changed_at timestamptz NOT NULL DEFAULT clock_timestamp()
);
CREATE INDEX ON breaker (tenant_id);
SELECT protect_ledger_table('breaker');

-- Every change of a breaker's state.
CREATE TABLE breaker_event (
    id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    gate       text NOT NULL,
    tenant_id  bigint REFERENCES tenant,
    state      text NOT NULL,
    epoch      bigint NOT NULL,
    reason     text NOT NULL,
    set_by     text,
    at         timestamptz NOT NULL DEFAULT clock_timestamp()
);
CREATE INDEX ON breaker_event (gate, id);
CREATE INDEX ON breaker_event (tenant_id, id);
SELECT protect_ledger_table('breaker_event');

-- What each worker process has seen of a dependency, of one tenant and (tenant_id null) of all: its evidence, and the calls that
-- began in the breaker's epoch.
CREATE TABLE breaker_evidence (
    gate       text NOT NULL,
    worker_id  bigint NOT NULL,
    tenant_id  bigint REFERENCES tenant,
    dependency text NOT NULL,
    epoch      bigint NOT NULL,
    score      double precision NOT NULL,
    answered   integer NOT NULL,
    failed     integer NOT NULL,
    throttled_until timestamptz,
    at         timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (gate, worker_id)
);
CREATE INDEX ON breaker_evidence (at);
SELECT protect_ledger_table('breaker_evidence');
