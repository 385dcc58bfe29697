-- What can be watched while it happens: a tenant's event stream, and how far a running job is.

-- Tenants whose events are written, because someone listens or may come back until then. Nearly always empty, and then no event is
-- written. Everything after (since_tx, since_id) is kept.
CREATE TABLE event_listener (
    tenant_id bigint PRIMARY KEY REFERENCES tenant,
    since_tx  xid8 NOT NULL DEFAULT pg_snapshot_xmin(pg_current_snapshot()),
    since_id  bigint NOT NULL DEFAULT 0,
    until     timestamptz NOT NULL
);
SELECT protect_ledger_table('event_listener');

-- What happened to whom, written by the transaction that made it happen. Numbers alone are not in the order of the commits: readers
-- follow (tx, id) up to the oldest transaction still open, so that nothing appears behind them.
CREATE TABLE event (
    id        bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    tx        xid8 NOT NULL DEFAULT pg_current_xact_id(),
    tenant_id bigint NOT NULL,
    at        timestamptz NOT NULL DEFAULT clock_timestamp(),
    type      text NOT NULL,
    body      jsonb NOT NULL
) WITH (autovacuum_vacuum_scale_factor = 0.02);
CREATE INDEX ON event (tenant_id, tx, id);
SELECT protect_ledger_table('event');
-- Alerts are also raised by transactions of the application.
CREATE POLICY told ON event FOR INSERT TO kiteline_app
    WITH CHECK (tenant_id = ANY ((SELECT NULLIF(current_setting('kiteline.tenants', true), '')::bigint[])::bigint[]));
GRANT INSERT ON event TO kiteline_app;

-- Alerts, changes by people and breakers are rare, so triggers tell of them, whoever writes them.
CREATE FUNCTION tell(tenant bigint, type text, body jsonb) RETURNS void LANGUAGE sql AS $$
    INSERT INTO event (tenant_id, type, body)
    SELECT tenant, type, body WHERE EXISTS (SELECT FROM event_listener l WHERE l.tenant_id = tenant)
$$;

CREATE FUNCTION tell_of_alert() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM tell(NEW.tenant_id, CASE WHEN NEW.resolved_at IS NULL THEN 'alert.raised' ELSE 'alert.resolved' END,
        jsonb_build_object('alert_id', NEW.id::text, 'code', NEW.code, 'subject', NEW.subject, 'count', NEW.count));
    RETURN NULL;
END
$$;
CREATE TRIGGER tell_raised AFTER INSERT ON alert FOR EACH ROW EXECUTE FUNCTION tell_of_alert();
CREATE TRIGGER tell_resolved AFTER UPDATE OF resolved_at ON alert FOR EACH ROW
    WHEN (OLD.resolved_at IS NULL AND NEW.resolved_at IS NOT NULL) EXECUTE FUNCTION tell_of_alert();

CREATE FUNCTION tell_of_control() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM tell(NEW.tenant_id, 'control.changed', jsonb_build_object('action', NEW.action, 'subject', NEW.subject, 'reason', NEW.reason));
    RETURN NULL;
END
$$;
CREATE TRIGGER tell_changed AFTER INSERT ON audit_log FOR EACH ROW
    WHEN (NEW.tenant_id IS NOT NULL AND NEW.action <> 'refused') EXECUTE FUNCTION tell_of_control();

CREATE FUNCTION tell_of_breaker() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM tell(NEW.tenant_id, 'breaker.changed',
        jsonb_build_object('dependency', substr(NEW.gate, strpos(NEW.gate, 'd:') + 2), 'state', NEW.state, 'reason', NEW.reason));
    RETURN NULL;
END
$$;
CREATE TRIGGER tell_changed AFTER INSERT ON breaker_event FOR EACH ROW
    WHEN (NEW.tenant_id IS NOT NULL) EXECUTE FUNCTION tell_of_breaker();

-- How far a running job is, as its handler tells. A row counts for one fence; those whose fence is over are swept away.
CREATE TABLE job_progress (
    id        bigint PRIMARY KEY,
    fence     bigint NOT NULL,
    tenant_id bigint NOT NULL,
    fraction  double precision NOT NULL CHECK (fraction BETWEEN 0 AND 1),
    note      text,
    at        timestamptz NOT NULL DEFAULT clock_timestamp()
) WITH (fillfactor = 50);
SELECT protect_ledger_table('job_progress');

-- How long the last rebuild of the index took.
ALTER TABLE shard_epoch ADD COLUMN rebuild_seconds double precision;
