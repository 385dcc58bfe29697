/// How much a caller may send at once. One place, so that the documentation and the checks agree.
public struct Limits: Sendable {
    /// Bytes of a body that carries one thing.
    public var body = 1 << 20
    /// Bytes of a body that carries many: a batch of jobs, a list of activities.
    public var batchBody = 16 << 20
    /// Bytes of one import.
    public var importBody = 2 << 30
    /// Bytes of a rule set; reading one takes no more either.
    public var ruleSetBody = 256 << 10
    /// Brackets open at once.
    public var depth = 32
    /// Members of one object, elements of one array.
    public var members = 10_000
    public var jobsPerBatch = 1_000
    public var activitiesPerCall = 1_000
    /// Bytes of one job's arguments.
    public var arguments = 256 << 10
    public var idempotencyKey = 255
    /// Rows of one transaction of an import.
    public var importChunk = 500
    public var importColumns = 200
    /// Bytes of one field of an imported row, and of one row.
    public var importField = 64 << 10
    public var importRow = 256 << 10
    public var importRows = 2_000_000
    /// Row errors an import tells of; the others are counted.
    public var importErrors = 100
    /// Fields of one lead.
    public var leadFields = 200
    public var page = 500
    /// How long a caller may take to send a request's headers.
    public var headerTime = Duration.seconds(10)
    /// How long a caller may pause in a body; one that is not streamed must also come at a kilobyte a second.
    public var bodyPause = Duration.seconds(10)
    /// Event streams of one tenant, and of all, that one process serves at once. Each open page of the console has one.
    public var streamsPerTenant = 100
    public var streams = 1_000
    /// A reader of events who takes longer over what fits into a connection is slow, and is told so and cut.
    public var streamPause = Duration.seconds(10)
    /// One who takes nothing for so long is hung up on: there is no room left for a last word.
    public var streamHangUp = Duration.seconds(30)
    /// Between two signs of life on a stream where nothing happens.
    public var streamBeat = Duration.seconds(15)

    public init() {}
}
