import AsyncHTTPClient
import Foundation
import Messages
import NIOCore
import NIOHTTP1
import NIOPosix
import Synchronization

/// Asks over HTTP, at addresses that were looked up and checked. Follows nowhere, sends no cookies, keeps 64 KiB of an answer.
final class Web: Sendable {
    let policy: OutgoingPolicy
    let resolver = Resolver()

    /// A client for each place: it connects to the address that was checked, whatever the name says later.
    private struct Place: Hashable {
        let host: String
        let address: String
    }

    private let clients = Mutex<(byPlace: [Place: HTTPClient], order: [Place])>(([:], []))
    private let mostClients = 64
    private let longestAnswer = 65_536

    init(_ policy: OutgoingPolicy) { self.policy = policy }

    /// - Parameter timeout: of everything together.
    func ask(_ question: HTTPQuestion, timeout: Duration) async -> Result<HTTPAnswer, DeliveryFailure> {
        if let fault = policy.fault(in: question.url) {
            return .failure(DeliveryFailure(.config, code: "address_refused", message: "the address \(fault)"))
        }
        guard let parts = URLComponents(string: question.url), let host = parts.host else {
            return .failure(DeliveryFailure(.config, code: "address_refused", message: "the address is no URL"))
        }
        let start = ContinuousClock.now
        let address: String
        switch await resolver.address(of: host, port: parts.port ?? (parts.scheme == "http" ? 80 : 443), policy) {
        case .success(let found): address = found
        case .failure(let failure): return .failure(failure)
        }
        let left = timeout - (ContinuousClock.now - start)
        guard left > .zero else { return .failure(Self.timedOut) }
        return await ask(question, client(Place(host: host, address: address)), timeout: left)
    }

    private func ask(_ question: HTTPQuestion, _ client: HTTPClient, timeout: Duration) async -> Result<HTTPAnswer, DeliveryFailure> {
        var request = HTTPClientRequest(url: question.url)
        request.method = HTTPMethod(rawValue: question.method)
        request.headers.add(name: "user-agent", value: "Kiteline")
        for (name, value) in question.headers { request.headers.add(name: name, value: value) }
        if !question.body.isEmpty { request.body = .bytes(ByteBuffer(bytes: question.body)) }
        do {
            let response = try await client.execute(request, timeout: TimeAmount(timeout))
            let headers = Dictionary(response.headers.map { ($0.name.lowercased(), $0.value) }) { first, _ in first }
            let body = try await response.body.collect(upTo: longestAnswer)
            return .success(HTTPAnswer(status: Int(response.status.code), headers: headers, body: Array(body.readableBytesView)))
        } catch is NIOTooManyBytesError {
            return .failure(DeliveryFailure(.transient, code: "too_long", message: "the answer is too long"))
        } catch let error as HTTPClientError where [.deadlineExceeded, .connectTimeout, .readTimeout].contains(error) {
            return .failure(Self.timedOut)
        } catch is CancellationError {
            return .failure(DeliveryFailure(.transient, code: "interrupted", message: "the attempt was interrupted"))
        } catch {
            // What the error says may quote the address, and with it a secret.
            return .failure(DeliveryFailure(.transient, code: "unreachable", message: "no connection, or it broke off"))
        }
    }

    private static let timedOut = DeliveryFailure(.transient, code: "timeout", message: "no answer in time")

    private func client(_ place: Place) -> HTTPClient {
        let (client, surplus) = clients.withLock { clients -> (HTTPClient, HTTPClient?) in
            if let known = clients.byPlace[place] { return (known, nil) }
            var configuration = HTTPClient.Configuration(redirectConfiguration: .disallow)
            if place.host != place.address { configuration.dnsOverride = [place.host: place.address] }
            configuration.timeout.connect = .seconds(5)
            configuration.proxy = nil
            let client = HTTPClient(eventLoopGroupProvider: .singleton, configuration: configuration)
            clients.byPlace[place] = client
            clients.order.append(place)
            guard clients.order.count > mostClients else { return (client, nil) }
            return (client, clients.byPlace.removeValue(forKey: clients.order.removeFirst()))
        }
        // What it is still asked breaks off and is tried again.
        if let surplus { Task { try? await surplus.shutdown().get() } }
        return client
    }

    func close() async {
        let all = clients.withLock { clients in
            defer { clients = ([:], []) }
            return Array(clients.byPlace.values)
        }
        for client in all { try? await client.shutdown().get() }
    }
}
