import PostgresClient
import RedisClient

/// What to do about a server that gave no answer, by what it said, or the way to it.
enum ConnectionAdvice {
    static func postgres(_ error: any Error) -> String {
        guard let error = error as? PostgresError else { return noPostgres }
        if error.code == .invalidRequest {
            return "write KITELINE_POSTGRES_URL as postgres://user:password@host/database, the password percent-encoded"
        }
        return postgres(state: error.sqlState, words: error.message)
    }

    /// - Parameters:
    ///   - state: the server's SQLSTATE; nil: no server was heard.
    ///   - words: what was said, by libpq where it is no server's.
    static func postgres(state: String?, words: String) -> String {
        switch state {
        case "28P01":
            "the user or the password in KITELINE_POSTGRES_URL is not the server's (percent-encode what is neither letter nor digit)"
        case "28000":
            "the server lets this user in from here by no line of its pg_hba.conf, or has no such user: createuser --pwprompt NAME"
        case "3D000": "make the database: createdb --owner USER NAME, or name the right one in KITELINE_POSTGRES_URL"
        case "53300": "raise max_connections, or lower KITELINE_ENGINE_POOL and KITELINE_APP_POOL"
        case "57P03": "it starts or recovers: wait until it has"
        case _?: "the server answers, and refuses: its log says more"
        case nil where words.contains("no password supplied"): "the server asks for a password: write one into KITELINE_POSTGRES_URL"
        case nil: noPostgres
        }
    }

    static func redis(_ error: any Error) -> String {
        guard let error = error as? RedisError else { return noRedis }
        return redis(prefix: error.prefix, words: error.message)
    }

    /// - Parameters:
    ///   - prefix: the first word of the server's refusal; nil: no server was heard.
    ///   - words: what was said.
    static func redis(prefix: String?, words: String) -> String {
        switch prefix {
        case "WRONGPASS":
            "the user or the password in KITELINE_REDIS_URL is not the server's (percent-encode what is neither letter nor digit)"
        case "NOAUTH": "the server asks for a password: redis://default:PASSWORD@host:6379"
        case "NOPERM": "the user in KITELINE_REDIS_URL may not do that: ACL SETUSER NAME +@all ~* &*"
        case "DENIED": "the server takes callers of its own machine only, until it has a password (requirepass)"
        case _? where words.contains("without any password configured"): "the server has no password: leave it out of KITELINE_REDIS_URL"
        case _? where words.contains("DB index"): "the server has no database of that number: name another at the end of KITELINE_REDIS_URL"
        case _?: "the server answers, and refuses: its log says more"
        case nil where words.contains("the URL"):
            "write KITELINE_REDIS_URL as redis://default:PASSWORD@host:6379, rediss:// for TLS, or unix:///path"
        case nil: noRedis
        }
    }

    private static let noPostgres = "KITELINE_POSTGRES_URL must name a server that answers"
    private static let noRedis = "KITELINE_REDIS_URL must name a server that answers"
}
