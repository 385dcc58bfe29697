-- What a tenant says of permissions, version after version. The newest counts; none is ever changed, an earlier one comes back as the next.
CREATE TABLE access_version (
    tenant_id     bigint NOT NULL REFERENCES tenant,
    version       integer NOT NULL CHECK (version > 0),
    book          jsonb NOT NULL,
    -- The version this one brought back.
    restored_from integer,
    actor         text NOT NULL,
    reason        text NOT NULL,
    created_at    timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant_id, version)
);
SELECT protect_tenant_table('access_version');
REVOKE UPDATE, DELETE ON access_version FROM kiteline_engine, kiteline_app;
REVOKE INSERT ON access_version FROM kiteline_app;

-- What two writings of one city share. Permissions/City.swift does the same.
CREATE FUNCTION city_key(name text) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT regexp_replace(lower(btrim(name, E' \t\r\n\u3000')), '(?<=..)市$', '')
$$;

-- The city a record's fields name: the first of these fields that holds a text that says something.
CREATE FUNCTION city_of(fields jsonb, names text[]) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT city_key(fields ->> n.name)
    FROM unnest(names) WITH ORDINALITY AS n(name, place)
    WHERE jsonb_typeof(fields -> n.name) = 'string' AND city_key(fields ->> n.name) <> ''
    ORDER BY n.place
    LIMIT 1
$$;
