-- Since when a breaker lets nobody through, or only probes; null while it is closed or lets in more and more. Unlike changed_at it does
-- not begin anew with every probe that fails, so it tells how long jobs have been waiting at it.
ALTER TABLE breaker ADD COLUMN down_since timestamptz;
UPDATE breaker SET down_since = changed_at WHERE state NOT IN ('closed', 'ramping');
