-- What was told of opportunities, kept as told: when it happened, and when we heard of it (docs/architecture.md, 54).

-- Counts tellings: what carries a number up to n is what was known at n. Locked before routing_clock.
CREATE TABLE opportunity_clock (
    tenant_id bigint PRIMARY KEY REFERENCES tenant,
    seq       bigint NOT NULL DEFAULT 0
) WITH (fillfactor = 50);

ALTER TABLE opportunity
    ADD COLUMN opened_at    timestamptz NOT NULL DEFAULT now(),
    ADD COLUMN self_entered boolean NOT NULL DEFAULT false,  -- the amount is what a seller expects, and no document says so
    ADD COLUMN fields       jsonb NOT NULL DEFAULT '{}';     -- the catalogue's other fields, by name

CREATE TABLE opportunity_fact (
    tenant_id      bigint NOT NULL,
    opportunity_id bigint NOT NULL,
    seq            bigint NOT NULL,       -- of opportunity_clock
    at             timestamptz NOT NULL,  -- when it became so
    recorded_at    timestamptz NOT NULL DEFAULT clock_timestamp(),
    actor          text NOT NULL,
    owner          text,
    industry       text,
    stage          text NOT NULL,
    won            boolean,
    amount_minor   bigint,
    currency       text,
    closed_at      timestamptz,
    self_entered   boolean NOT NULL,
    fields         jsonb NOT NULL,
    PRIMARY KEY (tenant_id, opportunity_id, seq),
    FOREIGN KEY (tenant_id, opportunity_id) REFERENCES opportunity
);

-- Where it went and when; the order is that of the events, whenever we heard of them.
CREATE TABLE stage_transition (
    tenant_id      bigint NOT NULL,
    id             bigint GENERATED ALWAYS AS IDENTITY,
    opportunity_id bigint NOT NULL,
    seq            bigint NOT NULL,       -- of opportunity_clock
    at             timestamptz NOT NULL,
    recorded_at    timestamptz NOT NULL DEFAULT clock_timestamp(),
    from_stage     text,                  -- null: it began there
    to_stage       text NOT NULL,
    asked          text NOT NULL,         -- another than to_stage where it waits for the rest
    actor          text NOT NULL,
    rule_version   text,                  -- null: it was told, no rule was asked
    is_gated       boolean NOT NULL,      -- whether a gate stood in its way
    evidence       text[] NOT NULL DEFAULT '{}',
    lacking        text[] NOT NULL DEFAULT '{}',  -- requirements it went without: warnings, and what it waits for
    PRIMARY KEY (tenant_id, opportunity_id, at, id),
    UNIQUE (tenant_id, opportunity_id, at, to_stage),
    FOREIGN KEY (tenant_id, opportunity_id) REFERENCES opportunity,
    -- Through a gate without evidence is impossible (STAGE-17).
    CHECK (NOT is_gated OR cardinality(evidence) > 0)
);

-- Of those that speak of opportunities.
ALTER TABLE activity ADD COLUMN seq bigint;

-- What is known already: where each stands, since we last heard of it. Not even the owner sees rows while security is forced.
ALTER TABLE opportunity NO FORCE ROW LEVEL SECURITY;
UPDATE opportunity SET opened_at = LEAST(closed_at, updated_at);
INSERT INTO stage_transition (tenant_id, opportunity_id, seq, at, from_stage, to_stage, asked, actor, is_gated)
SELECT tenant_id, id, 0, opened_at, NULL, stage, stage, 'migration', false FROM opportunity;
ALTER TABLE opportunity FORCE ROW LEVEL SECURITY;

SELECT protect_tenant_table(t::regclass) FROM unnest(ARRAY['opportunity_clock', 'opportunity_fact', 'stage_transition']) t;
REVOKE UPDATE, DELETE ON opportunity_fact, stage_transition FROM kiteline_app, kiteline_engine;
