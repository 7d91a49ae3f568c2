import PerigeeHTTP
import PerigeeJSON
import PerigeeMetrics
import PerigeePage
import PerigeeService

/// What the station answers over HTTP, from what its observer saw last: Docs/status.md section 6.
struct StationRoutes: Sendable {
    let observer: StationObserver
    let journal: StationJournal
    let quicklooks: QuicklookDesk
    let watchdog: Watchdog

    func answer(_ request: HTTPRequest) -> HTTPResponse {
        switch request.path {
        case "/":
            var page = HTTPResponse(contentType: "text/html; charset=utf-8", body: StationPage.html)
            page.contentSecurityPolicy = StationPage.contentSecurityPolicy
            return page
        case "/livez":
            let stalled = watchdog.stalled
            let answer = JSONValue.object(["live": .bool(stalled.isEmpty), "stalled": .strings(stalled)])
            return .json(answer.description, status: stalled.isEmpty ? 200 : 503)
        case let path where path.hasPrefix("/runbook/"):
            guard let text = Runbook.page(String(path.dropFirst(9))) else { return .notFound }
            return HTTPResponse(contentType: "text/plain; charset=utf-8", body: text)
        case "/events.json": return .json(journal.events(after: request.after ?? 0).description)
        case "/quicklooks.json": return .json(quicklooks.json.description)
        case let path where path.hasPrefix("/quicklook/"):
            guard let octets = Int(path.dropFirst(11)).flatMap(quicklooks.octets) else { return .notFound }
            return HTTPResponse(contentType: "application/octet-stream", body: octets)
        default: break
        }
        guard let observation = observer.latest else { return .json("{\"error\":\"starting\"}", status: 503) }
        switch request.path {
        case "/metrics":
            let format = MetricText.Format(accept: request.accept)
            let text = MetricText.text(StationMetrics.values(observation), format)
            return HTTPResponse(contentType: format.contentType, body: Array(text.utf8))
        case "/status.json": return .json(StationStatus(observation: observation).json.description)
        case "/saving.json": return .json(observation.saving.hours.description)
        case "/readyz":
            let obstacles = observation.snapshot.obstacles
            let answer = JSONValue.object(["ready": .bool(obstacles.isEmpty), "reasons": .strings(obstacles)])
            return .json(answer.description, status: obstacles.isEmpty ? 200 : 503)
        default: return .notFound
        }
    }
}
