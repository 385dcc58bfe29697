-- When a lead was touched first, whoever has it since: a touch of another owner is not the new one's, but the month counts it.
-- Null where nobody has, and until they are given away of leads touched before this was kept: touched_at says it of these.
ALTER TABLE lead ADD COLUMN first_touched_at timestamptz;
-- The newest of those that were somebody's delay, however many an import of old leads left beside them.
CREATE INDEX escalation_delays ON escalation (tenant_id, id) WHERE NOT history;
