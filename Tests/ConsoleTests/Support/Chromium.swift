import AsyncHTTPClient
import Foundation
import NIOCore
import TestSupport
import Testing

/// A real browser, told what to do over WebDriver.
struct Chromium: Sendable {
    /// Where Debian has them; without them tests of the browser are skipped.
    static let program = "/usr/bin/chromium"
    static let driver = "/usr/bin/chromedriver"
    static var isThere: Bool { [program, driver].allSatisfy(FileManager.default.isExecutableFile) }

    enum Size: String, Sendable, CaseIterable {
        case desktop, phone

        fileprivate var pixels: (width: Int, height: Int) {
            switch self {
            case .desktop: (1_280, 900)
            case .phone: (390, 844)
            }
        }
    }

    /// Why the browser did not do what it was told.
    struct Refusal: Error, CustomStringConvertible {
        let code: String
        let description: String

        fileprivate init(_ answer: [String: Any], of wish: [String: Any]?) {
            code = answer["error"] as? String ?? "unknown"
            let message = (answer["message"] as? String ?? "").prefix { $0 != "\n" }
            description = "\(code): \(message) (\(wish ?? [:]))"
        }
    }

    private let session: String
    let size: Size

    /// Gives `body` a window of this size, and ends the browser afterwards.
    static func with(_ size: Size, language: String, _ body: (Chromium) async throws -> Void) async throws {
        let (process, port) = try started()
        let result: Result<Void, any Error>
        do {
            let base = "http://127.0.0.1:\(port)"
            let browser = try await Chromium(base, size, language: language)
            do { result = .success(try await body(browser)) } catch { result = .failure(error) }
            _ = try? await browser.command("DELETE", "", nil)
        } catch {
            result = .failure(error)
        }
        process.terminate()
        process.waitUntilExit()
        try result.get()
    }

    /// The driver, and where it listens. Somebody may take the port it has chosen before it does: then it ends, and is begun again.
    private static func started() throws -> (Process, port: Int) {
        var said: [String] = []
        for _ in 0..<3 {
            let process = Process()
            // Otherwise the child would inherit the signals this thread blocks.
            process.executableURL = URL(filePath: "/usr/bin/env")
            process.arguments = ["--default-signal", driver, "--port=0"]
            let output = Pipe()
            process.standardOutput = output
            process.standardError = FileHandle.nullDevice
            try process.run()
            let (port, text) = try port(in: output.fileHandleForReading)
            if let port { return (process, port) }
            process.waitUntilExit()
            said.append(text)
        }
        throw DriverEnded(said: said)
    }

    private struct DriverEnded: Error { let said: [String] }

    /// `ChromeDriver was started successfully on port 40123.` Nil: it ended.
    private static func port(in output: FileHandle) throws -> (Int?, said: String) {
        var text = ""
        while true {
            let piece = output.availableData
            if piece.isEmpty { return (nil, text) }
            text += String(decoding: piece, as: UTF8.self)
            if let match = text.firstMatch(of: /successfully on port (\d+)/) { return (Int(match.1), text) }
        }
    }

    private init(_ base: String, _ size: Size, language: String) async throws {
        let (width, height) = size.pixels
        var options: [String: Any] = [
            "binary": Self.program,
            "args": [
                "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--window-size=\(width),\(height)",
                "--accept-lang=\(language)",
            ],
            "prefs": ["intl.accept_languages": language],
        ]
        if size == .phone {
            options["mobileEmulation"] = ["deviceMetrics": ["width": width, "height": height, "pixelRatio": 2.0, "mobile": true]]
        }
        let capabilities: [String: Any] = [
            "browserName": "chrome", "goog:chromeOptions": options, "goog:loggingPrefs": ["browser": "ALL"],
        ]
        self.size = size
        let answer = try await Self.send("POST", "\(base)/session", ["capabilities": ["alwaysMatch": capabilities]])
        let id = try #require(answer["sessionId"] as? String, "no session: \(answer)")
        session = "\(base)/session/\(id)"
    }

    // MARK: What a person does

    func open(_ address: String) async throws { try await command("POST", "/url", ["url": address]) }

    /// What is drawn anew between the look and the hand is clicked where it is then.
    func click(_ selector: String) async throws {
        do { try await clickOnce(selector) } catch let refusal as Refusal where refusal.code == "stale element reference" {
            try await clickOnce(selector)
        }
    }

    private func clickOnce(_ selector: String) async throws {
        try await command("POST", "/element/\(try await element(selector))/click", [:])
    }

    func type(_ text: String, into selector: String) async throws {
        try await command("POST", "/element/\(try await element(selector))/value", ["text": text])
    }

    func clear(_ selector: String) async throws { try await command("POST", "/element/\(try await element(selector))/clear", [:]) }

