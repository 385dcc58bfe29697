import DispatchIndex
import Foundation
import JSONEnvelope
import Records
import Tenancy

extension API {
    static let overviewEndpoints = [Endpoint(.get, "/v1/overview", .platform, answer: readOverview)]

    /// So many tenants each list of the answer names.
    static let tenantsNamed = 20
}

/// `GET /v1/overview`: what all tenants' jobs do, by kind, by the busiest tenants and by what failed; and whose alerts last.
@Sendable private func readOverview(_ call: Call) async throws -> Answer {
    let counted = try await call.api.counted.value()
    let overview = Overview(counted.statistics, most: API.tenantsNamed)
    let (dispatch, ids) = (call.api.dispatch, overview.busiest.map(\.tenant))
    let lasting = try await call.api.alerts.value()
    let alerts = Dictionary(grouping: lasting.alerts, by: \.tenant)
    let tenants = try await call.records.tenants(of: Array(Set(ids + alerts.keys)))
    let paused = Set(tenants.filter { $1.paused != nil }.keys)
    let lines = await promptly { try await TenantLines(of: ids, dispatch) }
    let oldest = try await lines?.oldest(call.records, but: paused, now: Date()) ?? [:]
    let shares = Dictionary((lines?.fairness ?? []).map { ($0.tenant, $0) }) { first, _ in first }
    return Answer(
        200,
        JSONWriter.object(capacity: 4_096) { object in
            object.member("as_of", counted.at)
            object.members(of: overview.all)
            object.member("window_s", API.usageWindow)
            object.array("kinds") { list in
                for (kind, sums) in overview.kinds {
                    list.object { item in
                        item.member("kind", kind)
                        item.members(of: sums)
                    }
                }
            }
            object.array("tenants") { list in
                for (id, sums) in overview.busiest {
                    guard let tenant = tenants[id] else { continue }
                    list.object { item in
                        item.member("slug", tenant.slug)
                        item.member("weight", tenant.settings.weight)
                        item.member("paused", tenant.paused != nil)
                        item.members(of: sums)
                        item.member("oldest_claimable_ms", oldest[id].map { ($0 * 1_000).rounded() })
                        item.member("share_received", shares[id]?.shareReceived)
                        item.member("share_entitled", shares[id]?.entitlement)
                    }
                }
            }
            object.member("tenants_with_jobs", overview.tenantsWithJobs)
            object.array("alerts") { list in
                // Of each tenant and of all together the newest come first.
                var told: Set<TenantID> = []
                for alert in lasting.alerts where told.insert(alert.tenant).inserted {
                    guard let tenant = tenants[alert.tenant], let codes = alerts[alert.tenant] else { continue }
                    list.object { item in
                        item.member("slug", tenant.slug)
                        item.member("newest_at", alert.newestAt)
                        item.array("codes") { $0.elements(codes) }
                    }
                }
            }
            object.member("tenants_with_alerts", lasting.tenants)
            object.array("failures") { list in
                for (cause, count) in overview.failures {
                    list.object { item in
                        item.member("cause", cause)
                        item.member("count", count)
                    }
                }
            }
            object.member("index", lines == nil ? "away" : "up")
        })
}

extension JSONWriter {
    /// What `/v1/usage` says of a tenant, too.
    mutating func members(of sums: JobSums) {
        member("ready", sums.ready)
        member("running", sums.running)
        member("ended", sums.ended)
        member("failed", sums.failed)
        member("failure_share", sums.failureShare)
        member("dead_letters", sums.deadLetters)
    }
}
