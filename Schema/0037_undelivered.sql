-- What a person cannot be told by one connector is told by the next, and that nobody hears it is told in time.

-- People whom a connector does not reach any more: their vendor said that they are not there. Everybody else is told by it as before.
CREATE TABLE recipient_gone (
    tenant_id bigint NOT NULL REFERENCES tenant,
    connector text NOT NULL,
    address   text NOT NULL,              -- as the vendor knows them
    code      text NOT NULL,              -- the vendor's own
    at        timestamptz NOT NULL,
    until     timestamptz NOT NULL,       -- from then on they are tried again
    PRIMARY KEY (tenant_id, connector, address),
    FOREIGN KEY (tenant_id, connector) REFERENCES connector ON DELETE CASCADE
);
SELECT protect_tenant_table('recipient_gone');

-- When a superior was told that nobody outside has taken it yet.
ALTER TABLE message ADD COLUMN alarmed_at timestamptz;
