-- What failed lately is looked up, not counted out of everything that ended: few jobs fail, so the index is small. Its condition is the one
-- of `Records.isFailure`, word for word, or it is not used.
CREATE INDEX job_history_failed ON job_history (tenant_id, finished_at)
    WHERE (state = 'discarded' OR outcome LIKE 'held\_%' OR outcome LIKE 'manual\_queue%' AND outcome <> 'manual_queue_fuse');
