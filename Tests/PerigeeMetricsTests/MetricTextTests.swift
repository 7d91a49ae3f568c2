import PerigeeCore
import PerigeeMetrics
import Testing

private let families: [MetricValues] = [
    MetricValues(
        MetricFamily("perigee_input_bytes", .counter, unit: "bytes", labels: ["stream"], "Octets of messages"),
        [.init(["naip"], 12), .init(["a\"b\\c\nd"], 0)], created: 1_763_700_000.5),
    MetricValues(
        MetricFamily("perigee_link_state", .stateset, "Where the link stands"),
        [.init(["live"], 1), .init(["offline"], 0)]),
    MetricValues(MetricFamily("perigee_build", .info, labels: ["version"], "What runs"), [.init(["0.1.0"], 1)]),
    MetricValues(MetricFamily("perigee_saving_ratio", .gauge, unit: "ratio", "A \"quotient\""), [.init([], 0.25)]),
]

@Test("OpenMetrics: every family with kind, unit and help, counters with creation, an end")
func openMetrics() {
    #expect(
        MetricText.text(families, .openMetrics) == """
            # TYPE perigee_input_bytes counter
            # UNIT perigee_input_bytes bytes
            # HELP perigee_input_bytes Octets of messages
            perigee_input_bytes_total{stream="naip"} 12
            perigee_input_bytes_created{stream="naip"} 1763700000.5
            perigee_input_bytes_total{stream="a\\"b\\\\c\\nd"} 0
            perigee_input_bytes_created{stream="a\\"b\\\\c\\nd"} 1763700000.5
            # TYPE perigee_link_state stateset
            # HELP perigee_link_state Where the link stands
            perigee_link_state{perigee_link_state="live"} 1
            perigee_link_state{perigee_link_state="offline"} 0
            # TYPE perigee_build info
            # HELP perigee_build What runs
            perigee_build_info{version="0.1.0"} 1
            # TYPE perigee_saving_ratio gauge
            # UNIT perigee_saving_ratio ratio
            # HELP perigee_saving_ratio A \\"quotient\\"
            perigee_saving_ratio 0.25
            # EOF

            """)
}

@Test("the older format describes the samples themselves and knows fewer kinds")
func plain() {
    let text = MetricText.text(families, .plain)
    #expect(
        text.contains("# TYPE perigee_input_bytes_total counter\n# HELP perigee_input_bytes_total Octets of messages\n")
    )
    #expect(text.contains("# TYPE perigee_link_state gauge\n") && text.contains("# TYPE perigee_build_info gauge\n"))
    #expect(!text.contains("# UNIT") && !text.contains("# EOF") && !text.contains("_created"))
}

@Test("a histogram's buckets add up, also in its last one")
func histogram() {
    var histogram = Histogram(bounds: [0.5, 1])
    for value in [0.25, 0.5, 0.75, 3] { histogram.add(value) }
    let values = MetricValues(
        MetricFamily("perigee_commit_duration_seconds", .histogram, unit: "seconds", "How long"), histogram, created: 7)
    #expect(
        MetricText.text([values], .openMetrics) == """
            # TYPE perigee_commit_duration_seconds histogram
            # UNIT perigee_commit_duration_seconds seconds
            # HELP perigee_commit_duration_seconds How long
            perigee_commit_duration_seconds_bucket{le="0.5"} 2
            perigee_commit_duration_seconds_bucket{le="1.0"} 3
            perigee_commit_duration_seconds_bucket{le="+Inf"} 4
            perigee_commit_duration_seconds_count 4
            perigee_commit_duration_seconds_sum 4.5
            perigee_commit_duration_seconds_created 7
            # EOF

            """)
    #expect(values.seriesCount == 6)
}

@Test("a scraper gets the format it asks for")
func formats() {
    #expect(MetricText.Format(accept: "application/openmetrics-text;version=1.0.0,text/plain;q=0.5") == .openMetrics)
    #expect(MetricText.Format(accept: "text/plain") == .plain && MetricText.Format(accept: nil) == .plain)
}
