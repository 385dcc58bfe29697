-- Clocks: when something about a subject is due, what was missed, and who hears of it.

-- A subject's timer. Whatever happens to the subject moves its fence on, in the transaction in which it happens, and so does whoever
-- writes down what was missed: of a touch and an escalation that were decided on the same facts only one is committed.
CREATE TABLE clock_subject (
    tenant_id    bigint NOT NULL REFERENCES tenant,
    subject_type text NOT NULL CHECK (subject_type IN ('lead', 'opportunity', 'customer')),
    subject_id   bigint NOT NULL,
    fence        bigint NOT NULL DEFAULT 1,
    next_at      timestamptz,             -- when it is looked at next; null: nothing is due unless something happens
    job_id       bigint,                  -- the job that looks then; null: it is not made yet
    provisional  boolean NOT NULL DEFAULT false,  -- a day that nobody knows yet has a say in next_at or in what follows
    clocks       jsonb NOT NULL DEFAULT '[]',     -- as they were read last: clock, state, start, levels with their due_at
    looked_at    timestamptz,
    PRIMARY KEY (tenant_id, subject_type, subject_id)
) WITH (fillfactor = 70);
-- What jobs are to be made for, the next first; and those made, to find the ones that were lost.
CREATE INDEX clock_owed ON clock_subject (next_at) WHERE job_id IS NULL AND next_at IS NOT NULL;
CREATE INDEX clock_promised ON clock_subject (next_at) WHERE job_id IS NOT NULL;
-- The engine makes jobs for every tenant's; the application arms its own tenants'.
SELECT protect_ledger_table('clock_subject');
CREATE POLICY arming ON clock_subject FOR INSERT TO kiteline_app
    WITH CHECK (tenant_id = ANY ((SELECT NULLIF(current_setting('kiteline.tenants', true), '')::bigint[])::bigint[]));
CREATE POLICY rearming ON clock_subject FOR UPDATE TO kiteline_app
    USING (tenant_id = ANY ((SELECT NULLIF(current_setting('kiteline.tenants', true), '')::bigint[])::bigint[]));
GRANT INSERT, UPDATE ON clock_subject TO kiteline_app;

-- All clocks of a tenant are to be looked at again, page by page, since its rules or calendars have changed: where that has come to.
CREATE TABLE clock_rearm (
    tenant_id  bigint PRIMARY KEY REFERENCES tenant,
    asked_at   timestamptz NOT NULL,
    after_type text NOT NULL DEFAULT '',
    after_id   bigint NOT NULL DEFAULT 0
);
SELECT protect_ledger_table('clock_rearm');
CREATE POLICY arming ON clock_rearm FOR INSERT TO kiteline_app
    WITH CHECK (tenant_id = ANY ((SELECT NULLIF(current_setting('kiteline.tenants', true), '')::bigint[])::bigint[]));
CREATE POLICY rearming ON clock_rearm FOR UPDATE TO kiteline_app
    USING (tenant_id = ANY ((SELECT NULLIF(current_setting('kiteline.tenants', true), '')::bigint[])::bigint[]));
GRANT INSERT, UPDATE ON clock_rearm TO kiteline_app;

-- Which subjects a tenant's live clock rules watch: of others nothing is kept.
CREATE TABLE clock_watch (
    tenant_id    bigint NOT NULL REFERENCES tenant,
    ruleset      text NOT NULL,
    subject_type text NOT NULL,
    PRIMARY KEY (tenant_id, ruleset, subject_type)
);
SELECT protect_tenant_table('clock_watch');

-- A level of a clock that was missed: written once for each beginning of the clock, whoever looks and however often.
CREATE TABLE escalation (
    tenant_id    bigint NOT NULL REFERENCES tenant,
    id           bigint GENERATED ALWAYS AS IDENTITY,
    subject_type text NOT NULL,
    subject_id   bigint NOT NULL,
    clock        text NOT NULL,
    level        text NOT NULL,
    episode      timestamptz NOT NULL,     -- when the clock began; -infinity where it begins but once
    started_at   timestamptz NOT NULL,
    due_at       timestamptz NOT NULL,
    recorded_at  timestamptz NOT NULL,
    late_by      integer NOT NULL,         -- seconds, when it was recorded
    action       text NOT NULL,
    acted        boolean NOT NULL,         -- whether the action was taken
    told         text NOT NULL CHECK (told IN ('told', 'held', 'untold')),
    held_until   timestamptz,
    told_at      timestamptz,
    urgency      text NOT NULL,
    recipients   text[] NOT NULL DEFAULT '{}',
    channels     text[] NOT NULL DEFAULT '{}',
    owner        text,                     -- the subject's seller and team at that moment
    team         text,
    reason       text CHECK (reason IN ('not_answered', 'busy', 'transferred')),  -- why it was late; null: not said
    met_at       timestamptz,              -- when it was made good
    withdrawn_at timestamptz,              -- when facts that came later disproved it
    job_id       bigint NOT NULL,
    PRIMARY KEY (tenant_id, id),
    UNIQUE (tenant_id, subject_type, subject_id, clock, episode, level)
) WITH (fillfactor = 80);
CREATE INDEX escalation_open ON escalation (tenant_id, clock, owner) WHERE met_at IS NULL AND withdrawn_at IS NULL;
CREATE INDEX escalation_started ON escalation (tenant_id, clock, started_at);
SELECT protect_tenant_table('escalation');

-- Who hears of what a team misses: its manager, then its superior team's.
ALTER TABLE team ADD COLUMN IF NOT EXISTS manager text, ADD COLUMN IF NOT EXISTS superior text;

-- Who holds an office that rules name: sales_director, finance, cto and so on.
CREATE TABLE office_holder (
    tenant_id bigint NOT NULL REFERENCES tenant,
    office    text NOT NULL,
    people    text[] NOT NULL CHECK (cardinality(people) BETWEEN 1 AND 20),
    PRIMARY KEY (tenant_id, office)
);
SELECT protect_tenant_table('office_holder');
