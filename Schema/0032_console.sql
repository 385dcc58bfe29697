-- Who is signed in to the console, and who may sign in by a link. Both are known by hashes, like keys, and end with their key.

CREATE TABLE console_session (
    id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    tenant_id  bigint REFERENCES tenant,  -- of the key; null: the platform's
    key_id     bigint NOT NULL REFERENCES api_key,
    acting_for bigint REFERENCES tenant,  -- whom a platform key acts for; null: it has not chosen
    hash       bytea NOT NULL UNIQUE,     -- SHA-256 of what the browser keeps
    created_at timestamptz NOT NULL DEFAULT now(),
    expires_at timestamptz NOT NULL
);
CREATE INDEX ON console_session (expires_at);
SELECT protect_ledger_table('console_session');
REVOKE SELECT ON console_session FROM kiteline_app;

-- Good for one sign-in. The row is deleted by it.
CREATE TABLE console_link (
    hash       bytea PRIMARY KEY,
    tenant_id  bigint REFERENCES tenant,
    key_id     bigint NOT NULL REFERENCES api_key,
    created_at timestamptz NOT NULL DEFAULT now(),
    expires_at timestamptz NOT NULL
);
CREATE INDEX ON console_link (expires_at);
SELECT protect_ledger_table('console_link');
REVOKE SELECT ON console_link FROM kiteline_app;
