-- Working time: the tenant's calendar, what its teams and sellers have otherwise, and what states say of their days.

CREATE TABLE calendar_layer (
    tenant_id  bigint NOT NULL REFERENCES tenant,
    scope      text NOT NULL CHECK (scope IN ('tenant', 'team', 'seller')),
    name       text NOT NULL,            -- the team's or the seller's external id; empty: the tenant's own
    body       jsonb NOT NULL,           -- time_zone, national, observe, week, make_up, days
    updated_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant_id, scope, name),
    CHECK ((scope = 'tenant') = (name = ''))
);
SELECT protect_tenant_table('calendar_layer');

-- Grows with every change of a layer, so that whoever compiled them knows when to do so again.
CREATE TABLE calendar_state (
    tenant_id bigint PRIMARY KEY REFERENCES tenant,
    version   bigint NOT NULL
);
SELECT protect_tenant_table('calendar_state');

-- Notices that came after this binary: a year here replaces the same year of the resource. Of no tenant.
CREATE TABLE national_year (
    country text NOT NULL,
    year    integer NOT NULL CHECK (year BETWEEN 2000 AND 2200),
    papers  text[] NOT NULL,
    off     date[] NOT NULL,
    work    date[] NOT NULL,
    told_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (country, year)
);
GRANT SELECT, INSERT, UPDATE ON national_year TO kiteline_engine;
GRANT SELECT ON national_year TO kiteline_app;
