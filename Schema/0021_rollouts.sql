-- Rule changes rolled out like code: who is decided by which version, what came of it, and how it ended.

-- One change of one rule set on its way from a few customers to all.
CREATE TABLE rollout (
    tenant_id        bigint NOT NULL REFERENCES tenant,
    id               bigint GENERATED ALWAYS AS IDENTITY,
    kind             text NOT NULL,
    name             text NOT NULL,
    version          integer NOT NULL,      -- the candidate
    stable_version   integer NOT NULL,      -- what was live when it began
    state            text NOT NULL CHECK (state IN ('shadow', 'canary', 'live', 'aborted')),
    plan             jsonb NOT NULL,        -- guards and their limits, frozen
    before_n         integer NOT NULL,      -- the tenant's last leads before the start, and the failures among them
    before_failures  integer NOT NULL,
    shadow_n         bigint NOT NULL DEFAULT 0,
    shadow_different bigint NOT NULL DEFAULT 0,
    shadow_failures  bigint NOT NULL DEFAULT 0,
    started_by       text NOT NULL,
    started_at       timestamptz NOT NULL DEFAULT now(),
    ended_at         timestamptz,
    end_reason       text,
    PRIMARY KEY (tenant_id, id),
    FOREIGN KEY (tenant_id, kind, name, version) REFERENCES ruleset_version,
    FOREIGN KEY (tenant_id, kind, name, stable_version) REFERENCES ruleset_version
) WITH (fillfactor = 50);
CREATE UNIQUE INDEX rollout_running ON rollout (tenant_id, kind, name) WHERE state IN ('shadow', 'canary');

-- What was seen while the percentage stood still; the last stage is the one in force. Counts grow in the transactions that settle the
-- leads they count, under the tenant's routing version, so whoever decides on that version decides on exact counts.
CREATE TABLE rollout_stage (
    tenant_id       bigint NOT NULL,
    rollout_id      bigint NOT NULL,
    number          integer NOT NULL,
    percent         integer NOT NULL CHECK (percent BETWEEN 1 AND 10000),  -- hundredths of a percent
    since           timestamptz NOT NULL DEFAULT now(),
    stable_exposed  bigint NOT NULL DEFAULT 0,   -- customers first seen in this stage
    canary_exposed  bigint NOT NULL DEFAULT 0,
    stable_n        bigint NOT NULL DEFAULT 0,   -- leads decided
    stable_failures bigint NOT NULL DEFAULT 0,
    canary_n        bigint NOT NULL DEFAULT 0,
    canary_failures bigint NOT NULL DEFAULT 0,
    canary_only     bigint NOT NULL DEFAULT 0,   -- failures the stable version would not have had
    stable_due      bigint NOT NULL DEFAULT 0,   -- first touches that fell due, and those of them that were not in time
    stable_late     bigint NOT NULL DEFAULT 0,
    canary_due      bigint NOT NULL DEFAULT 0,
    canary_late     bigint NOT NULL DEFAULT 0,
    PRIMARY KEY (tenant_id, rollout_id, number),
    FOREIGN KEY (tenant_id, rollout_id) REFERENCES rollout
) WITH (fillfactor = 50);

-- Which arm a customer is in: the first decision under the rollout says it, and it stays.
CREATE TABLE exposure (
    tenant_id  bigint NOT NULL,
    rollout_id bigint NOT NULL,
    customer   text NOT NULL,
    arm        text NOT NULL CHECK (arm IN ('stable', 'canary')),
    percent    integer NOT NULL,            -- in force at that moment
    at         timestamptz NOT NULL,
    PRIMARY KEY (tenant_id, rollout_id, customer),
    FOREIGN KEY (tenant_id, rollout_id) REFERENCES rollout
);

-- Leads decided while a canary ran. Those with an owner are judged by their first touch at the instant it is due.
CREATE TABLE rollout_case (
    tenant_id  bigint NOT NULL,
    rollout_id bigint NOT NULL,
    lead_id    bigint NOT NULL,
    epoch      integer NOT NULL,
    stage      integer NOT NULL,
    arm        text NOT NULL CHECK (arm IN ('stable', 'canary')),
    failed     boolean NOT NULL,
    decided_at timestamptz NOT NULL,
    due_at     timestamptz,                 -- null: no first touch is owed
    judged     boolean NOT NULL DEFAULT false,
    PRIMARY KEY (tenant_id, rollout_id, lead_id, epoch),
    FOREIGN KEY (tenant_id, rollout_id, stage) REFERENCES rollout_stage,
    FOREIGN KEY (tenant_id, lead_id) REFERENCES lead
);
CREATE INDEX rollout_case_due ON rollout_case (due_at) WHERE NOT judged;
CREATE INDEX rollout_case_canary ON rollout_case (tenant_id, rollout_id, lead_id) WHERE arm = 'canary';

-- Where the other version would have decided otherwise; the first of them, for people to look at.
CREATE TABLE rollout_difference (
    tenant_id  bigint NOT NULL,
    rollout_id bigint NOT NULL,
    lead_id    bigint NOT NULL,
    epoch      integer NOT NULL,
    at         timestamptz NOT NULL,
    decided    text NOT NULL,               -- outcome, and who or where
    otherwise  text NOT NULL,
    PRIMARY KEY (tenant_id, rollout_id, lead_id, epoch),
    FOREIGN KEY (tenant_id, rollout_id) REFERENCES rollout
);

-- What happened to it, step by step: by whom, why, and the evidence of that moment.
CREATE TABLE rollout_event (
    tenant_id  bigint NOT NULL,
    rollout_id bigint NOT NULL,
    id         bigint GENERATED ALWAYS AS IDENTITY,
    at         timestamptz NOT NULL DEFAULT clock_timestamp(),
    actor      text NOT NULL,
    action     text NOT NULL,
    percent    integer NOT NULL,
    reason     text NOT NULL,
    PRIMARY KEY (tenant_id, rollout_id, id),
    FOREIGN KEY (tenant_id, rollout_id) REFERENCES rollout
);

-- What people are told inside Kiteline: a rule changed, a lead moved. Channels to the outside come on top of it.
CREATE TABLE notification (
    tenant_id bigint NOT NULL REFERENCES tenant,
    id        bigint GENERATED ALWAYS AS IDENTITY,
    recipient text NOT NULL,                -- a seller's external id, or role:operator, role:seller
    code      text NOT NULL,
    subject   text NOT NULL,
    text_en   text NOT NULL,
    text_zh   text NOT NULL,
    at        timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant_id, id)
);
CREATE INDEX notification_recipient ON notification (tenant_id, recipient, id);

-- The last decisions of a tenant, for what stable did before a rollout began.
CREATE INDEX decision_log_lately ON decision_log (tenant_id, decided_at);

SELECT protect_tenant_table(t::regclass) FROM unnest(ARRAY[
    'rollout', 'rollout_stage', 'exposure', 'rollout_case', 'rollout_difference', 'rollout_event', 'notification']) t;
REVOKE UPDATE, DELETE ON rollout_event, exposure FROM kiteline_app;

