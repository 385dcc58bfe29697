-- What tenants tell us of their sales, and what we decided. Every key begins with the tenant.

CREATE TABLE team (
    tenant_id   bigint NOT NULL REFERENCES tenant,
    id          bigint GENERATED ALWAYS AS IDENTITY,
    external_id text NOT NULL,
    name        text NOT NULL,
    PRIMARY KEY (tenant_id, id),
    UNIQUE (tenant_id, external_id)
);

CREATE TABLE seller (
    tenant_id   bigint NOT NULL REFERENCES tenant,
    id          bigint GENERATED ALWAYS AS IDENTITY,
    external_id text NOT NULL,
    name        text NOT NULL,
    team        text,
    status      text CHECK (status IN ('active', 'inactive', 'leave')),  -- null: unknown, and so not eligible
    regions     text[] NOT NULL DEFAULT '{}',
    industries  text[] NOT NULL DEFAULT '{}',
    capacity    integer NOT NULL DEFAULT 8 CHECK (capacity >= 0),
    weight      integer NOT NULL DEFAULT 1 CHECK (weight >= 0),
    newcomer    boolean NOT NULL DEFAULT false,
    channels    jsonb NOT NULL DEFAULT '{}',
    updated_at  timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant_id, id),
    UNIQUE (tenant_id, external_id)
);

-- The only hot rows of a seller: how many leads wait for a first touch, and when the last one came.
CREATE TABLE seller_load (
    tenant_id        bigint NOT NULL,
    seller_id        bigint NOT NULL,
    pending          integer NOT NULL DEFAULT 0 CHECK (pending >= 0),
    assigned         bigint NOT NULL DEFAULT 0,
    last_assigned_at timestamptz,
    PRIMARY KEY (tenant_id, seller_id),
    FOREIGN KEY (tenant_id, seller_id) REFERENCES seller
) WITH (fillfactor = 50);

CREATE TABLE seller_status_history (
    tenant_id bigint NOT NULL,
    seller_id bigint NOT NULL,
    from_at   timestamptz NOT NULL,
    status    text,
    PRIMARY KEY (tenant_id, seller_id, from_at),
    FOREIGN KEY (tenant_id, seller_id) REFERENCES seller
);

-- Grows with every assignment and every change of sellers or rules: a decision made on an older version is made again.
CREATE TABLE routing_state (
    tenant_id bigint PRIMARY KEY REFERENCES tenant,
    version   bigint NOT NULL DEFAULT 0
) WITH (fillfactor = 50);

-- Taking turns: what each member of a pool is owed, as of its last turn. One row a pool, since a turn changes everyone's credit.
CREATE TABLE route_cursor (
    tenant_id bigint NOT NULL REFERENCES tenant,
    pool      text NOT NULL,
    sellers   bigint[] NOT NULL,
    credits   bigint[] NOT NULL,
    PRIMARY KEY (tenant_id, pool),
    CHECK (cardinality(sellers) = cardinality(credits))
) WITH (fillfactor = 50);

CREATE TABLE opportunity (
    tenant_id    bigint NOT NULL REFERENCES tenant,
    id           bigint GENERATED ALWAYS AS IDENTITY,
    external_id  text NOT NULL,
    owner        text,               -- the seller's external id as told, whether or not we know the seller
    industry     text,
    stage        text NOT NULL,
    won          boolean,            -- null while open
    amount_minor bigint,
    currency     text,
    closed_at    timestamptz,
    updated_at   timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant_id, id),
    UNIQUE (tenant_id, external_id)
);
CREATE INDEX opportunity_closed ON opportunity (tenant_id, closed_at) WHERE closed_at IS NOT NULL;
CREATE INDEX opportunity_updated ON opportunity (tenant_id, updated_at);  -- whether rankings have to be worked out again

CREATE TABLE lead (
    tenant_id        bigint NOT NULL REFERENCES tenant,
    id               bigint GENERATED ALWAYS AS IDENTITY,
    external_id      text NOT NULL,
    source           text NOT NULL,
    received_at      timestamptz NOT NULL,
    fields           jsonb NOT NULL,        -- as received; what they mean is the map's to say
    state            text NOT NULL DEFAULT 'awaiting_assignment'
        CHECK (state IN ('awaiting_assignment', 'held', 'assigned', 'pooled', 'with_marketing', 'manual_queue')),
    held_reason      text,
    owner_id         bigint,
    pool             text,
    score            integer,
    intent           text,
    assignment_epoch integer NOT NULL DEFAULT 0,
    job_id           bigint,                -- the assign_lead job of this epoch
    touched_at       timestamptz,
    created_at       timestamptz NOT NULL DEFAULT now(),
    updated_at       timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant_id, id),
    UNIQUE (tenant_id, source, external_id),
    FOREIGN KEY (tenant_id, owner_id) REFERENCES seller
) WITH (fillfactor = 70);
CREATE INDEX lead_held ON lead (tenant_id, id) WHERE state = 'held';
CREATE INDEX lead_by_external ON lead (tenant_id, external_id);

