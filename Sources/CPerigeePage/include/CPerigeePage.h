#pragma once
#include <stddef.h>

/// The octets of one embedded file; they live as long as the process.
struct perigee_page_part {
    const unsigned char *octets;
    size_t size;
};

struct perigee_page_part perigee_page_marks_svg(void);
struct perigee_page_part perigee_page_shared_css(void);
struct perigee_page_part perigee_page_text_js(void);
struct perigee_page_part perigee_page_document_js(void);
struct perigee_page_part perigee_page_connection_js(void);
struct perigee_page_part perigee_page_station_html(void);
struct perigee_page_part perigee_page_station_css(void);
struct perigee_page_part perigee_page_chart_js(void);
struct perigee_page_part perigee_page_station_js(void);
struct perigee_page_part perigee_page_gateway_html(void);
struct perigee_page_part perigee_page_gateway_js(void);

/// One page of Docs/runbook and the alert that it is for.
struct perigee_runbook {
    const char *name;
    struct perigee_page_part text;
};

size_t perigee_runbook_count(void);
/// `index` is below the count.
struct perigee_runbook perigee_runbook_at(size_t index);
