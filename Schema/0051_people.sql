-- A key may be one person's: what is asked for with it is judged by what that person may do. Whose it is never changes.
ALTER TABLE api_key ADD COLUMN person text CHECK (person IS NULL OR role = 'tenant' AND length(person) BETWEEN 1 AND 200);

CREATE FUNCTION refuse_other_person() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'a key stays the key of whom it was made for';
END
$$;
CREATE TRIGGER same_person BEFORE UPDATE ON api_key FOR EACH ROW
    WHEN (old.person IS DISTINCT FROM new.person) EXECUTE FUNCTION refuse_other_person();
