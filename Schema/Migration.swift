/// One numbered step of the database's schema, carried inside the binary.
public struct Migration: Sendable {
    public let number: Int
    public let name: String
    public let sql: String

    /// Migrations of other schemas than ours are for tests.
    public init(_ number: Int, _ name: String, _ sql: String) {
        self.number = number
        self.name = name
        self.sql = sql
    }

    private init(_ number: Int, _ name: String, _ resource: [UInt8]) {
        self.init(number, name, String(decoding: resource, as: UTF8.self))
    }

    /// Every migration, in order.
    public static let all: [Migration] = [
        Migration(1, "tenancy", PackageResources._001_tenancy_sql),
        Migration(2, "ledger", PackageResources._002_ledger_sql),
        Migration(3, "sales", PackageResources._003_sales_sql),
        Migration(4, "failures", PackageResources._004_failures_sql),
        Migration(5, "controls", PackageResources._005_controls_sql),
        Migration(6, "time", PackageResources._006_time_sql),
        Migration(7, "batches", PackageResources._007_batches_sql),
        Migration(8, "limits", PackageResources._008_limits_sql),
        Migration(9, "holds", PackageResources._009_holds_sql),
        Migration(10, "counts", PackageResources._010_counts_sql),
        Migration(11, "reconciling", PackageResources._011_reconciling_sql),
        Migration(13, "deferral", PackageResources._013_deferral_sql),
        Migration(14, "parking", PackageResources._014_parking_sql),
        Migration(15, "seeing", PackageResources._015_seeing_sql),
        Migration(16, "past", PackageResources._016_past_sql),
        Migration(17, "customers", PackageResources._017_customers_sql),
        Migration(19, "audit_chain", PackageResources._019_audit_chain_sql),
        Migration(20, "fuse", PackageResources._020_fuse_sql),
        Migration(21, "rollouts", PackageResources._021_rollouts_sql),
        Migration(22, "clocks", PackageResources._022_clocks_sql),
        Migration(23, "calendars", PackageResources._023_calendars_sql),
        Migration(24, "urgency", PackageResources._024_urgency_sql),
        Migration(25, "opportunities", PackageResources._025_opportunities_sql),
        Migration(26, "forecasts", PackageResources._026_forecasts_sql),
        Migration(27, "process_health", PackageResources._027_process_health_sql),
        Migration(29, "messages", PackageResources._029_messages_sql),
        Migration(30, "recycling", PackageResources._030_recycling_sql),
        Migration(31, "reports", PackageResources._031_reports_sql),
        Migration(32, "console", PackageResources._032_console_sql),
        Migration(33, "freeze_shift", PackageResources._033_freeze_shift_sql),
        Migration(34, "model_rollouts", PackageResources._034_model_rollouts_sql),
        Migration(35, "quiet_hours", PackageResources._035_quiet_hours_sql),
        Migration(36, "match_rollouts", PackageResources._036_match_rollouts_sql),
        Migration(37, "undelivered", PackageResources._037_undelivered_sql),
        Migration(38, "history", PackageResources._038_history_sql),
        Migration(39, "program_years", PackageResources._039_program_years_sql),
        Migration(40, "customers_of_deals", PackageResources._040_customers_of_deals_sql),
        Migration(41, "late_tellings", PackageResources._041_late_tellings_sql),
        Migration(43, "taking_back", PackageResources._043_taking_back_sql),
        Migration(44, "following", PackageResources._044_following_sql),
        Migration(48, "tenant_policies", PackageResources._048_tenant_policies_sql),
        Migration(49, "quick_compression", PackageResources._049_quick_compression_sql),
        Migration(50, "failures_index", PackageResources._050_failures_index_sql),
        Migration(51, "people", PackageResources._051_people_sql),
        Migration(52, "access", PackageResources._052_access_sql),
        Migration(59, "seller_breaker", PackageResources._059_seller_breaker_sql),
        Migration(60, "incident_clocks", PackageResources._060_incident_clocks_sql),
        Migration(61, "activity_source", PackageResources._061_activity_source_sql),
        Migration(62, "guard_readings", PackageResources._062_guard_readings_sql),
        Migration(63, "attempts", PackageResources._063_attempts_sql),
        Migration(64, "job_search", PackageResources._064_job_search_sql),
        Migration(65, "worker_drain", PackageResources._065_worker_drain_sql),
        Migration(66, "rollout_reasons", PackageResources._066_rollout_reasons_sql),
        Migration(67, "alert_lists", PackageResources._067_alert_lists_sql),
        Migration(68, "known_leads", PackageResources._068_known_leads_sql),
        Migration(69, "key_names", PackageResources._069_key_names_sql),
        Migration(70, "repeated_ids", PackageResources._070_repeated_ids_sql),
        Migration(71, "first_touch", PackageResources._071_first_touch_sql),
        Migration(72, "runs_again", PackageResources._072_runs_again_sql),
        Migration(73, "clock_history", PackageResources._073_clock_history_sql),
    ]
}