    enum Key: String {
        case tab = "Tab"
        case enter = "Enter"
        case escape = "Escape"

        fileprivate var number: Int {
            switch self {
            case .tab: 9
            case .enter: 13
            case .escape: 27
            }
        }
    }

    /// Presses and lets go of a key, wherever the focus is.
    func press(_ key: Key) async throws {
        var stroke: [String: Any] = ["key": key.rawValue, "code": key.rawValue, "windowsVirtualKeyCode": key.number]
        if key == .enter { stroke["text"] = "\r" }
        for type in ["keyDown", "keyUp"] { try await develop("Input.dispatchKeyEvent", stroke.merging(["type": type]) { $1 }) }
    }

    /// Runs a script in the page; answers what it returns, as text.
    @discardableResult
    func run(_ script: String) async throws -> String {
        let value = try await command("POST", "/execute/sync", ["script": script, "args": [Any]()])["value"]
        return value.map { "\($0)" } ?? ""
    }

    /// Waits until a script answers true.
    func wait(until script: String, sourceLocation: SourceLocation = #_sourceLocation) async throws {
        try await expectSoon(sourceLocation: sourceLocation) {
            ["1", "true"].contains(try await run("return Boolean(\(script))"))
        }
    }

    /// What the page's scripts complained of since this was asked last.
    func complaints() async throws -> [String] {
        let entries = try await command("POST", "/se/log", ["type": "browser"])["value"] as? [[String: Any]] ?? []
        return entries.filter { ($0["level"] as? String) == "SEVERE" }.compactMap { $0["message"] as? String }
    }

    // MARK: What the browser is set to

    /// Whether the visitor's system is dark.
    func prefer(dark: Bool) async throws {
        let scheme = ["name": "prefers-color-scheme", "value": dark ? "dark" : "light"]
        try await develop("Emulation.setEmulatedMedia", ["features": [scheme]])
    }

    /// Makes a desktop's window as narrow as a phone's; pages see no phone otherwise.
    func narrow() async throws {
        let (width, height) = Size.phone.pixels
        let frame: [String: Any] = ["width": width, "height": height, "deviceScaleFactor": 2, "mobile": false]
        try await develop("Emulation.setDeviceMetricsOverride", frame)
    }

    /// From the next page on, no page runs a script of its own; ours still run.
    func forbidScripts() async throws { try await develop("Emulation.setScriptExecutionDisabled", ["value": true]) }

    /// What only the tools for developers can do.
    @discardableResult
    private func develop(_ name: String, _ values: [String: Any]) async throws -> [String: Any] {
        try await command("POST", "/goog/cdp/execute", ["cmd": name, "params": values])["value"] as? [String: Any] ?? [:]
    }

    /// A picture of the whole page, where `KITELINE_SCREENSHOTS` names a folder for them.
    func picture(_ name: String) async throws {
        guard let folder = ProcessInfo.processInfo.environment["KITELINE_SCREENSHOTS"] else { return }
        let frame = try await develop("Page.getLayoutMetrics", [:])["cssContentSize"] as? [String: Any] ?? [:]
        let clip = frame.merging(["scale": 1]) { $1 }
        let text = try await develop("Page.captureScreenshot", ["captureBeyondViewport": true, "clip": clip])["data"] as? String
        let data = try #require(text.flatMap { Data(base64Encoded: $0) })
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        try data.write(to: URL(filePath: "\(folder)/\(name).png"))
    }

    private func element(_ selector: String) async throws -> String {
        let found = try await command("POST", "/element", ["using": "css selector", "value": selector])["value"] as? [String: String]
        return try #require(found?.values.first)
    }

    @discardableResult
    private func command(_ method: String, _ path: String, _ body: [String: Any]?) async throws -> [String: Any] {
        try await Self.send(method, session + path, body, unwrapping: false)
    }

    /// - Parameter unwrapping: whether the answer's `value` is wanted in its place.
    private static func send(
        _ method: String, _ address: String, _ body: [String: Any]?, unwrapping: Bool = true
    ) async throws -> [String: Any] {
        var request = HTTPClientRequest(url: address)
        request.method = .init(rawValue: method)
        if let body {
            request.headers.add(name: "Content-Type", value: "application/json")
            request.body = .bytes(ByteBuffer(bytes: try JSONSerialization.data(withJSONObject: body)))
        }
        let response = try await HTTPClient.shared.execute(request, timeout: .seconds(180))
        let data = Data(try await response.body.collect(upTo: 64 << 20).readableBytesView)
        let answer = try #require(try JSONSerialization.jsonObject(with: data) as? [String: Any])
        guard response.status == .ok else { throw Refusal(answer["value"] as? [String: Any] ?? [:], of: body) }
        return unwrapping ? answer["value"] as? [String: Any] ?? [:] : answer
    }
}
