-- Of the levels of clocks that are kept for show, those that were over long before their subject came in say so, as their escalations do.
UPDATE clock_subject c
SET clocks = (
    SELECT jsonb_agg(k.clock || jsonb_build_object('levels', (
        SELECT COALESCE(jsonb_agg(CASE WHEN newest.history THEN l.level || '{"history": true}' ELSE l.level END ORDER BY l.n), '[]')
        FROM jsonb_array_elements(k.clock->'levels') WITH ORDINALITY l(level, n)
        LEFT JOIN LATERAL (
            SELECT e.history FROM escalation e
            WHERE e.tenant_id = c.tenant_id AND e.subject_type = c.subject_type AND e.subject_id = c.subject_id
                AND e.clock = k.clock->>'clock' AND e.level = l.level->>'level'
            ORDER BY e.episode DESC LIMIT 1) newest ON true)) ORDER BY k.n)
    FROM jsonb_array_elements(c.clocks) WITH ORDINALITY k(clock, n))
FROM (SELECT DISTINCT tenant_id, subject_type, subject_id FROM escalation WHERE history) late
WHERE c.tenant_id = late.tenant_id AND c.subject_type = late.subject_type AND c.subject_id = late.subject_id AND c.clocks <> '[]';
