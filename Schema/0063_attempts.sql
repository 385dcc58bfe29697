-- What became of the attempts before a job's last: written by the update that puts a failed or a lost one back, which happens anyway.
-- A job that succeeds at once has nothing here, and its row is not a byte longer.
ALTER TABLE job_live ADD COLUMN attempts jsonb;
ALTER TABLE job_history ADD COLUMN attempts jsonb;

-- One more attempt, after those that are kept: the last 20. Names are short, times are in milliseconds since 1970 and what was not charged,
-- which there can be much of, says little, so that most such rows stay on their page. n the attempt's number · o how it ended · s, e when it began and ended · c, m the class and the message
-- of its failure · w the worker process · x when it is tried next
CREATE FUNCTION note_attempt(
    kept jsonb, number integer, outcome text, started timestamptz, class text, message text, worker bigint, next timestamptz
) RETURNS jsonb LANGUAGE sql PARALLEL SAFE AS $$
    SELECT CASE WHEN jsonb_array_length(kept) >= 20 THEN kept - 0 ELSE COALESCE(kept, '[]') END || jsonb_strip_nulls(jsonb_build_object(
        'n', number, 'o', outcome, 's', (extract(epoch FROM started) * 1000)::bigint,
        'e', (extract(epoch FROM clock_timestamp()) * 1000)::bigint, 'c', class, 'm', left(message, CASE outcome WHEN 'put_back' THEN 80 ELSE 300 END), 'w', worker,
        'x', (extract(epoch FROM next) * 1000)::bigint))
$$;
