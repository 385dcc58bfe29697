// What the API answers, as far as the demo's stories read it.

struct AnswerPage<Item: Decodable>: Decodable { var items: [Item] }

struct LeadReceipt: Decodable { var leadId: String }

struct LeadAnswer: Decodable {
    var id: String
    var state: String
    var owner: String?
    var customerId: String?
    var score: Int?
    var intentGrade: String?
    var touchedAt: String?
}

struct EscalationAnswer: Decodable {
    var clock: String
    var level: String
    var lateBy: Int
    var recipients: [String]
}

struct JobReceipt: Decodable { var id: String }

struct JobAnswer: Decodable {
    struct Fault: Decodable { var message: String }

    var state: String
    var outcome: String?
    var error: Fault?
}

struct ForecastAnswer: Decodable {
    struct Document: Decodable {
        var open: Int
        var totals: [Totals]
        var outlook: Outlook
        var moved: Moved
    }

    struct Totals: Decodable {
        var currency: String?
        var forecastTotalMinor: Int64
    }

    struct Outlook: Decodable { var wins: Wins }

    struct Wins: Decodable {
        var p10: Double
        var p90: Double
    }

    /// What moved since the forecast before, by kind and currency.
    struct Moved: Decodable {
        struct Part: Decodable { var amountMinor: Int64 }

        var since: String?
        var changes: [Change]
    }

    struct Change: Decodable {
        var currency: String?
        var parts: [String: Moved.Part] = [:]

        init(from decoder: any Decoder) throws {
            let members = try decoder.container(keyedBy: AnyKey.self)
            currency = try members.decodeIfPresent(String.self, forKey: AnyKey(stringValue: "currency"))
            // Beside the kinds of change stand the currency and the sum.
            for key in members.allKeys { parts[key.stringValue] = try? members.decode(Moved.Part.self, forKey: key) }
        }
    }

    var forecast: Document
}

struct RolloutReceipt: Decodable { var id: String }

struct QualityAnswer: Decodable {
    struct Outcomes: Decodable {
        var hits: Int
        var falseAlarms: Int
        var misses: Int
    }

    struct Report: Decodable {
        /// With the interval it lies in.
        struct Figure: Decodable { var value: Double? }

        var f1: Figure?
        var alwaysF1: Double?
        var levelF1: Double?
        var twoConditionsF1: Double?

        var bestSimpleF1: Double? { [alwaysF1, levelF1, twoConditionsF1].compactMap(\.self).max() }
    }

    var outcomes: Outcomes
    var report: Report?
}

struct PredictionAnswer: Decodable {
    struct Contribution: Decodable {
        var feature: String
        var weight: Double
    }

    struct Suggestion: Decodable { var withSellerId: String? }

    struct Detail: Decodable {
        var contributions: [Contribution]?
        var suggestion: Suggestion?
    }

    var sellerId: String
    var probability: Double?
    var detail: Detail
}

struct HealthWeekAnswer: Decodable {
    var isoWeek: String
    var spi: Double?
}

struct NotificationAnswer: Decodable {
    var code: String
    var recipient: String
    var text: String
    var textZh: String
}

private struct AnyKey: CodingKey {
    var stringValue: String
    var intValue: Int? { nil }

    init(stringValue: String) { self.stringValue = stringValue }
    init?(intValue: Int) { nil }
}
