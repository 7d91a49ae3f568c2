// Masks of invalid samples, and the fill by a pyramid of averages.
#include "strict.h"

#define DEFINE_SCAN(TYPE, SUFFIX)                                                                                   \
    static perigee_scan scan_##SUFFIX(const TYPE *samples, size_t count, int32_t nodata, uint8_t *mask) {           \
        size_t invalid = 0;                                                                                         \
        for (size_t i = 0; i < count; i++) invalid += samples[i] == nodata;                                         \
        if (mask) {                                                                                                 \
            for (size_t i = 0; i < count; i++) mask[i] = samples[i] != nodata;                                      \
        }                                                                                                           \
        return (perigee_scan){invalid, 0};                                                                          \
    }
DEFINE_SCAN(uint8_t, uint8)
DEFINE_SCAN(uint16_t, uint16)
DEFINE_SCAN(int16_t, int16)
DEFINE_SCAN(int32_t, int32)

static perigee_scan scan_float32(
    const float *samples, size_t count, int has_nodata, float nodata, uint8_t *mask) {
    size_t invalid = 0, infinite = 0;
    for (size_t i = 0; i < count; i++) {
        float s = samples[i];
        int missing = (s != s) | (has_nodata & (s == nodata));
        invalid += (size_t)missing;
        infinite += (size_t)(!missing & (__builtin_fabsf(s) == INFINITY));
        if (mask) mask[i] = (uint8_t)!missing;
    }
    return (perigee_scan){invalid, infinite};
}

perigee_scan perigee_validity(
    int type, const void *samples, size_t count, int has_nodata, int32_t nodata_integer, float nodata_float,
    uint8_t *mask) {
    if (type == perigee_float32) return scan_float32(samples, count, has_nodata, nodata_float, mask);
    if (!has_nodata) {
        if (mask) memset(mask, 1, count);
        return (perigee_scan){0, 0};
    }
    switch (type) {
    case perigee_uint8: return scan_uint8(samples, count, nodata_integer, mask);
    case perigee_uint16: return scan_uint16(samples, count, nodata_integer, mask);
    case perigee_int16: return scan_int16(samples, count, nodata_integer, mask);
    default: return scan_int32(samples, count, nodata_integer, mask);
    }
}

// Level 0 of the pyramid is the plane; the others lie behind each other in `work`, NaN where nothing is valid.

size_t perigee_fill_work(size_t rows, size_t columns) {
    size_t total = 0;
    while (rows > 1 || columns > 1) {
        rows = (rows + 1) / 2;
        columns = (columns + 1) / 2;
        total += rows * columns;
    }
    return total;
}

static float cover(const float *fine, size_t rows, size_t columns, size_t r, size_t c) {
    static const float share[] = {0, 1, 0.5f, (float)(1.0 / 3.0), 0.25f};
    float sum = 0;
    int count = 0;
    for (size_t y = 2 * r; y < 2 * r + 2 && y < rows; y++) {
        for (size_t x = 2 * c; x < 2 * c + 2 && x < columns; x++) {
            float v = fine[y * columns + x];
            if (v != v) continue;
            sum = count ? sum + v : v;
            count++;
        }
    }
    return count ? sum * share[count] : NAN;
}

static void fill_level(float *fine, size_t rows, size_t columns, float *work) {
    if (rows == 1 && columns == 1) {
        if (fine[0] != fine[0]) fine[0] = 0;
        return;
    }
    size_t half_rows = (rows + 1) / 2, half_columns = (columns + 1) / 2;
    for (size_t r = 0; r < half_rows; r++) {
        for (size_t c = 0; c < half_columns; c++) work[r * half_columns + c] = cover(fine, rows, columns, r, c);
    }
    fill_level(work, half_rows, half_columns, work + half_rows * half_columns);
    for (size_t r = 0; r < rows; r++) {
        for (size_t c = 0; c < columns; c++) {
            float *v = fine + r * columns + c;
            if (*v != *v) *v = work[(r / 2) * half_columns + c / 2];
        }
    }
}

void perigee_fill(float *plane, const uint8_t *mask, size_t rows, size_t columns, float *work) {
    for (size_t i = 0; i < rows * columns; i++) {
        if (!mask[i]) plane[i] = NAN;
    }
    fill_level(plane, rows, columns, work);
}
