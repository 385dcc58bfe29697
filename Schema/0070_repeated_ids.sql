-- Lines of an import whose id an earlier line has too: that is no fault.
ALTER TABLE lead_import ADD COLUMN repeated jsonb NOT NULL DEFAULT '[]';
