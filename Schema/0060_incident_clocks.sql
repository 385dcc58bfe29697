-- Incidents have clocks of their own (incident_sla of every pack).
ALTER TABLE clock_subject DROP CONSTRAINT clock_subject_subject_type_check;
ALTER TABLE clock_subject ADD CONSTRAINT clock_subject_subject_type_check
    CHECK (subject_type IN ('lead', 'opportunity', 'customer', 'incident')) NOT VALID;

-- Not even the owner sees rows, or may write any, while security is forced.
ALTER TABLE clock_watch NO FORCE ROW LEVEL SECURITY;
ALTER TABLE clock_subject NO FORCE ROW LEVEL SECURITY;
ALTER TABLE incident NO FORCE ROW LEVEL SECURITY;
-- Rules that are live keep them from now on. Which of them speak of incidents is not looked at: one that does not finds nothing to do.
INSERT INTO clock_watch (tenant_id, ruleset, subject_type) SELECT DISTINCT tenant_id, ruleset, 'incident' FROM clock_watch;
INSERT INTO clock_subject (tenant_id, subject_type, subject_id, next_at)
SELECT i.tenant_id, 'incident', i.id, now() FROM incident i
WHERE i.drained_at IS NULL AND EXISTS (SELECT FROM clock_watch w WHERE w.tenant_id = i.tenant_id);
ALTER TABLE incident FORCE ROW LEVEL SECURITY;
ALTER TABLE clock_subject FORCE ROW LEVEL SECURITY;
ALTER TABLE clock_watch FORCE ROW LEVEL SECURITY;
