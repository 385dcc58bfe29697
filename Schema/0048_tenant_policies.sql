-- Row security that no plan rests on.
--
-- Every statement names its tenant, so the policy's own `tenant_id = ANY (…)` told the planner nothing new; but it took it for a second
-- condition, multiplied the two, and then any index that begins with the tenant looked as good as the row's own key. Where nobody had
-- analyzed a table of 4,000 rows yet, a lead was decided by reading all its tenant's assignments twice: 2 ms, now 0.01 ms. Within COALESCE
-- it is a filter and nothing else, evaluated on each row that is read.
CREATE FUNCTION tenant_rule() RETURNS text LANGUAGE sql IMMUTABLE AS $$
    SELECT $rule$COALESCE(tenant_id = ANY ((SELECT NULLIF(current_setting('kiteline.tenants', true), '')::bigint[])::bigint[]), false)$rule$
$$;

-- Makes a tenant table safe: row security forced, both roles held to the transaction's tenant list.
CREATE OR REPLACE FUNCTION protect_tenant_table(name regclass) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE format('ALTER TABLE %s ENABLE ROW LEVEL SECURITY', name);
    EXECUTE format('ALTER TABLE %s FORCE ROW LEVEL SECURITY', name);
    EXECUTE format('CREATE POLICY tenant ON %s TO kiteline_engine, kiteline_app USING (%s)', name, tenant_rule());
    EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE ON %s TO kiteline_engine, kiteline_app', name);
END
$$;

-- Makes a ledger table safe: the engine sees every tenant, the application reads the transaction's tenants only.
CREATE OR REPLACE FUNCTION protect_ledger_table(name regclass) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE format('ALTER TABLE %s ENABLE ROW LEVEL SECURITY', name);
    EXECUTE format('ALTER TABLE %s FORCE ROW LEVEL SECURITY', name);
    EXECUTE format('CREATE POLICY engine ON %s TO kiteline_engine USING (true)', name);
    EXECUTE format('CREATE POLICY tenant ON %s FOR SELECT TO kiteline_app USING (%s)', name, tenant_rule());
    EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE ON %s TO kiteline_engine', name);
    EXECUTE format('GRANT SELECT ON %s TO kiteline_app', name);
END
$$;

DO $$
DECLARE
    policy record;
BEGIN
    FOR policy IN
        SELECT polname AS name, polrelid::regclass AS protected FROM pg_policy
        WHERE pg_get_expr(polqual, polrelid) LIKE '(tenant_id = ANY (%kiteline.tenants%'
    LOOP
        EXECUTE format('ALTER POLICY %I ON %s USING (%s)', policy.name, policy.protected, tenant_rule());
    END LOOP;
END
$$;
