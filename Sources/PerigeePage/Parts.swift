import CPerigeePage

/// The files of Parts/, as the C compiler took them in.
enum Parts {
    static let marks = octets(perigee_page_marks_svg())
    static let styles = octets(perigee_page_shared_css())
    static let scripts = [
        octets(perigee_page_text_js()), octets(perigee_page_document_js()), octets(perigee_page_connection_js()),
    ]
    static let stationTemplate = octets(perigee_page_station_html())
    static let stationStyle = octets(perigee_page_station_css())
    static let stationScripts = [octets(perigee_page_chart_js()), octets(perigee_page_station_js())]
    static let gatewayTemplate = octets(perigee_page_gateway_html())
    static let gatewayScript = octets(perigee_page_gateway_js())

    static func octets(_ part: perigee_page_part) -> [UInt8] {
        Array(UnsafeBufferPointer(start: part.octets, count: part.size))
    }
}
