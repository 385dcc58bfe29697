-- Rules that say who a lead is are rolled out like the others.

-- A customer that comes of another's lead is in that one's arm, not in the arm of its own place.
ALTER TABLE exposure ADD COLUMN taken_from text;

-- Leads of the canary's that a person was asked about, or that became part of a customer, where the live version would not have.
ALTER TABLE rollout_stage
    ADD COLUMN canary_asked  bigint NOT NULL DEFAULT 0,
    ADD COLUMN canary_joined bigint NOT NULL DEFAULT 0;

-- The customer a canary's lead became part of, where the live version would have said or asked otherwise, or said the same perhaps only because of
-- leads that the candidate put there.
ALTER TABLE rollout_case ADD COLUMN customer_id bigint;
CREATE INDEX rollout_case_doubtful ON rollout_case (tenant_id, lead_id) WHERE customer_id IS NOT NULL;

-- A question that was asked by a version that was taken back is nobody's to answer; it may be asked again.
ALTER TABLE customer_review DROP CONSTRAINT customer_review_state_check,
    ADD CHECK (state IN ('open', 'linked', 'apart', 'withdrawn'));
CREATE INDEX customer_review_lead ON customer_review (tenant_id, lead_id) WHERE lead_id IS NOT NULL;
