-- A decision's body, some kilobytes where a tenant has fifty sellers, is packed quickly: with Postgres' own packing (pglz) that took as
-- long as reading its JSON. Values kept before stay as they are. A server built without lz4 goes on as it did.
DO $$
BEGIN
    ALTER TABLE decision_log ALTER COLUMN body SET COMPRESSION lz4;
    ALTER TABLE lead ALTER COLUMN fields SET COMPRESSION lz4;
EXCEPTION WHEN feature_not_supported THEN
    RAISE NOTICE 'this Postgres has no lz4';
END
$$;
