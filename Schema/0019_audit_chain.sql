-- The audit log is a chain for each tenant, and one for what concerns no tenant: every row carries the hash of the row before it,
-- so a row that was changed, taken out, put in or moved is found by whoever reads it through (kiteline audit verify).

-- Where each chain ends. Whoever writes a row holds its chain's head until the end of the transaction: two writers make one chain.
-- Without it rows taken off the end would not be missed.
CREATE TABLE audit_head (
    chain     bigint PRIMARY KEY,         -- the tenant's id; 0: no tenant
    tenant_id bigint REFERENCES tenant,
    seq       bigint NOT NULL,
    hash      bytea NOT NULL
) WITH (fillfactor = 50);

ALTER TABLE audit_log
    ADD COLUMN seq       bigint,          -- 1, 2, 3 … within its chain
    ADD COLUMN prev_hash bytea,           -- of the row before; empty in the first
    ADD COLUMN hash      bytea;

-- A field with its length in bytes in front, so that no two rows have the same text: "3:abc," and "-," for null.
CREATE FUNCTION audit_field(value text) RETURNS text LANGUAGE sql IMMUTABLE AS
$$ SELECT CASE WHEN value IS NULL THEN '-,' ELSE octet_length(value) || ':' || value || ',' END $$;

-- What is hashed: every field of the row and the hash of the row before it. Tenancy/AuditChain.swift says the same in Swift.
CREATE FUNCTION audit_hash(entry audit_log) RETURNS bytea LANGUAGE sql IMMUTABLE AS $$
    SELECT sha256(convert_to(
        audit_field(encode(entry.prev_hash, 'hex')) || audit_field(entry.seq::text) || audit_field(entry.id::text)
            || audit_field(entry.tenant_id::text) || audit_field(((extract(epoch FROM entry.at) * 1000000)::bigint)::text)
            || audit_field(entry.actor) || audit_field(entry.action) || audit_field(entry.subject)
            || audit_field(entry.before::text) || audit_field(entry.after::text) || audit_field(entry.reason), 'UTF8'))
$$;

-- Each statement here sees what was committed before it, also after waiting for the head.
CREATE FUNCTION chain_audit() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    head audit_head;
BEGIN
    SELECT * INTO head FROM audit_head WHERE chain = COALESCE(NEW.tenant_id, 0) FOR UPDATE;
    IF NOT FOUND THEN
        INSERT INTO audit_head (chain, tenant_id, seq, hash) VALUES (COALESCE(NEW.tenant_id, 0), NEW.tenant_id, 0, '')
        ON CONFLICT DO NOTHING;
        SELECT * INTO STRICT head FROM audit_head WHERE chain = COALESCE(NEW.tenant_id, 0) FOR UPDATE;
    END IF;
    NEW.seq := head.seq + 1;
    NEW.prev_hash := head.hash;
    NEW.hash := audit_hash(NEW);
    UPDATE audit_head SET seq = NEW.seq, hash = NEW.hash WHERE chain = head.chain;
    RETURN NEW;
END
$$;

-- Rows from before are chained in the order they were written. The owner is no superuser everywhere, so row security steps aside.
ALTER TABLE audit_log NO FORCE ROW LEVEL SECURITY;
DO $$
DECLARE
    entry audit_log;
    head  audit_head;
BEGIN
    FOR entry IN SELECT * FROM audit_log ORDER BY COALESCE(tenant_id, 0), id LOOP
        IF head.chain IS DISTINCT FROM COALESCE(entry.tenant_id, 0) THEN
            head := ROW(COALESCE(entry.tenant_id, 0), entry.tenant_id, 0, ''::bytea);
        END IF;
        entry.seq := head.seq + 1;
        entry.prev_hash := head.hash;
        entry.hash := audit_hash(entry);
        UPDATE audit_log SET seq = entry.seq, prev_hash = entry.prev_hash, hash = entry.hash WHERE id = entry.id;
        head.seq := entry.seq;
        head.hash := entry.hash;
        INSERT INTO audit_head VALUES (head.chain, head.tenant_id, head.seq, head.hash)
        ON CONFLICT (chain) DO UPDATE SET seq = excluded.seq, hash = excluded.hash;
    END LOOP;
END
$$;
ALTER TABLE audit_log FORCE ROW LEVEL SECURITY;
ALTER TABLE audit_log ALTER COLUMN seq SET NOT NULL, ALTER COLUMN prev_hash SET NOT NULL, ALTER COLUMN hash SET NOT NULL;
CREATE UNIQUE INDEX audit_log_chain ON audit_log (COALESCE(tenant_id, 0), seq);
CREATE INDEX audit_log_tenant ON audit_log (tenant_id, id);
CREATE TRIGGER chain_audit BEFORE INSERT ON audit_log FOR EACH ROW EXECUTE FUNCTION chain_audit();

SELECT protect_ledger_table('audit_head');
REVOKE DELETE ON audit_head FROM kiteline_engine;
REVOKE TRUNCATE ON audit_log, audit_head FROM kiteline_engine, kiteline_app;
