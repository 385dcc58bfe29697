-- A tenant's alerts, the newest first: by the row's own key alone, others' were read on the way.
CREATE INDEX alert_of_tenant ON alert (tenant_id, id);
