-- When a tenant's people are not disturbed by what is not urgent: minutes of the day in the tenant's zone, over midnight where the end is smaller.
CREATE TABLE quiet_hours (
    tenant_id   bigint PRIMARY KEY REFERENCES tenant,
    from_minute integer NOT NULL CHECK (from_minute BETWEEN 0 AND 1439),
    to_minute   integer NOT NULL CHECK (to_minute BETWEEN 0 AND 1439),
    set_by      text NOT NULL,
    reason      text NOT NULL,
    updated_at  timestamptz NOT NULL DEFAULT now(),
    CHECK (from_minute <> to_minute)
);
SELECT protect_tenant_table('quiet_hours');
