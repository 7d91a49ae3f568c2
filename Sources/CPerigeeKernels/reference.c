// Scalar reference of the strict kernels, written for reading: one element at a time, indices mirrored at the ends as
// Docs/packet-format.md says. Slow; tests compare the other paths with it.
#include "strict.h"

static size_t mirror(ptrdiff_t i, size_t count) {
    return i < 0 ? 0 : (size_t)i >= count ? count - 1 : (size_t)i;
}

/// Sample i of the even (parity 0) or odd half of a line whose samples are `step` floats apart.
static float *half(float *line, size_t step, int parity, size_t i) { return line + (2 * i + (size_t)parity) * step; }

static void lift(float *line, size_t count, size_t step, int parity, float k) {
    size_t targets = parity ? count / 2 : (count + 1) / 2, others = count - targets;
    for (size_t i = 0; i < targets; i++) {
        ptrdiff_t before = parity ? (ptrdiff_t)i : (ptrdiff_t)i - 1;
        float left = *half(line, step, !parity, mirror(before, others));
        float right = *half(line, step, !parity, mirror(before + 1, others));
        float *target = half(line, step, parity, i);
        *target = *target + k * (left + right);
    }
}

static void line_forward(float *line, size_t count, size_t step, float *work) {
    if (count < 2) return;
    lift(line, count, step, 1, ALPHA);
    lift(line, count, step, 0, BETA);
    lift(line, count, step, 1, GAMMA);
    lift(line, count, step, 0, DELTA);
    size_t low = (count + 1) / 2;
    for (size_t i = 0; i < count; i++) {
        if (i % 2) work[low + i / 2] = line[i * step] * RHO;
        else work[i / 2] = line[i * step] * KAPPA;
    }
    for (size_t i = 0; i < count; i++) line[i * step] = work[i];
}

static void line_inverse(float *line, size_t count, size_t step, float *work) {
    if (count < 2) return;
    size_t low = (count + 1) / 2;
    for (size_t i = 0; i < count; i++) work[i] = line[i * step];
    for (size_t i = 0; i < count; i++) {
        if (i % 2) line[i * step] = work[low + i / 2] * KAPPA;
        else line[i * step] = work[i / 2] * RHO;
    }
    lift(line, count, step, 0, -DELTA);
    lift(line, count, step, 1, -GAMMA);
    lift(line, count, step, 0, -BETA);
    lift(line, count, step, 1, -ALPHA);
}

static void level_forward(float *plane, size_t rows, size_t columns, size_t stride, float *work) {
    for (size_t r = 0; r < rows; r++) line_forward(plane + r * stride, columns, 1, work);
    for (size_t c = 0; c < columns; c++) line_forward(plane + c, rows, stride, work);
}

static void level_inverse(float *plane, size_t rows, size_t columns, size_t stride, float *work) {
    for (size_t c = 0; c < columns; c++) line_inverse(plane + c, rows, stride, work);
    for (size_t r = 0; r < rows; r++) line_inverse(plane + r * stride, columns, 1, work);
}

static void spectral(
    const float *matrix, size_t count, float *planes, size_t plane_stride, size_t row_stride, size_t rows,
    size_t columns, float *work) {
    for (size_t r = 0; r < rows; r++) {
        for (size_t c = 0; c < columns; c++) {
            float *pixel = planes + r * row_stride + c;
            for (size_t b = 0; b < count; b++) work[b] = pixel[b * plane_stride];
            for (size_t k = 0; k < count; k++) {
                float sum = matrix[k * count] * work[0];
                for (size_t b = 1; b < count; b++) sum = sum + matrix[k * count + b] * work[b];
                pixel[k * plane_stride] = sum;
            }
        }
    }
}

static void normalise(int type, const void *samples, size_t count, float gain, float bias, float *values) {
    for (size_t i = 0; i < count; i++) {
        float s;
        switch (type) {
        case perigee_uint8: s = ((const uint8_t *)samples)[i]; break;
        case perigee_uint16: s = ((const uint16_t *)samples)[i]; break;
        case perigee_int16: s = ((const int16_t *)samples)[i]; break;
        case perigee_int32: s = (float)((const int32_t *)samples)[i]; break;
        default: s = ((const float *)samples)[i]; break;
        }
        float v = s * gain + bias;
        if (v > PERIGEE_VALUE_LIMIT) v = PERIGEE_VALUE_LIMIT;
        if (v < -PERIGEE_VALUE_LIMIT) v = -PERIGEE_VALUE_LIMIT;
        values[i] = v;
    }
}

static uint32_t cut(const float *values, size_t count, float scale, int32_t *integers) {
    uint32_t all = 0;
    for (size_t i = 0; i < count; i++) {
        float x = values[i] * scale;
        if (isnan(x)) x = 0;
        if (x > PERIGEE_CUT_LIMIT) x = PERIGEE_CUT_LIMIT;
        if (x < -PERIGEE_CUT_LIMIT) x = -PERIGEE_CUT_LIMIT;
        integers[i] = (int32_t)x;
        all |= (uint32_t)(integers[i] < 0 ? -integers[i] : integers[i]);
    }
    return all;
}

/// Rounds half to even and cuts to the range; NaN gives the greatest value.
static int32_t round_to(float x, double low, double high) {
    double rounded = rint((double)x);
    if (!(rounded < high)) return (int32_t)high;
    return rounded > low ? (int32_t)rounded : (int32_t)low;
}

static void denormalise(
    int type, const float *values, size_t count, const perigee_denormalisation *how, const uint8_t *mask,
    void *samples) {
    static const double low[] = {0, 0, -32768, -2147483648.0}, high[] = {255, 65535, 32767, 2147483647.0};
    for (size_t i = 0; i < count; i++) {
        int valid = !mask || mask[i];
        float x = (values[i] - how->bias) * how->inverse_gain;
        if (type == perigee_float32) {
            if (how->has_nodata && x == how->nodata_float) x = how->substitute_float;
            ((float *)samples)[i] = valid ? x : how->nodata_float;
            continue;
        }
        int32_t n = round_to(x, low[type], high[type]);
        if (how->has_nodata && n == how->nodata_integer) n = how->substitute_integer;
        if (!valid) n = how->nodata_integer;
        switch (type) {
        case perigee_uint8: ((uint8_t *)samples)[i] = (uint8_t)n; break;
        case perigee_uint16: ((uint16_t *)samples)[i] = (uint16_t)n; break;
        case perigee_int16: ((int16_t *)samples)[i] = (int16_t)n; break;
        default: ((int32_t *)samples)[i] = n; break;
        }
    }
}

const perigee_kernels perigee_kernels_scalar = {
    .level_forward = level_forward,
    .level_inverse = level_inverse,
    .spectral = spectral,
    .normalise = normalise,
    .cut = cut,
    .denormalise = denormalise,
};
