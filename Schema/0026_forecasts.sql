-- Forecasts as they were published. None is ever changed; a newer one takes the head.
CREATE TABLE forecast (
    tenant_id     bigint NOT NULL REFERENCES tenant,
    id            bigint GENERATED ALWAYS AS IDENTITY,
    scope         text NOT NULL,           -- '' is the whole tenant; else what was chosen, in a fixed order
    period_from   date NOT NULL,
    period_to     date NOT NULL,
    as_of         timestamptz NOT NULL,
    watermark     bigint NOT NULL,         -- of opportunity_clock: everything told up to it is in it
    model_version text NOT NULL,
    reason        text NOT NULL,
    job_id        bigint NOT NULL,
    run           bigint NOT NULL,         -- which run of the job its lines are from
    previous      bigint,                  -- what its movements are counted from
    body          jsonb NOT NULL,
    created_at    timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant_id, id),
    UNIQUE (tenant_id, scope, period_from, period_to, as_of, watermark, model_version),
    CHECK (period_from <= period_to)
);

-- The forecast in force of each scope and period. Locked while one is published.
CREATE TABLE forecast_head (
    tenant_id   bigint NOT NULL REFERENCES tenant,
    scope       text NOT NULL,
    period_from date NOT NULL,
    period_to   date NOT NULL,
    forecast_id bigint,
    moved_at    timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant_id, scope, period_from, period_to),
    FOREIGN KEY (tenant_id, forecast_id) REFERENCES forecast
);

-- What each opportunity adds, thousands to a row: in the order of their ids over all rows. Written while a job runs, under its run; they
-- are a forecast's once that is published. Kept of the forecast in force and of the one before.
CREATE TABLE forecast_line (
    tenant_id     bigint NOT NULL REFERENCES tenant,
    job_id        bigint NOT NULL,
    run           bigint NOT NULL,
    place         integer NOT NULL,
    deals         bigint[] NOT NULL,
    sellers       integer[] NOT NULL,      -- places in the forecast's own list, -1 for nobody
    stages        smallint[] NOT NULL,     -- likewise; -1 for none of them
    currencies    smallint[] NOT NULL,
    standings     smallint[] NOT NULL,     -- 0…3 the classes, 10… why it is in none
    amounts       bigint[] NOT NULL,
    odds          real[] NOT NULL,
    contributions bigint[] NOT NULL,
    stalls        integer[] NOT NULL,      -- days, 0 while it moves; negative where no action is known
    PRIMARY KEY (tenant_id, job_id, run, place)
);

SELECT protect_tenant_table(t::regclass) FROM unnest(ARRAY['forecast', 'forecast_head', 'forecast_line']) t;
REVOKE UPDATE, DELETE ON forecast FROM kiteline_app, kiteline_engine;
