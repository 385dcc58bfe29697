-- What is said to the outside, and where to.

-- Outside addresses of a tenant: robots, gateways, mail servers, webhooks. Secrets are sealed before they come here.
CREATE TABLE connector (
    tenant_id     bigint NOT NULL REFERENCES tenant,
    name          text NOT NULL,
    kind          text NOT NULL,
    place         integer NOT NULL,              -- in the order of fail-over, smallest first
    enabled       boolean NOT NULL,
    settings      jsonb NOT NULL,
    secrets       bytea NOT NULL,
    secret_names  text[] NOT NULL,
    dependency    text NOT NULL,                 -- whose breaker it passes
    closed_until  timestamptz,                   -- the vendor asked for patience, or (year 9999) its settings are wrong
    closed_class  text,
    closed_reason text,
    seen_tx       bigint,                        -- webhooks: the last event that was turned into a delivery
    seen_id       bigint,
    version       bigint NOT NULL DEFAULT 1,
    updated_at    timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant_id, name)
);
SELECT protect_tenant_table('connector');

-- Tenants with a webhook. Row security hides connectors from whoever names no tenant, and this is asked every second.
CREATE TABLE webhook_tenant (
    tenant_id bigint PRIMARY KEY REFERENCES tenant
);
SELECT protect_ledger_table('webhook_tenant');

-- What somebody is to be told on a channel to the outside: written with the notification, by its transaction.
CREATE TABLE message (
    id              bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    tenant_id       bigint NOT NULL REFERENCES tenant,
    notification_id bigint NOT NULL,
    recipient       text NOT NULL,
    channel         text NOT NULL,
    urgency         text NOT NULL,
    state           text NOT NULL DEFAULT 'waiting' CHECK (state IN ('waiting', 'sending', 'sent', 'failed')),
    delivery_id     bigint,                      -- the last it was part of
    tried           text[] NOT NULL DEFAULT '{}',
    rounds          integer NOT NULL DEFAULT 0,
    not_before      timestamptz,
    connector       text,                        -- by which it was taken
    reason          text,
    at              timestamptz NOT NULL DEFAULT clock_timestamp(),
    ended_at        timestamptz
) WITH (fillfactor = 70);
CREATE INDEX message_open ON message (tenant_id, id) WHERE state IN ('waiting', 'sending');
CREATE INDEX message_ended ON message (ended_at) WHERE ended_at IS NOT NULL;
CREATE INDEX message_notification ON message (tenant_id, notification_id);
SELECT protect_ledger_table('message');
CREATE POLICY told ON message FOR INSERT TO kiteline_app
    WITH CHECK (tenant_id = ANY ((SELECT NULLIF(current_setting('kiteline.tenants', true), '')::bigint[])::bigint[]));
GRANT INSERT ON message TO kiteline_app;

-- Nothing waits for a tenant that has nowhere to send it.
CREATE FUNCTION messages_of_notifications() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO message (tenant_id, notification_id, recipient, channel, urgency)
    SELECT n.tenant_id, n.id, n.recipient, c.channel, n.urgency
    FROM told n CROSS JOIN LATERAL (SELECT DISTINCT unnest(n.channels) AS channel) c
    WHERE c.channel <> 'in_app'
        AND EXISTS (SELECT FROM connector k WHERE k.tenant_id = n.tenant_id AND k.enabled AND k.kind <> 'webhook')
    ORDER BY n.id, c.channel;
    RETURN NULL;
END
$$;
CREATE TRIGGER outgoing AFTER INSERT ON notification REFERENCING NEW TABLE AS told
    FOR EACH STATEMENT EXECUTE FUNCTION messages_of_notifications();

-- One request to the outside: messages sent as one, or an event for a webhook. Its number is the stable id the other side sees.
CREATE TABLE delivery (
    id               bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    tenant_id        bigint NOT NULL REFERENCES tenant,
    connector        text NOT NULL,
    address          text,
    messages         bigint[] NOT NULL DEFAULT '{}',
    event            jsonb,
    event_id         text,
    state            text NOT NULL CHECK (state IN ('waiting', 'sending', 'sent', 'failed', 'abandoned')),
    urgent           boolean NOT NULL,
    tries            integer NOT NULL DEFAULT 0,
    not_before       timestamptz,
    first_planned_at timestamptz NOT NULL,
    reference        text,                       -- the vendor's own
    ended_at         timestamptz
) WITH (fillfactor = 70);
CREATE INDEX delivery_open ON delivery (tenant_id, connector, id) WHERE state IN ('waiting', 'sending');
CREATE INDEX delivery_ended ON delivery (ended_at) WHERE ended_at IS NOT NULL;
CREATE INDEX delivery_messages ON delivery USING gin (messages);
CREATE UNIQUE INDEX delivery_event ON delivery (tenant_id, connector, event_id) WHERE event_id IS NOT NULL;
SELECT protect_ledger_table('delivery');

-- Each try of a delivery: what the allowances are counted by, and the record of what was sent when.
CREATE TABLE delivery_try (
    delivery_id   bigint NOT NULL REFERENCES delivery ON DELETE CASCADE,
    number        integer NOT NULL,
    tenant_id     bigint NOT NULL,
    connector     text NOT NULL,
    reserved      boolean NOT NULL,
    job_id        bigint NOT NULL,
    planned_at    timestamptz NOT NULL,
    ended_at      timestamptz,
    failure_class text,
    code          text,
    error         text,
    PRIMARY KEY (delivery_id, number)
);
CREATE INDEX delivery_try_lately ON delivery_try (tenant_id, planned_at);
SELECT protect_ledger_table('delivery_try');
