-- A tenant's alerts, the newest first: by the row's own key alone, others' were read on the way.
CREATE INDEX alert_of_tenant ON alert (tenant_id, id);
-- Whose alerts last, and since when, without reading all that do: one step from tenant to tenant, where there may be many alerts of one.
CREATE INDEX alert_lasting ON alert (tenant_id, id) WHERE resolved_at IS NULL;
