-- What failed for good is seen where people look for it, and found without reading everything.

-- A list of reasons, as in decisions: why a lead is held although nothing was decided about it.
ALTER TABLE lead ADD COLUMN held_detail jsonb;

-- When an import was last heard of; one that falls silent was interrupted.
ALTER TABLE lead_import ADD COLUMN heard_at timestamptz NOT NULL DEFAULT now();
CREATE INDEX lead_import_running ON lead_import (heard_at) WHERE state = 'running';

-- Failure rates and metrics read the last minutes of a table that grows by its end: ranges of pages are enough to find
-- them, and cost an insert next to nothing.
CREATE INDEX ON job_history USING brin (finished_at) WITH (pages_per_range = 16, autosummarize = on);
