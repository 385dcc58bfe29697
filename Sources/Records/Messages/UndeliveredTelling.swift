import PostgresClient
import Tenancy

extension Statement {
    /// How many superiors up one is looked for who is not the recipient; a circle ends here.
    private static let height = 10

    /// Where none of an urgent notification's messages was taken outside, and all were given up or have been waited for long enough, the
    /// recipient's manager and the operators are told inside Kiteline, once (SLA-02). The manager is told outside too, as far as anybody can
    /// be. The tenant must be set.
    ///
    /// - Parameters:
    ///   - messages: one of the notification's.
    ///   - delivery: or those of a delivery.
    static func tellUndelivered(_ messages: [Int64], ofDelivery delivery: Int64? = nil, of tenant: TenantID) -> Statement {
        """
        WITH RECURSIVE lost AS (
            SELECT n.id, n.recipient, n.text_en, n.text_zh, s.team
            FROM notification n LEFT JOIN seller s ON s.tenant_id = n.tenant_id AND s.external_id = n.recipient
            WHERE n.tenant_id = \(tenant.rawValue) AND n.urgency = 'urgent' AND n.code <> 'message_undelivered'
                AND n.id IN (
                    SELECT notification_id FROM message
                    WHERE tenant_id = \(tenant.rawValue) AND (id = ANY(\(messages))
                        OR id = ANY (SELECT unnest(d.messages) FROM delivery d WHERE d.tenant_id = \(tenant.rawValue) AND d.id = \(delivery))))
                AND NOT EXISTS (
                    SELECT FROM message m
                    WHERE m.tenant_id = n.tenant_id AND m.notification_id = n.id
                        AND (m.state = 'sent' OR m.state <> 'failed' AND m.alarmed_at IS NULL))),
        above AS (
            SELECT l.id, t.manager, t.superior, 1 AS height
            FROM lost l JOIN team t ON t.tenant_id = \(tenant.rawValue) AND t.external_id = l.team
            UNION ALL
            SELECT a.id, t.manager, t.superior, a.height + 1
            FROM above a JOIN team t ON t.tenant_id = \(tenant.rawValue) AND t.external_id = a.superior
            WHERE a.height < \(Int32(height))),
        manager AS (
            SELECT DISTINCT ON (a.id) a.id, a.manager
            FROM above a JOIN lost l ON l.id = a.id
                LEFT JOIN seller s ON s.tenant_id = \(tenant.rawValue) AND s.external_id = a.manager
            WHERE a.manager IS NOT NULL AND a.manager <> l.recipient AND (s.id IS NULL OR s.status = 'active')
            ORDER BY a.id, a.height)
        INSERT INTO notification (tenant_id, recipient, code, subject, text_en, text_zh, urgency, channels, key)
        SELECT \(tenant.rawValue), r.recipient, 'message_undelivered', l.id::text,
            'Nothing could be delivered to ' || l.recipient || ': ' || l.text_en, '未能送达 ' || l.recipient || '：' || l.text_zh, 'urgent',
            r.channels, 'undelivered:' || l.id
        FROM lost l JOIN (
            SELECT id, 'role:operator' AS recipient, '{}'::text[] AS channels FROM lost
            UNION ALL SELECT id, manager, '{work_app}' FROM manager) r ON r.id = l.id
        ORDER BY l.id, r.recipient
        ON CONFLICT (tenant_id, recipient, key) WHERE key IS NOT NULL DO NOTHING
        """
    }
}
