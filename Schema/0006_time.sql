-- What happens by the clock: retention and schedules.

-- Partitions of job and job_history are made ahead of the ids that will need them and dropped when nothing needs them any more.
-- Both take the owner's rights, so both are functions that do just that; whether a partition may go is decided by the engine, which
-- alone sees every tenant's rows.

CREATE TABLE job_partition (
    lower      bigint PRIMARY KEY,
    upper      bigint NOT NULL CHECK (upper > lower),
    dropped_at timestamptz
);
INSERT INTO job_partition VALUES (0, 50000000);
GRANT SELECT ON job_partition TO kiteline_engine;
GRANT SELECT ON SEQUENCE job_id TO kiteline_engine;

-- Makes partitions of this size until one lies whole beyond the ids given out. What was stored in the default partition because
-- this came too late moves into its own.
CREATE FUNCTION make_job_partitions(size bigint) RETURNS integer LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    issued bigint;
    low    bigint;
    made   integer := 0;
    parent text;
BEGIN
    PERFORM pg_advisory_xact_lock(7155, 1);
    SELECT last_value + 1000 INTO issued FROM job_id;
    LOOP
        SELECT COALESCE(max(upper), 0) INTO low FROM job_partition;
        EXIT WHEN made >= 20 OR EXISTS (SELECT FROM job_partition WHERE lower >= issued);
        FOREACH parent IN ARRAY ARRAY['job', 'job_history'] LOOP
            EXECUTE format('CREATE TABLE %s_p%s (LIKE %1$s INCLUDING ALL)', parent, low);
            EXECUTE format('WITH d AS (DELETE FROM %s_default WHERE id >= %s AND id < %s RETURNING *) INSERT INTO %1$s_p%2$s SELECT * FROM d',
                parent, low, low + size);
            EXECUTE format('ALTER TABLE %s ATTACH PARTITION %1$s_p%s FOR VALUES FROM (%2$s) TO (%s)', parent, low, low + size);
        END LOOP;
        INSERT INTO job_partition VALUES (low, low + size);
        made := made + 1;
    END LOOP;
    RETURN made;
END
$$;

-- Keeps everybody else from both tables to the end of the transaction, so that what is found in them stays true until the drop.
CREATE FUNCTION lock_job_partitions() RETURNS void LANGUAGE sql SECURITY DEFINER SET search_path = public, pg_temp AS $$
    LOCK TABLE job, job_history IN ACCESS EXCLUSIVE MODE;
$$;

CREATE FUNCTION drop_job_partition(low bigint) RETURNS void LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    UPDATE job_partition SET dropped_at = now() WHERE lower = low AND dropped_at IS NULL;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'there is no partition from %', low;
    END IF;
    EXECUTE format('DROP TABLE job_p%s, job_history_p%1$s', low);
END
$$;

REVOKE ALL ON FUNCTION make_job_partitions(bigint), lock_job_partitions(), drop_job_partition(bigint) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION make_job_partitions(bigint), lock_job_partitions(), drop_job_partition(bigint) TO kiteline_engine;

-- Until when a tenant's ended jobs were blanked.
CREATE TABLE tenant_retention (
    tenant_id     bigint PRIMARY KEY REFERENCES tenant,
    blanked_until timestamptz NOT NULL
);
GRANT SELECT, INSERT, UPDATE ON tenant_retention TO kiteline_engine;

-- Jobs that are due again and again. next_at moves on when they are fired.
CREATE TABLE schedule (
    tenant_id  bigint NOT NULL REFERENCES tenant,
    name       text NOT NULL,
    kind       text NOT NULL,
    args       jsonb NOT NULL,
    priority     smallint NOT NULL,
    max_attempts integer NOT NULL,
    dependency   text,
    form       text NOT NULL CHECK (form IN ('cron', 'every')),
    recurrence text NOT NULL,
    time_zone  text NOT NULL,
    missed     text NOT NULL CHECK (missed IN ('skip', 'one', 'all')),
    next_at    timestamptz NOT NULL,
    actor      text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant_id, name)
);
CREATE INDEX schedule_due ON schedule (next_at);
SELECT protect_ledger_table('schedule');

-- Each time a schedule was due and taken care of. The key is what makes any number of processes fire once; job_id is null where a
-- missed time was passed over.
CREATE TABLE schedule_fire (
    tenant_id bigint NOT NULL,
    name      text NOT NULL,
    fire_at   timestamptz NOT NULL,
    job_id    bigint,
    late_by   interval NOT NULL,
    PRIMARY KEY (tenant_id, name, fire_at)
);
SELECT protect_ledger_table('schedule_fire');
