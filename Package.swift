// swift-tools-version: 6.3
import PackageDescription

// Arrows point down only; Tests/ArchitectureTests holds the sources to what is declared here.
//
//   kiteline                                  the executable
//   Benchmarks                                what it measures, and how it is broken
//   ConsoleServer                             pages out
//   API                                       HTTP in
//   Worker  Maintenance                       run claims · relay, promote, reap, rebuild
//   JobKinds                                  one file per job kind
//   Records                                   tenant data in Postgres
//   Ledger  DispatchIndex  Schema             jobs in Postgres · the Redis index · migrations
//   PostgresClient  RedisClient  LocalServers  CrashPoints  Telemetry  Connectors  LocalVendors   libpq · NIO + hiredis · private servers · where fault runs kill · traces out · messages out
//   Console  Jobs  Permissions  Breakers  Schedules  Calendars  Rules  Clocks  Rollouts  Forecasts  Routing  Replay  Identity  ProcessHealth  SalesModel  Messages  FakeVendors  Tenancy  JSONEnvelope  Sampling   pure

let settings: [SwiftSetting] = [
    .treatAllWarnings(as: .error),
    .enableUpcomingFeature("ExistentialAny"),
]

/// A pure module: no I/O, never asks for the time.
func domain(_ name: String, _ dependencies: [Target.Dependency] = [], resources: [Resource]? = nil) -> Target {
    .target(name: name, dependencies: dependencies, resources: resources, swiftSettings: settings)
}

/// A module that acts on the world.
func shell(_ name: String, _ dependencies: [Target.Dependency] = [], resources: [Resource]? = nil) -> Target {
    .target(name: name, dependencies: dependencies, resources: resources, swiftSettings: settings)
}

func tests(_ name: String, _ dependencies: [Target.Dependency], exclude: [String] = []) -> Target {
    .testTarget(name: name, dependencies: dependencies, exclude: exclude, swiftSettings: settings)
}

let logging: Target.Dependency = .product(name: "Logging", package: "swift-log")
let nioCore: Target.Dependency = .product(name: "NIOCore", package: "swift-nio")
let nioHTTP1: Target.Dependency = .product(name: "NIOHTTP1", package: "swift-nio")
let nioPosix: Target.Dependency = .product(name: "NIOPosix", package: "swift-nio")
let nioHTTPTypes: Target.Dependency = .product(name: "NIOHTTPTypes", package: "swift-nio-extras")
let nioHTTPTypesHTTP1: Target.Dependency = .product(name: "NIOHTTPTypesHTTP1", package: "swift-nio-extras")
let nioSSL: Target.Dependency = .product(name: "NIOSSL", package: "swift-nio-ssl")
let lifecycle: Target.Dependency = .product(name: "ServiceLifecycle", package: "swift-service-lifecycle")
let httpClient: Target.Dependency = .product(name: "AsyncHTTPClient", package: "async-http-client")
let hummingbird: Target.Dependency = .product(name: "Hummingbird", package: "hummingbird")
let hummingbirdCore: Target.Dependency = .product(name: "HummingbirdCore", package: "hummingbird")
let arguments: Target.Dependency = .product(name: "ArgumentParser", package: "swift-argument-parser")
let tracing: Target.Dependency = .product(name: "Tracing", package: "swift-distributed-tracing")
let mustache: Target.Dependency = .product(name: "Mustache", package: "swift-mustache")
let yams: Target.Dependency = .product(name: "Yams", package: "Yams")

