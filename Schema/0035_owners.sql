-- Whose opportunities they were and are: process health asks for each seller's changes of stage.
CREATE INDEX opportunity_fact_owner ON opportunity_fact (tenant_id, owner, opportunity_id);
