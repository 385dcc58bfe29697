import PostgresClient
import Rollouts
import Tenancy

extension PostgresTransaction {
    /// Makes a trained model the one that warns; the one before is retired, and the operators are told.
    /// - Throws: `RolloutFault.noSuchVersion`.
    func makeModelLive(version: Int, of tenant: TenantID, by actor: String, reason: String) throws {
        let (kind, name) = (RolloutKind.modelWord, RolloutKind.modelName)
        let results = try pipeline([
            """
            UPDATE ruleset_version SET state = 'retired'
            WHERE tenant_id = \(tenant.rawValue) AND kind = \(kind) AND name = \(name) AND state = 'live' AND version <> \(Int32(version))
            RETURNING version
            """,
            """
            UPDATE ruleset_version SET state = 'live'
            WHERE tenant_id = \(tenant.rawValue) AND kind = \(kind) AND name = \(name) AND version = \(Int32(version)) RETURNING version
            """,
        ])
        guard !results[1].isEmpty else { throw RolloutFault.noSuchVersion }
        let before = try results[0].first.map { Int(try $0.get("version", as: Int32.self)) }
        _ = try pipeline([
            .audit(
                tenant, by: actor, "rollout.promote", "\(kind)/\(name)@\(version)", before: before.map { .encoding(["version": $0]) },
                after: .encoding(["version": version]), reason: reason),
            .notify(
                "role:operator", "warning_model_live", "\(kind)/\(name)@\(version)", of: tenant,
                english: "Warning model \(version) warns from now on, for every team. Why: \(reason)",
                chinese: "预警模型第 \(version) 版已对全部团队生效。原因：\(reason)"),
        ])
    }

    /// Refuses a model whose gate did not let it through.
    /// - Throws: `RolloutFault.silentModel`.
    func requireGate(ofModel version: Int, _ tenant: TenantID) throws {
        let row = try query(
            "SELECT reasons FROM health_model WHERE tenant_id = \(tenant.rawValue) AND version = \(Int32(clamping: version))"
        )
        .first
        guard let row else { throw RolloutFault.noSuchVersion }
        let reasons: [String] = try row.get("reasons")
        guard reasons.isEmpty else { throw RolloutFault.silentModel(reasons) }
    }
}

extension Statement {
    /// Warnings of a canary that was taken back, whose fortnight is not over: their managers are told that nothing stands behind them any more.
    static func withdrawWarnings(of rollout: Int64, _ tenant: TenantID) -> Statement {
        """
        INSERT INTO notification (tenant_id, recipient, code, subject, text_en, text_zh, key)
        SELECT p.tenant_id, COALESCE(t.manager, 'role:operator'), 'health_warning_withdrawn', 'seller/' || s.external_id,
            format('The warning of %s is withdrawn: the model that gave it was taken back.', s.name),
            format('对 %s 的预警已撤回：发出预警的模型已停用。', s.name), 'health_warning_withdrawn/' || p.id
        FROM health_prediction p
            JOIN seller s ON s.tenant_id = p.tenant_id AND s.id = p.seller_id
            LEFT JOIN team t ON t.tenant_id = s.tenant_id AND t.external_id = s.team
        WHERE p.tenant_id = \(tenant.rawValue) AND p.rollout_id = \(rollout) AND p.arm = 'canary' AND p.warned AND p.outcome = 'pending'
        ON CONFLICT (tenant_id, recipient, key) WHERE key IS NOT NULL DO NOTHING
        """
    }
}