let package = Package(
    name: "kiteline",
    products: [.executable(name: "kiteline", targets: ["kiteline"])],
    dependencies: [
        .package(url: "https://github.com/apple/swift-nio.git", from: "2.101.2"),
        .package(url: "https://github.com/apple/swift-nio-ssl.git", from: "2.37.6"),
        .package(url: "https://github.com/apple/swift-nio-extras.git", from: "1.35.2"),
        .package(url: "https://github.com/apple/swift-log.git", from: "1.16.2"),
        .package(url: "https://github.com/apple/swift-argument-parser.git", from: "1.8.2"),
        .package(url: "https://github.com/swift-server/swift-service-lifecycle.git", from: "2.13.0"),
        .package(url: "https://github.com/swift-server/async-http-client.git", from: "1.37.0"),
        .package(url: "https://github.com/hummingbird-project/hummingbird.git", from: "2.28.1"),
        .package(url: "https://github.com/apple/swift-distributed-tracing.git", from: "1.7.3"),
        .package(url: "https://github.com/hummingbird-project/swift-mustache.git", from: "2.1.1"),
        .package(url: "https://github.com/jpsim/Yams.git", from: "6.2.2"),
    ],
    targets: [
        .systemLibrary(name: "CLibPQ", pkgConfig: "libpq", providers: [.apt(["libpq-dev"])]),
        .systemLibrary(name: "CHiredis", providers: [.apt(["libhiredis-dev"])]),
        .systemLibrary(name: "CLinear", providers: [.apt(["liblinear-dev"])]),
        .systemLibrary(name: "COpenSSL", pkgConfig: "libcrypto", providers: [.apt(["libssl-dev"])]),
        .systemLibrary(name: "CCurl", pkgConfig: "libcurl", providers: [.apt(["libcurl4-openssl-dev"])]),
        .systemLibrary(name: "CSys"),
        .systemLibrary(name: "CZlib", pkgConfig: "zlib", providers: [.apt(["zlib1g-dev"])]),

        domain("JSONEnvelope"),
        domain("Sampling"),
        domain("Schedules"),
        domain("Calendars", resources: [.embedInCode("cn.txt")]),
        domain("Identity", ["Sampling"]),
        domain("ProcessHealth", ["CLinear", "Sampling"]),
        domain("Tenancy", ["COpenSSL"]),
        domain("SalesModel", ["Calendars"]),
        domain(
            "Rules", ["Calendars", "Identity", "JSONEnvelope", "SalesModel", "COpenSSL", yams],
            resources: ["manufacturing", "medical", "education", "store", "saas"].flatMap { trade in
                ["map", "score", "route", "match", "clock", "gate", "measure", "message"].map { .embedInCode("Packs/\(trade)-\($0).yaml") }
            }),
        domain("Breakers"),
        domain("Permissions", ["JSONEnvelope", "SalesModel"]),
        domain("Rollouts", ["Sampling"]),
        domain("Forecasts", ["SalesModel", "Sampling"]),
        domain("Routing", ["SalesModel", "Rules", "Rollouts"]),
        domain("Clocks", ["Calendars", "Rules", "SalesModel"]),
        domain("Replay", ["SalesModel", "Rules", "Routing"]),
        domain("FakeVendors", ["COpenSSL"]),
        domain("Messages", ["SalesModel", "JSONEnvelope", "COpenSSL"]),
        domain("Jobs", ["Tenancy"]),
        domain(
            "Console", ["JSONEnvelope", "ProcessHealth", "SalesModel", "Tenancy", mustache],
            resources: [
                "as-of", "attention", "audit", "chip", "choose", "empty", "error", "flash", "foot", "head", "job", "jobs", "keys", "now",
                "option", "pack",
                "pager",
                "preferences",
                "problem",
                "reason", "replay", "rollout", "rollouts", "round", "forecast-deals", "save", "seller", "sellers", "health-part", "warning",
                "signin", "top", "when",
                "words", "lead",
                "leads", "breakers",
                "dead-letters", "counting",
                "tenants",
                "overdue", "overview", "forecast", "rules", "rule", "rule-check", "process-health", "workers", "permissions",
            ].map { .embedInCode("Templates/\($0).mustache") }
                + ["en", "zh", "said-en", "said-zh"].map { .embedInCode("Strings/\($0).json") }
                + ["console.css", "console.js", "kiteline.svg", "icons.svg"].map { .embedInCode("Static/\($0)") }),

        shell("PostgresClient", ["CLibPQ", "CSys", logging]),
        shell("RedisClient", ["CHiredis", "COpenSSL", nioCore, nioPosix, nioSSL, logging]),
        shell("LocalServers", ["CSys", logging]),
        shell("CrashPoints"),
        shell("LocalVendors", ["FakeVendors", logging, lifecycle, hummingbird, nioCore]),
        shell("Connectors", ["Messages", "CCurl", httpClient, nioCore, nioHTTP1, nioPosix]),
        shell("Telemetry", ["JSONEnvelope", "Jobs", "Sampling", logging, lifecycle, httpClient, nioCore, tracing]),

        .target(
            name: "Schema", dependencies: ["PostgresClient", "COpenSSL", logging], path: "Schema",
            resources: [
                .embedInCode("0001_tenancy.sql"), .embedInCode("0002_ledger.sql"), .embedInCode("0003_sales.sql"),
                .embedInCode("0004_failures.sql"),
                .embedInCode("0005_controls.sql"), .embedInCode("0006_time.sql"), .embedInCode("0007_batches.sql"),
                .embedInCode("0008_limits.sql"),
                .embedInCode("0009_holds.sql"), .embedInCode("0010_counts.sql"),
                .embedInCode("0011_reconciling.sql"), .embedInCode("0013_deferral.sql"), .embedInCode("0014_parking.sql"),
                .embedInCode("0015_seeing.sql"), .embedInCode("0016_past.sql"), .embedInCode("0017_customers.sql"),
                .embedInCode("0019_audit_chain.sql"), .embedInCode("0020_fuse.sql"),
                .embedInCode("0021_rollouts.sql"),
                .embedInCode("0022_clocks.sql"), .embedInCode("0023_calendars.sql"),
                .embedInCode("0024_urgency.sql"), .embedInCode("0025_opportunities.sql"), .embedInCode("0026_forecasts.sql"),
                .embedInCode("0027_process_health.sql"), .embedInCode("0029_messages.sql"), .embedInCode("0030_recycling.sql"),
                .embedInCode("0031_reports.sql"), .embedInCode("0032_console.sql"), .embedInCode("0033_freeze_shift.sql"),
                .embedInCode("0034_model_rollouts.sql"), .embedInCode("0035_quiet_hours.sql"), .embedInCode("0036_match_rollouts.sql"),
                .embedInCode("0037_undelivered.sql"), .embedInCode("0038_history.sql"), .embedInCode("0039_program_years.sql"),
                .embedInCode("0040_customers_of_deals.sql"), .embedInCode("0041_late_tellings.sql"),
                .embedInCode("0043_taking_back.sql"), .embedInCode("0044_following.sql"), .embedInCode("0048_tenant_policies.sql"),
                .embedInCode("0049_quick_compression.sql"), .embedInCode("0050_failures_index.sql"),
                .embedInCode("0051_people.sql"), .embedInCode("0052_access.sql"),
                .embedInCode("0059_seller_breaker.sql"), .embedInCode("0060_incident_clocks.sql"),
                .embedInCode("0061_activity_source.sql"), .embedInCode("0062_guard_readings.sql"),
                .embedInCode("0063_attempts.sql"), .embedInCode("0064_job_search.sql"),
                .embedInCode("0065_worker_drain.sql"), .embedInCode("0066_rollout_reasons.sql"),
                .embedInCode("0067_alert_lists.sql"),
                .embedInCode("0068_known_leads.sql"),
                .embedInCode("0069_key_names.sql"),
                .embedInCode("0070_repeated_ids.sql"),
                .embedInCode("0071_first_touch.sql"),
                .embedInCode("0072_runs_again.sql"),
                .embedInCode("0073_clock_history.sql"),
            ],
            swiftSettings: settings),
        shell("Ledger", ["PostgresClient", "CrashPoints", "Jobs", "Breakers", "Tenancy", logging]),
        shell("DispatchIndex", ["RedisClient", "Jobs", "Tenancy", logging]),
        shell(
            "Records",
            [
                "PostgresClient", "Ledger", "Forecasts", "Identity", "Jobs", "Breakers", "ProcessHealth", "Schedules", "Calendars", "Rules",
                "Clocks", "Rollouts",
                "Routing",
                "Replay",
                "SalesModel", "Messages", "Permissions",
                "Tenancy", "JSONEnvelope",
                logging,
            ]),
        shell(
            "JobKinds",
            [
                "Connectors", "Messages", "Clocks", "CrashPoints", "Forecasts", "JSONEnvelope", "Jobs", "ProcessHealth", "Tenancy",
                "Records",
                "Replay", "Rules", "Routing", "SalesModel", logging,
            ]),
        shell(
            "Worker", ["CrashPoints", "Telemetry", "Jobs", "Breakers", "Tenancy", "Ledger", "DispatchIndex", logging, lifecycle, tracing]),
        shell("Maintenance", ["Breakers", "CrashPoints", "Jobs", "Tenancy", "Ledger", "DispatchIndex", logging, lifecycle]),
        shell(
            "API",
            [
                "Identity", "Jobs", "Breakers", "ProcessHealth", "Schedules", "Calendars", "Ledger", "DispatchIndex", "Records", "JobKinds",
                "Connectors", "Messages", "Permissions", "Rules", "Rollouts", "SalesModel", "Tenancy",
                "JSONEnvelope", "Telemetry",
                logging, lifecycle, tracing, nioCore, nioHTTP1, nioHTTPTypes, nioHTTPTypesHTTP1, hummingbird, hummingbirdCore,
            ],
            resources: [.embedInCode("openapi.yaml")]),
        shell(
            "ConsoleServer",
            [
                "API", "Console", "JSONEnvelope", "Permissions", "ProcessHealth", "Records", "Rules", "SalesModel", "Tenancy", logging,
                nioCore,
                hummingbird,
            ]),
        shell(
            "Benchmarks",
            [
                "Calendars", "CrashPoints", "Jobs", "Ledger", "DispatchIndex", "Maintenance", "Records", "Rules", "SalesModel", "Schema",
                "Tenancy",
                "PostgresClient",
                "RedisClient",
                "FakeVendors", "LocalServers", "LocalVendors", "Messages", "Sampling", logging, nioCore, nioPosix,
            ]),
        .executableTarget(
            name: "kiteline",
            dependencies: [
                "Benchmarks", "CrashPoints", "Telemetry",
                "API", "Console", "ConsoleServer", "Worker", "Maintenance", "JobKinds", "Records", "Ledger", "DispatchIndex", "Schema",
                "PostgresClient", "RedisClient",
                "Connectors", "Messages", "LocalServers", "Forecasts", "Identity", "Jobs", "ProcessHealth", "Rules", "Rollouts", "Routing",
                "SalesModel", "Sampling", "Tenancy",
                "JSONEnvelope", "CZlib",
                logging, lifecycle, httpClient, hummingbird, arguments, nioCore, nioPosix,
            ],
            resources: [.embedInCode("Import/presets.json")],
            swiftSettings: settings),

        .target(
            name: "TestSupport", dependencies: ["LocalServers", "PostgresClient", "RedisClient", "Schema", "Ledger", logging],
            path: "Tests/TestSupport",
            swiftSettings: settings),
        tests("ArchitectureTests", []),
        tests("JSONEnvelopeTests", ["JSONEnvelope", "Sampling"]),
        tests("SchedulesTests", ["Schedules"]),
        tests("CalendarsTests", ["Calendars", "Sampling"]),
        tests("IdentityTests", ["Identity", "Sampling"]),
        tests("ProcessHealthTests", ["ProcessHealth", "Sampling"]),
        tests("TenancyTests", ["Tenancy"]),
        tests("RulesTests", ["Calendars", "Rules", "Identity", "SalesModel"]),
        tests("ClocksTests", ["Clocks", "Calendars", "Rules", "SalesModel"]),
        tests("BreakersTests", ["Breakers"]),
        tests("PermissionsTests", ["JSONEnvelope", "Permissions", "SalesModel", "Sampling"]),
        tests("RolloutsTests", ["Rollouts", "Sampling"]),
        tests("ForecastsTests", ["Forecasts", "Sampling"]),
        tests("RoutingTests", ["Calendars", "Routing", "Rollouts", "Rules", "SalesModel", "Sampling"]),
        tests("ReplayTests", ["Replay", "Routing", "Rules", "SalesModel", "Sampling"]),
        tests("MessagesTests", ["Messages", "FakeVendors", "JSONEnvelope", "SalesModel", "Sampling"]),
        tests("JobsTests", ["Jobs", "Tenancy"]),
        tests(
            "ConsoleTests",
            [
                "API", "Console", "ConsoleServer", "Worker", "Maintenance", "JobKinds", "Records", "Ledger", "DispatchIndex", "Jobs",
                "JSONEnvelope", "ProcessHealth", "Rollouts", "Rules", "SalesModel", "Tenancy", "PostgresClient", "RedisClient",
                "TestSupport", httpClient, lifecycle, logging, nioCore, nioPosix,
            ], exclude: ["Contexts"]),
        tests("TelemetryTests", ["Telemetry", "Jobs", "Tenancy", logging, tracing]),
        tests(
            "FuzzTests",
            [
                "API", "Calendars", "Console", "kiteline", "CrashPoints", "Identity", "JSONEnvelope", "Jobs", "Messages", "Permissions",
                "Records", "Rules", "SalesModel", "Sampling", "Schedules", "Tenancy",
            ]),
        tests("PostgresClientTests", ["PostgresClient", "Schema", "LocalServers", "TestSupport", logging]),
        tests("RedisClientTests", ["RedisClient", "LocalServers", "TestSupport", "Sampling", nioCore, nioPosix]),
        tests("CommandTests", ["API", "kiteline", "Forecasts", "JSONEnvelope", "TestSupport", arguments, httpClient, nioCore, nioPosix]),
        tests("LocalServersTests", ["LocalServers", "TestSupport", "PostgresClient"]),
        tests(
            "EngineTests",
            [
                "Benchmarks", "kiteline", "CrashPoints", "Ledger", "DispatchIndex", "Worker", "Maintenance", "JobKinds", "Records", "Jobs",
                "Tenancy",
                "PostgresClient",
                "RedisClient",
                "LocalServers", "Sampling", "TestSupport", logging, lifecycle, nioPosix,
            ]),
        tests(
            "APITests",
            [
                "API", "Connectors", "FakeVendors", "LocalVendors", "Messages", "Worker", "Maintenance", "JobKinds", "Records", "Ledger",
                "Calendars", "DispatchIndex", "Identity", "Jobs", "JSONEnvelope",
                "Permissions", "ProcessHealth", "Replay",
                "Rules", "Rollouts", "SalesModel", "Schema", "Tenancy", "Telemetry", "PostgresClient", "RedisClient", "LocalServers",
                "Sampling", "TestSupport", httpClient, hummingbird,
                lifecycle,
                logging, nioCore, nioPosix,
            ]),
    ],
    swiftLanguageModes: [.v6]
)
