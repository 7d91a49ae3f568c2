// The files of Sources/PerigeePage/Parts as constants. C, because a Swift literal of as many octets compiles for 20 seconds
// and this for none, and because the compiler notes these files as inputs (Docs/decisions/0029-page.md).
#include "CPerigeePage.h"

#pragma clang diagnostic ignored "-Wc23-extensions"

#define PART(name) \
    struct perigee_page_part perigee_page_##name(void) { \
        struct perigee_page_part part = {name, sizeof name}; \
        return part; \
    }

static const unsigned char marks_svg[] = {
#embed "../PerigeePage/Parts/marks.svg"
};
PART(marks_svg)

static const unsigned char shared_css[] = {
#embed "../PerigeePage/Parts/shared.css"
};
PART(shared_css)

static const unsigned char text_js[] = {
#embed "../PerigeePage/Parts/text.js"
};
PART(text_js)

static const unsigned char document_js[] = {
#embed "../PerigeePage/Parts/document.js"
};
PART(document_js)

static const unsigned char connection_js[] = {
#embed "../PerigeePage/Parts/connection.js"
};
PART(connection_js)

static const unsigned char station_html[] = {
#embed "../PerigeePage/Parts/station.html"
};
PART(station_html)

static const unsigned char station_css[] = {
#embed "../PerigeePage/Parts/station.css"
};
PART(station_css)

static const unsigned char chart_js[] = {
#embed "../PerigeePage/Parts/chart.js"
};
PART(chart_js)

static const unsigned char station_js[] = {
#embed "../PerigeePage/Parts/station.js"
};
PART(station_js)

static const unsigned char gateway_html[] = {
#embed "../PerigeePage/Parts/gateway.html"
};
PART(gateway_html)

static const unsigned char gateway_js[] = {
#embed "../PerigeePage/Parts/gateway.js"
};
PART(gateway_js)
