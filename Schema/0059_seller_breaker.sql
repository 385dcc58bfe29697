-- The breaker of a seller's lost deals (BRK-01): whether the freeze that stands is its doing, and which deals it opened for the last time.
ALTER TABLE seller
    ADD COLUMN breaker_open  boolean NOT NULL DEFAULT false,
    ADD COLUMN breaker_deals bigint[] NOT NULL DEFAULT '{}',
    ADD CHECK (frozen_at IS NOT NULL OR NOT breaker_open);

-- A seller's last deals.
CREATE INDEX opportunity_ended ON opportunity (tenant_id, owner, closed_at) WHERE won IS NOT NULL;
