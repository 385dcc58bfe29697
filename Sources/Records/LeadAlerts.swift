import JSONEnvelope
import PostgresClient
import SalesModel

/// Something a decision found wrong that somebody should hear of.
struct LeadAlert {
    let code: String
    /// One alert lasts for each subject.
    let subject: String
    private let source: String
    private let reason: Reason?

    init(code: String, subject: String, source: String, reason: Reason? = nil) {
        self.code = code
        self.subject = subject
        self.source = source
        self.reason = reason
    }

    /// Names the latest lead it was about.
    func detail(lead: LeadID) -> JSONBytes {
        JSONBytes(
            JSONWriter.object { body in
                body.member("lead_id", lead.description)
                body.member("source", source)
                body.member("message", reason?.text(in: .english))
                body.member("message_zh", reason?.text(in: .chinese))
            })
    }
}

extension LeadDecision {
    /// Alerts of a decision about a lead of this source.
    func alerts(source: String) -> [LeadAlert] {
        switch outcome {
        // While the fuse is open there is one alarm for all of them.
        case .assigned, .assignedExistingOwner, .alreadyAssigned, .pooled, .toMarketing, .manualQueueFuse: []
        case .manualQueueFallback:
            [LeadAlert(code: "manual_queue", subject: matchedRule ?? "no rules", source: source, reason: reasons.last)]
        case .heldMappingError: fieldAlerts("mapping_error", source)
        case .heldMissingData: fieldAlerts("missing_data", source)
        }
    }

    private func fieldAlerts(_ code: String, _ source: String) -> [LeadAlert] {
        reasons.compactMap { reason in
            switch reason.code {
            case .fieldUnmapped, .typeMismatch, .fieldMissing, .notComparable:
                guard case .text(let field)? = reason.parameters["field"] else { return nil }
                return LeadAlert(code: code, subject: "\(source)/\(field)", source: source, reason: reason)
            case .rulesUnreadable:
                guard case .text(let rules)? = reason.parameters["rule_set"] else { return nil }
                return LeadAlert(code: RulesUnreadable.alert, subject: rules, source: source, reason: reason)
            case .noScoreRules: return LeadAlert(code: code, subject: "score", source: source, reason: reason)
            default: return nil
            }
        }
    }
}
