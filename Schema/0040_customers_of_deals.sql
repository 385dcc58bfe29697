-- Which lead an opportunity came of, where it is told: by it the deal's records are the customer's (docs/architecture.md, 94). A column of
-- its own, since security lets no index be used by what an operator of jsonb gives.
ALTER TABLE opportunity ADD COLUMN lead text GENERATED ALWAYS AS (fields->>'lead') STORED;
CREATE INDEX opportunity_lead ON opportunity (tenant_id, lead) WHERE lead IS NOT NULL;
