-- When a lead was touched first, whoever has it since: a touch of another owner is not the new one's, but the month counts it.
-- Null where nobody has, and of leads touched before this was kept; touched_at says it of those that were not given away.
ALTER TABLE lead ADD COLUMN first_touched_at timestamptz;
