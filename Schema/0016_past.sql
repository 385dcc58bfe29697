-- The past as it was: what each assignment was decided on, kept so that it can be worked out again (docs/architecture.md, 42).
--
-- A decision knows how far everything it rests on had come: sellers, rules and earlier assignments (version, of routing_state),
-- touches (load_seq), deals (deal_seq, and up to which minute: deals_at), and which telling of the lead it read (told). The
-- tables below hold what had come, numbered by the same counters. They only grow.

-- Counters beside routing_state: moving them makes nobody decide again. Locked before loads and leads.
CREATE TABLE routing_clock (
    tenant_id bigint PRIMARY KEY REFERENCES tenant,
    load_seq  bigint NOT NULL DEFAULT 0,
    deal_seq  bigint NOT NULL DEFAULT 0
) WITH (fillfactor = 50);

ALTER TABLE decision_log
    ADD COLUMN version  bigint,   -- null: decided before any of this was kept
    -- Whether its group moved the version on. Groups that did not changed nothing for each other; the one that did came last.
    ADD COLUMN moved    boolean,
    ADD COLUMN load_seq bigint,
    ADD COLUMN deal_seq bigint,
    ADD COLUMN deals_at timestamptz,  -- null: no rule asked for deals
    ADD COLUMN told     integer;
CREATE INDEX decision_order ON decision_log (tenant_id, version, moved, decided_at, lead_id) WHERE version IS NOT NULL;
CREATE INDEX decision_unordered ON decision_log (tenant_id, decided_at) WHERE version IS NULL;

CREATE TABLE seller_change (
    tenant_id   bigint NOT NULL,
    version     bigint NOT NULL,      -- the one it made
    seller_id   bigint NOT NULL,
    external_id text NOT NULL,
    team        text,
    status      text,
    regions     text[] NOT NULL,
    industries  text[] NOT NULL,
    capacity    integer NOT NULL,
    weight      integer NOT NULL,
    newcomer    boolean NOT NULL,
    at          timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant_id, version, seller_id),
    FOREIGN KEY (tenant_id, seller_id) REFERENCES seller
);

CREATE TABLE rule_change (
    tenant_id    bigint NOT NULL,
    version      bigint NOT NULL,     -- the one it made
    kind         text NOT NULL,
    name         text NOT NULL,
    rule_version integer NOT NULL,
    state        text NOT NULL CHECK (state IN ('live', 'retired')),
    at           timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant_id, version, kind, name, rule_version),
    FOREIGN KEY (tenant_id, kind, name, rule_version) REFERENCES ruleset_version
);

-- Every change of a seller's pending leads that is not a decision's: a first touch takes one away.
CREATE TABLE load_change (
    tenant_id bigint NOT NULL,
    seq       bigint NOT NULL,
    lead_id   bigint NOT NULL,
    seller_id bigint NOT NULL,
    change    integer NOT NULL,
    at        timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant_id, seq, lead_id, seller_id)
);

-- What a deal was before it was told anew: true from seq on, up to but not including until_seq.
ALTER TABLE opportunity ADD COLUMN seq bigint NOT NULL DEFAULT 0;
CREATE INDEX opportunity_seq ON opportunity (tenant_id, seq);
DROP INDEX opportunity_updated;
CREATE TABLE opportunity_past (
    tenant_id bigint NOT NULL,
    id        bigint NOT NULL,
    seq       bigint NOT NULL,
    until_seq bigint NOT NULL,
    owner     text,
    industry  text,
    won       boolean,
    closed_at timestamptz,
    PRIMARY KEY (tenant_id, seq, id),
    FOREIGN KEY (tenant_id, id) REFERENCES opportunity
);

-- What a lead said before it was told anew; lead.told counts how often it was.
ALTER TABLE lead ADD COLUMN told integer NOT NULL DEFAULT 0;
CREATE TABLE lead_past (
    tenant_id   bigint NOT NULL,
    lead_id     bigint NOT NULL,
    told        integer NOT NULL,
    received_at timestamptz NOT NULL,
    fields      jsonb NOT NULL,
    PRIMARY KEY (tenant_id, lead_id, told),
    FOREIGN KEY (tenant_id, lead_id) REFERENCES lead
);

-- Sellers with their loads, and whose turn it was: where a replay can begin without beginning at the beginning. Of one moment:
-- written by one statement.
CREATE TABLE routing_snapshot (
    tenant_id bigint NOT NULL REFERENCES tenant,
    version   bigint NOT NULL,
    load_seq  bigint NOT NULL,
    deal_seq  bigint NOT NULL,
    at        timestamptz NOT NULL DEFAULT now(),
    sellers   jsonb NOT NULL,
    cursors   jsonb NOT NULL,
    PRIMARY KEY (tenant_id, version, load_seq, deal_seq)
);
CREATE INDEX routing_snapshot_at ON routing_snapshot (tenant_id, at);

ALTER TABLE tenant
    -- Whether everything above was kept from the tenant's first day; of those there are by now it was not.
    ADD COLUMN whole_past boolean NOT NULL DEFAULT false,
    -- How many passed rounds a version needs before a rollout of it may begin.
    ADD COLUMN sandbox_rounds integer NOT NULL DEFAULT 0 CHECK (sandbox_rounds BETWEEN 0 AND 100);
ALTER TABLE tenant ALTER COLUMN whole_past SET DEFAULT true;

-- A replay of a version on recorded leads. hash is the version's: an edited version is another one, with no rounds yet.
CREATE TABLE sandbox_round (
    tenant_id   bigint NOT NULL REFERENCES tenant,
    id          bigint GENERATED ALWAYS AS IDENTITY,
    kind        text NOT NULL,
    name        text NOT NULL,
    version     integer NOT NULL,
    hash        text NOT NULL,
    from_at     timestamptz NOT NULL,
    to_at       timestamptz NOT NULL CHECK (to_at > from_at),
    job_id      bigint NOT NULL,
    actor       text NOT NULL,
    state       text NOT NULL DEFAULT 'running' CHECK (state IN ('running', 'passed', 'failed')),
    run         bigint,                  -- which run's differences count
    replayed    bigint,
    differing   bigint,
    result      jsonb,
    created_at  timestamptz NOT NULL DEFAULT now(),
    finished_at timestamptz,
    PRIMARY KEY (tenant_id, id),
    FOREIGN KEY (tenant_id, kind, name, version) REFERENCES ruleset_version
);
CREATE INDEX sandbox_round_of ON sandbox_round (tenant_id, kind, name, version, id);

-- Where a round's decisions differ from those that were made. Written while the replay runs, under the number of its run; of
-- interrupted runs they are swept away when one is finished.
CREATE TABLE replay_difference (
    tenant_id    bigint NOT NULL,
    round_id     bigint NOT NULL,
    run          bigint NOT NULL,
    place        bigint NOT NULL,
    lead_id      bigint NOT NULL,
    decided_at   timestamptz NOT NULL,
    live_outcome text NOT NULL,
    live_seller  text,
    live_rule    text,
    outcome      text NOT NULL,
    seller       text,
    rule         text,
    PRIMARY KEY (tenant_id, round_id, run, place),
    FOREIGN KEY (tenant_id, round_id) REFERENCES sandbox_round
);

SELECT protect_tenant_table(t::regclass) FROM unnest(ARRAY[
    'routing_clock', 'seller_change', 'rule_change', 'load_change', 'opportunity_past', 'lead_past', 'routing_snapshot',
    'sandbox_round', 'replay_difference']) t;
REVOKE UPDATE, DELETE ON seller_change, rule_change, load_change, opportunity_past, lead_past FROM kiteline_app, kiteline_engine;
