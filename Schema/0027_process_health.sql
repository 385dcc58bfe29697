-- Process health: what sellers' weeks were, what was foreseen of them and by which model, and what came.

-- Sellers' own deeds are read by who did them.
CREATE INDEX activity_actor ON activity (tenant_id, actor, at) WHERE actor IS NOT NULL;
CREATE INDEX activity_reply ON activity (tenant_id, subject_type, subject, at) WHERE type = 'reply';
CREATE INDEX assignment_seller ON assignment (tenant_id, seller_id, assigned_at);

-- Who hears of what concerns a team.
ALTER TABLE team ADD COLUMN IF NOT EXISTS manager text;

-- One seller's week as it was known at a moment. Versions are added, never changed: what was published stays.
CREATE TABLE health_week (
    tenant_id bigint NOT NULL,
    seller_id bigint NOT NULL,
    week      integer NOT NULL,          -- weeks since the one that began on 1970-01-05
    version   integer NOT NULL,
    as_of     timestamptz NOT NULL,
    complete  boolean NOT NULL,          -- the week was over by then
    status    text NOT NULL CHECK (status IN ('ok', 'insufficient', 'no_data')),
    spi       double precision CHECK (spi BETWEEN 0 AND 100),
    below     boolean,
    counts    integer[] NOT NULL,        -- ProcessHealth.WeekCounts.numbers
    streak    integer NOT NULL DEFAULT 0,
    since     integer,                   -- the first week of the streak
    job_id    bigint NOT NULL,
    PRIMARY KEY (tenant_id, seller_id, week, version),
    FOREIGN KEY (tenant_id, seller_id) REFERENCES seller,
    CHECK ((status = 'ok') = (spi IS NOT NULL) AND (status = 'ok') = (below IS NOT NULL))
);
CREATE INDEX health_week_of ON health_week (tenant_id, week, seller_id, version);

-- Once for each time a seller stays below the base line.
CREATE TABLE health_diagnosis (
    tenant_id bigint NOT NULL,
    id        bigint GENERATED ALWAYS AS IDENTITY,
    seller_id bigint NOT NULL,
    week      integer NOT NULL,
    since     integer NOT NULL,
    as_of     timestamptz NOT NULL,
    body      jsonb NOT NULL,
    job_id    bigint NOT NULL,
    PRIMARY KEY (tenant_id, id),
    UNIQUE (tenant_id, seller_id, since),
    FOREIGN KEY (tenant_id, seller_id) REFERENCES seller
);

-- Every model that was trained, let through or not, with what it showed on weeks it had not seen.
CREATE TABLE health_model (
    tenant_id  bigint NOT NULL REFERENCES tenant,
    version    integer NOT NULL,
    state      text NOT NULL CHECK (state IN ('silent', 'shadow', 'canary', 'live', 'retired', 'aborted')),
    week       integer NOT NULL,          -- trained at its end
    trained_at timestamptz NOT NULL,
    status     text NOT NULL CHECK (status IN ('ok', 'insufficient_data')),
    reasons    text[] NOT NULL,           -- why it may not warn
    body       jsonb,                     -- ProcessHealth.WarningModel; null: there was too little to learn from
    report     jsonb NOT NULL,
    job_id     bigint NOT NULL,
    PRIMARY KEY (tenant_id, version),
    UNIQUE (tenant_id, week)
);
CREATE UNIQUE INDEX health_model_live ON health_model (tenant_id) WHERE state = 'live';

-- What was said of a seller at the end of a week, why, and what came.
CREATE TABLE health_prediction (
    tenant_id     bigint NOT NULL,
    id            bigint GENERATED ALWAYS AS IDENTITY,
    seller_id     bigint NOT NULL,
    week          integer NOT NULL,
    as_of         timestamptz NOT NULL,
    model_version integer,                -- null: the rule of two conditions
    probability   double precision CHECK (probability BETWEEN 0 AND 1),
    warned        boolean NOT NULL,
    state         text NOT NULL CHECK (state IN ('mechanical_followup', 'none')),
    body          jsonb NOT NULL,         -- features, contributions, silence by week, suggestion
    outcome       text NOT NULL DEFAULT 'pending' CHECK (outcome IN ('pending', 'fell', 'stayed', 'unknown')),
    outcome_at    timestamptz,
    job_id        bigint NOT NULL,
    PRIMARY KEY (tenant_id, id),
    UNIQUE (tenant_id, seller_id, week),
    FOREIGN KEY (tenant_id, seller_id) REFERENCES seller
) WITH (fillfactor = 80);
CREATE INDEX health_prediction_pending ON health_prediction (tenant_id, week) WHERE outcome = 'pending';

SELECT protect_tenant_table(t::regclass) FROM unnest(ARRAY['health_week', 'health_diagnosis', 'health_model', 'health_prediction']) t;
REVOKE UPDATE, DELETE ON health_week, health_diagnosis FROM kiteline_app, kiteline_engine;
