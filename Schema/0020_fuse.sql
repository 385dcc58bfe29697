-- The assignment fuse: open, no lead of the tenant is assigned automatically. A change of it grows the tenant's routing version, so what was
-- decided before is decided again.
CREATE TABLE assignment_fuse (
    tenant_id  bigint PRIMARY KEY REFERENCES tenant,
    state      text NOT NULL CHECK (state IN ('open', 'closed')),
    reason     text NOT NULL,
    set_by     text NOT NULL,
    changed_at timestamptz NOT NULL
);
SELECT protect_tenant_table('assignment_fuse');

-- What went wrong with assignment, from the first sign of it until nobody waits any more.
CREATE TABLE incident (
    tenant_id      bigint NOT NULL REFERENCES tenant,
    id             bigint GENERATED ALWAYS AS IDENTITY,
    cause          text,                    -- the error class most failures had; null where a person opened the fuse before it was seen
    detected_at    timestamptz NOT NULL,
    fuse_opened_at timestamptz NOT NULL,
    opened_by      text NOT NULL,
    reason         text NOT NULL,
    fixed_at       timestamptz,             -- the fuse was closed
    fixed_by       text,
    fix            text,
    drained_at     timestamptz,             -- every lead that waited then has been decided anew
    due_at         timestamptz NOT NULL,
    PRIMARY KEY (tenant_id, id)
);
-- One at a time is not fixed yet.
CREATE UNIQUE INDEX incident_open ON incident (tenant_id) WHERE fixed_at IS NULL;
CREATE INDEX incident_undrained ON incident (tenant_id) WHERE drained_at IS NULL;
SELECT protect_tenant_table('incident');

-- Leads without an owner are found without reading the others.
CREATE INDEX lead_waiting ON lead (tenant_id, id) WHERE state IN ('awaiting_assignment', 'manual_queue');
