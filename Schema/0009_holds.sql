-- What holds a tenant's work back is seen by the tenant, also where it holds back everybody's.

CREATE POLICY everybody ON gate_limit FOR SELECT TO kiteline_app USING (tenant_id IS NULL);
CREATE POLICY everybody ON breaker FOR SELECT TO kiteline_app USING (tenant_id IS NULL);
CREATE POLICY everybody ON breaker_event FOR SELECT TO kiteline_app USING (tenant_id IS NULL);

-- Said to whose jobs wait for it.
ALTER TABLE tenant ADD COLUMN paused_reason text;
