-- Models that warn are versions like rule sets, and go the same way: draft, shadow, canary, live.

-- Before the first of them there is silence, which is no version.
ALTER TABLE rollout ALTER COLUMN stable_version DROP NOT NULL,
    ADD CHECK (stable_version IS NOT NULL OR kind = 'warning_model');

-- Not even the owner sees rows, or may write any, while security is forced.
ALTER TABLE health_model NO FORCE ROW LEVEL SECURITY;
ALTER TABLE ruleset_version NO FORCE ROW LEVEL SECURITY;
INSERT INTO ruleset_version (tenant_id, kind, name, version, hash, source, state, actor, created_at)
SELECT tenant_id, 'warning_model', 'spi', version, encode(sha256(convert_to(body::text, 'UTF8')), 'hex'), body::text,
    CASE WHEN state IN ('live', 'retired') THEN state ELSE 'draft' END, 'training', trained_at
FROM health_model WHERE body IS NOT NULL;
ALTER TABLE ruleset_version FORCE ROW LEVEL SECURITY;
ALTER TABLE health_model FORCE ROW LEVEL SECURITY;

-- What is kept of a training never changes; where its model stands is said by its version and its rollouts.
DROP INDEX health_model_live;
ALTER TABLE health_model DROP COLUMN state, DROP COLUMN body;
REVOKE UPDATE, DELETE ON health_model FROM kiteline_app, kiteline_engine;

-- Which arm of which rollout a prediction was made in, and whether what came of it was counted there.
ALTER TABLE health_prediction
    ADD COLUMN rollout_id bigint,
    ADD COLUMN stage      integer,
    ADD COLUMN arm        text CHECK (arm IN ('stable', 'canary')),
    ADD COLUMN judged     boolean NOT NULL DEFAULT false,
    ADD FOREIGN KEY (tenant_id, rollout_id, stage) REFERENCES rollout_stage,
    ADD CHECK ((rollout_id IS NULL) = (arm IS NULL) AND (rollout_id IS NULL) = (stage IS NULL));
CREATE INDEX health_prediction_due ON health_prediction (tenant_id, id) WHERE rollout_id IS NOT NULL AND NOT judged AND outcome <> 'pending';
-- Whose opportunities they were and are: process health asks for each seller's changes of stage.
CREATE INDEX opportunity_fact_owner ON opportunity_fact (tenant_id, owner, opportunity_id);
