-- Of an import's accepted rows, those of leads that were known before: their fields were updated, and no lead was made.
ALTER TABLE lead_import ADD COLUMN updated bigint NOT NULL DEFAULT 0;
