import Foundation
import PostgresClient

extension House {
    /// Ten thousand of everything that acme's furnished house has some of, as the service would have written it down.
    func crowd() async throws {
        for statement in Self.crowding { _ = try await owner.query(.init(statement)) }
        // A few at a time: the head of their chain would grow within one transaction.
        for start in stride(from: 0, to: 10_000, by: 500) {
            _ = try await owner.query(
                """
                INSERT INTO audit_log (tenant_id, actor, action, subject, before, after, reason)
                SELECT \(acme.id.rawValue), 'key:' || n % 40, 'queue.limit', 'kind-' || n % 7, '{"limit": 3}', jsonb_build_object('limit', n), 'month end'
                FROM generate_series(\(start + 1), \(start + 500)) AS n
                """)
        }
    }

    private static let crowding = [
        """
        INSERT INTO tenant (slug, weight) SELECT 'customer-' || to_char(n, 'FM00000'), 1 + n % 9 FROM generate_series(1, 10000) n
        """,
        """
        INSERT INTO team (tenant_id, external_id, name)
        SELECT t.id, 'team-' || n, 'Team ' || n FROM tenant t, generate_series(1, 400) n WHERE slug = 'acme'
        """,
        """
        INSERT INTO seller (tenant_id, external_id, name, team, status)
        SELECT t.id, 'many-' || n, 'Seller number ' || n, 'team-' || 1 + n % 400, 'active' FROM tenant t, generate_series(1, 10000) n WHERE slug = 'acme'
        """,
        // The plans of earlier checks of foreign keys took it for a table of two rows.
        "ANALYZE seller",
        """
        INSERT INTO lead (tenant_id, external_id, source, received_at, fields, state, owner_id, assignment_epoch)
        SELECT s.tenant_id, 'M-' || s.id, 'source-' || s.id % 60, now() - s.id * interval '1 minute', jsonb_build_object('company', 'Company ' || s.id),
            'assigned', s.id, 1
        FROM seller s WHERE s.external_id LIKE 'many-%'
        """,
        """
        INSERT INTO escalation (tenant_id, subject_type, subject_id, clock, level, episode, started_at, due_at, recorded_at, late_by, action,
            acted, told, told_at, urgency, recipients, channels, owner, team, reason, job_id)
        SELECT l.tenant_id, 'lead', l.id, 'lead_first_touch', 'manager', '-infinity', now() - interval '2 hours', now() - interval '1 hour', now(),
            3600 + l.id % 9000, 'notify', true, 'told', now(), 'urgent', ARRAY['wang', s.external_id], ARRAY['log'], s.external_id, s.team, NULL, l.id
        FROM lead l JOIN seller s ON s.tenant_id = l.tenant_id AND s.id = l.owner_id WHERE l.external_id LIKE 'M-%'
        """,
        """
        INSERT INTO job (id, tenant_id, kind, args, created_at)
        SELECT (SELECT max(id) FROM job) + 100000 + n, t.id, 'probe', '{}', now() - n * interval '1 minute'
        FROM tenant t, generate_series(1, 10000) n WHERE slug = 'acme'
        """,
        """
        INSERT INTO job_history (id, run, tenant_id, kind, state, error_class, error, attempt, lost, fence, enqueued_at, started_at, finished_at)
        SELECT j.id, 1, j.tenant_id, j.kind, 'discarded', (ARRAY['permanent', 'poison', 'dependency'])[1 + j.id % 3], 'the ERP of plant ' || j.id % 300 || ' said no',
            5, 0, 1, j.created_at, j.created_at, j.created_at
        FROM job j WHERE j.id NOT IN (SELECT id FROM job_history) AND j.id NOT IN (SELECT id FROM job_live)
        """,
        """
        INSERT INTO job_history (id, run, tenant_id, kind, state, attempt, lost, fence, enqueued_at, started_at, finished_at)
        SELECT 50000000 + t.id * 10 + n, 1, t.id, 'probe', 'completed', 1, 0, 1, now(), now(), now()
        FROM tenant t, generate_series(1, 3) n WHERE slug LIKE 'customer-%'
        """,
        """
        INSERT INTO dlq (id, tenant_id, kind, error_class, error, attempts, lost, first_at, last_at)
        SELECT id, tenant_id, kind, error_class, error, attempt, lost, enqueued_at, finished_at FROM job_history WHERE error LIKE 'the ERP of plant%'
        """,
        """
        INSERT INTO alert (tenant_id, code, subject, count)
        SELECT t.id, 'mapping_error', 'source-' || n || '/industry', n FROM tenant t, generate_series(1, 10000) n WHERE slug = 'acme'
        """,
        """
        INSERT INTO ruleset_version (tenant_id, kind, name, version, hash, source, state, actor)
        SELECT r.tenant_id, 'map', 'plant-' || n, v, md5(n || '-' || v), r.source, CASE v WHEN 1 THEN 'live' ELSE 'draft' END, r.actor
        FROM ruleset_version r, generate_series(1, 200) n, generate_series(1, 2) v WHERE r.kind = 'route' AND r.version = 1
        """,
        """
        INSERT INTO rollout (tenant_id, kind, name, version, stable_version, state, plan, before_n, before_failures, started_by, ended_at, end_reason)
        SELECT r.tenant_id, r.kind, r.name, r.version, r.stable_version, 'aborted', r.plan, 0, 0, 'key:' || n % 40, now(), 'not what we wanted'
        FROM rollout r, generate_series(1, 10000) n WHERE r.state = 'canary'
        """,
        """
        INSERT INTO breaker (gate, tenant_id, dependency, state, "limit", openings, reason)
        SELECT t.id || '/d:plant-' || n, t.id, 'plant-' || n, 'open', 0, n % 9, '4 of the last 6 calls failed'
        FROM tenant t, generate_series(1, 1000) n WHERE slug = 'acme'
        """,
        """
        INSERT INTO health_week (tenant_id, seller_id, week, version, as_of, complete, status, spi, below, counts, streak, job_id)
        SELECT s.tenant_id, s.id, w.week, 1, now(), true, 'ok', 40 + s.id % 60, s.id % 60 < 30, w.counts, 0, 1
        FROM seller s, (SELECT DISTINCT week, counts FROM health_week WHERE below) w WHERE s.external_id LIKE 'many-%'
        """,
    ]
}
