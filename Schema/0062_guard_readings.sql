-- What the guards of a rollout said on their way: kept by a chore beside the deciding of leads, thinned so that a long rollout has a few
-- hundred of each guard, gone with its rollout.
CREATE TABLE guard_reading (
    tenant_id    bigint NOT NULL,
    rollout_id   bigint NOT NULL,
    id           bigint GENERATED ALWAYS AS IDENTITY,
    guard        text NOT NULL,
    at           timestamptz NOT NULL,
    log_evidence double precision NOT NULL,   -- ln of the e-value
    threshold    double precision NOT NULL,   -- of the e-value: from here on the rollout is taken back
    percent      integer NOT NULL CHECK (percent BETWEEN 0 AND 10000),
    stable_n     bigint NOT NULL,             -- judged of each arm; 0 of stable's where the guard holds a rate against the canary
    canary_n     bigint NOT NULL,
    PRIMARY KEY (tenant_id, rollout_id, id),
    FOREIGN KEY (tenant_id, rollout_id) REFERENCES rollout ON DELETE CASCADE
);
SELECT protect_tenant_table('guard_reading');
REVOKE UPDATE ON guard_reading FROM kiteline_engine;
REVOKE INSERT, UPDATE, DELETE ON guard_reading FROM kiteline_app;

-- Whether the last reading of a rollout that has ended is kept. One that ended before there were any gets it now.
ALTER TABLE rollout ADD COLUMN read_out boolean NOT NULL DEFAULT false;
CREATE INDEX rollout_unread ON rollout (tenant_id) WHERE ended_at IS NOT NULL AND NOT read_out;
