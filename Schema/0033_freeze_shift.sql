-- Who gets no new lead for a time: by a manager's word (freeze), or outside of their hours (shift).

ALTER TABLE seller
    ADD COLUMN frozen_at     timestamptz,   -- null: not frozen
    ADD COLUMN frozen_until  timestamptz,   -- null: until thawed
    ADD COLUMN frozen_reason text,
    ADD COLUMN frozen_by     text,
    ADD COLUMN shift         text,          -- of shift_plan; null: at all hours
    ADD CHECK (frozen_at IS NOT NULL OR (frozen_until IS NULL AND frozen_reason IS NULL AND frozen_by IS NULL)),
    ADD CHECK ((frozen_at IS NULL) = (frozen_reason IS NULL));

ALTER TABLE seller_change
    ADD COLUMN frozen_at    timestamptz,
    ADD COLUMN frozen_until timestamptz,
    ADD COLUMN shift        text;

-- Working hours as they were when somebody's shift followed them, under the hash of what they say: zone, layers, the state's notices. Never
-- changed, so that whatever names one can be worked out again.
CREATE TABLE shift_plan (
    tenant_id bigint NOT NULL REFERENCES tenant,
    hash      text NOT NULL,
    body      text NOT NULL,
    PRIMARY KEY (tenant_id, hash)
);
SELECT protect_tenant_table('shift_plan');
REVOKE UPDATE, DELETE ON shift_plan FROM kiteline_app, kiteline_engine;