-- One active owner per lead, held by this index whatever the code does.
CREATE TABLE assignment (
    tenant_id   bigint NOT NULL,
    lead_id     bigint NOT NULL,
    epoch       integer NOT NULL,
    seller_id   bigint NOT NULL,
    job_id      bigint NOT NULL,
    active      boolean NOT NULL DEFAULT true,
    assigned_at timestamptz NOT NULL,
    touched_at  timestamptz,
    PRIMARY KEY (tenant_id, lead_id, epoch),
    FOREIGN KEY (tenant_id, lead_id) REFERENCES lead,
    FOREIGN KEY (tenant_id, seller_id) REFERENCES seller
);
CREATE UNIQUE INDEX assignment_active ON assignment (tenant_id, lead_id) WHERE active;

-- Why: one row per decision, never changed. body holds versions, matched rule, score, candidates, exclusions, reasons.
CREATE TABLE decision_log (
    tenant_id  bigint NOT NULL REFERENCES tenant,
    lead_id    bigint NOT NULL,
    epoch      integer NOT NULL,
    job_id     bigint NOT NULL,
    outcome    text NOT NULL,
    decided_at timestamptz NOT NULL,
    body       jsonb NOT NULL,
    PRIMARY KEY (tenant_id, lead_id, epoch, job_id),
    FOREIGN KEY (tenant_id, lead_id) REFERENCES lead
);

CREATE TABLE ruleset_version (
    tenant_id  bigint NOT NULL REFERENCES tenant,
    kind       text NOT NULL,
    name       text NOT NULL,
    version    integer NOT NULL,
    hash       text NOT NULL,
    source     text NOT NULL,               -- the YAML or JSON as it was sent
    state      text NOT NULL CHECK (state IN ('draft', 'live', 'retired')),
    actor      text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant_id, kind, name, version)
);
CREATE UNIQUE INDEX ruleset_live ON ruleset_version (tenant_id, kind, name) WHERE state = 'live';

CREATE TABLE activity (
    tenant_id    bigint NOT NULL REFERENCES tenant,
    id           bigint GENERATED ALWAYS AS IDENTITY,
    subject_type text NOT NULL,
    subject      text NOT NULL,
    type         text NOT NULL,
    at           timestamptz NOT NULL,
    recorded_at  timestamptz NOT NULL DEFAULT now(),
    actor        text,
    data         jsonb NOT NULL DEFAULT '{}',
    evidence     jsonb NOT NULL DEFAULT '[]',
    PRIMARY KEY (tenant_id, id)
);
CREATE INDEX activity_subject ON activity (tenant_id, subject_type, subject, at);

CREATE TABLE lead_import (
    tenant_id   bigint NOT NULL REFERENCES tenant,
    id          bigint GENERATED ALWAYS AS IDENTITY,
    source      text NOT NULL,
    state       text NOT NULL CHECK (state IN ('running', 'completed', 'failed')),
    rows        bigint NOT NULL DEFAULT 0,
    accepted    bigint NOT NULL DEFAULT 0,
    rejected    bigint NOT NULL DEFAULT 0,
    errors      jsonb NOT NULL DEFAULT '[]',
    created_at  timestamptz NOT NULL DEFAULT now(),
    finished_at timestamptz,
    PRIMARY KEY (tenant_id, id)
);

-- Outside fields nobody mapped, seen first when; one alarm each until mapped.
CREATE TABLE unmapped_field (
    tenant_id bigint NOT NULL REFERENCES tenant,
    source    text NOT NULL,
    field     text NOT NULL,
    first_at  timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant_id, source, field)
);

SELECT protect_tenant_table(t::regclass) FROM unnest(ARRAY[
    'team', 'seller', 'seller_load', 'seller_status_history', 'routing_state', 'route_cursor', 'opportunity', 'lead',
    'assignment', 'decision_log', 'ruleset_version', 'activity', 'lead_import', 'unmapped_field']) t;
REVOKE UPDATE, DELETE ON decision_log, activity FROM kiteline_app;
