-- The last telling that came more than an hour after what it tells of: forecasts that were made in between are made again.
ALTER TABLE opportunity_clock ADD COLUMN late_seq bigint NOT NULL DEFAULT 0;
