-- Who the leads are: customers, by what they are found by, and what a person is asked about them.

-- A customer that a lead makes has the lead's number; one made otherwise draws a number from the same sequence, which no lead has.
GRANT USAGE ON SEQUENCE lead_id_seq TO kiteline_engine, kiteline_app;

CREATE TABLE customer (
    tenant_id   bigint NOT NULL REFERENCES tenant,
    id          bigint NOT NULL,
    external_id text,
    -- What was said of it: [{"f": field, "v": value, "s": source, "at": time, "l": lead}], in the order in which it came. Nothing is
    -- taken out but by taking back what put it in.
    said        jsonb NOT NULL DEFAULT '[]',
    owner_id    bigint,              -- the seller who has it
    merged_into bigint,              -- its number leads there; what was said of it stays as it was
    created_at  timestamptz NOT NULL DEFAULT now(),
    updated_at  timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant_id, id),
    FOREIGN KEY (tenant_id, owner_id) REFERENCES seller,
    FOREIGN KEY (tenant_id, merged_into) REFERENCES customer
) WITH (fillfactor = 80);
CREATE UNIQUE INDEX customer_external ON customer (tenant_id, external_id) WHERE external_id IS NOT NULL;

-- What a customer is looked up by. Without a foreign key, which would cost a look-up for each: rows are only written with their
-- customer's, under the tenant's routing version.
CREATE TABLE customer_key (
    tenant_id   bigint NOT NULL,
    key         text NOT NULL,
    customer_id bigint NOT NULL,
    PRIMARY KEY (tenant_id, key, customer_id)
);

-- What joined customers and what parted them, each with all that is needed to take it back. That a lead was put to a customer when it
-- was decided is in the decision log.
CREATE TABLE customer_log (
    tenant_id   bigint NOT NULL REFERENCES tenant,
    id          bigint GENERATED ALWAYS AS IDENTITY,
    operation   text NOT NULL CHECK (operation IN ('merge', 'separate')),
    customer_id bigint NOT NULL,     -- the one that went into another, or that a lead left
    other_id    bigint NOT NULL,     -- the survivor, or the lead's own
    owner_before bigint,             -- the survivor's, before a merge
    leads       bigint[] NOT NULL,   -- that moved
    actor       text NOT NULL,
    reason      text NOT NULL,
    at          timestamptz NOT NULL DEFAULT now(),
    undone_at   timestamptz,
    undone_by   text,
    undone_reason text,
    PRIMARY KEY (tenant_id, id),
    FOREIGN KEY (tenant_id, customer_id) REFERENCES customer,
    FOREIGN KEY (tenant_id, other_id) REFERENCES customer
);

-- Pairs that may be one customer. A pair is asked about once: who was kept apart stays apart.
CREATE TABLE customer_review (
    tenant_id   bigint NOT NULL REFERENCES tenant,
    id          bigint GENERATED ALWAYS AS IDENTITY,
    customer_id bigint NOT NULL,     -- the younger
    suspect_id  bigint NOT NULL,
    lead_id     bigint,              -- that raised the question
    percent     double precision NOT NULL,
    evidence    jsonb NOT NULL,
    state       text NOT NULL DEFAULT 'open' CHECK (state IN ('open', 'linked', 'apart')),
    decided_by  text,
    reason      text,
    created_at  timestamptz NOT NULL DEFAULT now(),
    decided_at  timestamptz,
    PRIMARY KEY (tenant_id, id),
    UNIQUE (tenant_id, customer_id, suspect_id),
    FOREIGN KEY (tenant_id, customer_id) REFERENCES customer,
    FOREIGN KEY (tenant_id, suspect_id) REFERENCES customer
);
CREATE INDEX customer_review_open ON customer_review (tenant_id, id) WHERE state = 'open';

ALTER TABLE lead ADD COLUMN customer_id bigint;
CREATE INDEX lead_customer ON lead (tenant_id, customer_id) WHERE customer_id IS NOT NULL;

-- How many customers there are: what a value carried by several of them is worth depends on it.
ALTER TABLE routing_state ADD COLUMN customers bigint NOT NULL DEFAULT 0;

SELECT protect_tenant_table(t::regclass) FROM unnest(ARRAY['customer', 'customer_key', 'customer_log', 'customer_review']) t;

-- Who had the customer when the lead was decided, for whoever decides it again.
ALTER TABLE decision_log ADD COLUMN claim jsonb;
