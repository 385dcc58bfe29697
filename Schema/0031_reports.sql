-- Reports as they were made; a later one of the same time does not replace an earlier one.
CREATE TABLE report (
    tenant_id  bigint NOT NULL REFERENCES tenant,
    id         bigint GENERATED ALWAYS AS IDENTITY,
    kind       text NOT NULL,
    from_at    timestamptz NOT NULL,
    to_at      timestamptz NOT NULL,
    job_id     bigint NOT NULL,
    body       jsonb NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant_id, id),
    CHECK (from_at < to_at)
);
CREATE INDEX report_of_kind ON report (tenant_id, kind, id);
SELECT protect_tenant_table('report');
REVOKE UPDATE, DELETE ON report FROM kiteline_app;
