// The strict kernels, included once for each instruction set; NAME(x) gives each its own names. Vectors run across
// independent elements only, so all copies give the same bits as reference.c.

/// target_i += k * (left_i + right_i).
static void NAME(lift)(
    float *restrict target, const float *restrict left, const float *restrict right, float k, size_t count) {
    for (size_t i = 0; i < count; i++) target[i] = target[i] + k * (left[i] + right[i]);
}

/// o_i += k * (e_i + e_(i+1)) for elements of `unit` floats; n odd ones beside m even ones.
static void NAME(predict)(const float *e, size_t m, float *o, size_t n, size_t unit, float k) {
    size_t inner = m > n ? n : n - 1;
    NAME(lift)(o, e, e + unit, k, inner * unit);
    if (inner < n) NAME(lift)(o + inner * unit, e + inner * unit, e + inner * unit, k, unit);
}

/// e_i += k * (o_(i-1) + o_i).
static void NAME(update)(float *e, size_t m, const float *o, size_t n, size_t unit, float k) {
    NAME(lift)(e, o, o, k, unit);
    NAME(lift)(e + unit, o, o + unit, k, (n - 1) * unit);
    if (m > n) NAME(lift)(e + n * unit, o + (n - 1) * unit, o + (n - 1) * unit, k, unit);
}

static void NAME(lift_forward)(float *e, size_t m, float *o, size_t n, size_t unit) {
    NAME(predict)(e, m, o, n, unit, ALPHA);
    NAME(update)(e, m, o, n, unit, BETA);
    NAME(predict)(e, m, o, n, unit, GAMMA);
    NAME(update)(e, m, o, n, unit, DELTA);
}

static void NAME(lift_inverse)(float *e, size_t m, float *o, size_t n, size_t unit) {
    NAME(update)(e, m, o, n, unit, -DELTA);
    NAME(predict)(e, m, o, n, unit, -GAMMA);
    NAME(update)(e, m, o, n, unit, -BETA);
    NAME(predict)(e, m, o, n, unit, -ALPHA);
}

static void NAME(scale)(const float *restrict from, float *restrict to, float k, size_t count) {
    for (size_t i = 0; i < count; i++) to[i] = from[i] * k;
}

static void NAME(row_forward)(float *restrict row, size_t width, float *restrict work) {
    size_t m = (width + 1) / 2, n = width / 2;
    float *e = work, *o = work + m;
    for (size_t i = 0; i < n; i++) {
        e[i] = row[2 * i];
        o[i] = row[2 * i + 1];
    }
    if (m > n) e[n] = row[2 * n];
    NAME(lift_forward)(e, m, o, n, 1);
    NAME(scale)(e, row, KAPPA, m);
    NAME(scale)(o, row + m, RHO, n);
}

static void NAME(row_inverse)(float *restrict row, size_t width, float *restrict work) {
    size_t m = (width + 1) / 2, n = width / 2;
    float *e = work, *o = work + m;
    NAME(scale)(row, e, RHO, m);
    NAME(scale)(row + m, o, KAPPA, n);
    NAME(lift_inverse)(e, m, o, n, 1);
    for (size_t i = 0; i < n; i++) {
        row[2 * i] = e[i];
        row[2 * i + 1] = o[i];
    }
    if (m > n) row[2 * n] = e[n];
}

// Columns go in strips of STRIP: one element of the lifting is then a row of the strip, contiguous in `work`.

static void NAME(strip_forward)(float *top, size_t height, size_t stride, size_t unit, float *work) {
    size_t m = (height + 1) / 2, n = height / 2;
    float *e = work, *o = work + m * unit;
    for (size_t i = 0; i < height; i++) {
        memcpy((i & 1 ? o : e) + (i / 2) * unit, top + i * stride, unit * sizeof(float));
    }
    NAME(lift_forward)(e, m, o, n, unit);
    for (size_t i = 0; i < m; i++) NAME(scale)(e + i * unit, top + i * stride, KAPPA, unit);
    for (size_t i = 0; i < n; i++) NAME(scale)(o + i * unit, top + (m + i) * stride, RHO, unit);
}

static void NAME(strip_inverse)(float *top, size_t height, size_t stride, size_t unit, float *work) {
    size_t m = (height + 1) / 2, n = height / 2;
    float *e = work, *o = work + m * unit;
    for (size_t i = 0; i < m; i++) NAME(scale)(top + i * stride, e + i * unit, RHO, unit);
    for (size_t i = 0; i < n; i++) NAME(scale)(top + (m + i) * stride, o + i * unit, KAPPA, unit);
    NAME(lift_inverse)(e, m, o, n, unit);
    for (size_t i = 0; i < height; i++) {
        memcpy(top + i * stride, (i & 1 ? o : e) + (i / 2) * unit, unit * sizeof(float));
    }
}

static void NAME(level_forward)(float *plane, size_t rows, size_t columns, size_t stride, float *work) {
    if (columns > 1) {
        for (size_t r = 0; r < rows; r++) NAME(row_forward)(plane + r * stride, columns, work);
    }
    if (rows < 2) return;
    for (size_t c = 0; c < columns; c += STRIP) {
        NAME(strip_forward)(plane + c, rows, stride, columns - c < STRIP ? columns - c : STRIP, work);
    }
}

static void NAME(level_inverse)(float *plane, size_t rows, size_t columns, size_t stride, float *work) {
    if (rows > 1) {
        for (size_t c = 0; c < columns; c += STRIP) {
            NAME(strip_inverse)(plane + c, rows, stride, columns - c < STRIP ? columns - c : STRIP, work);
        }
    }
    if (columns < 2) return;
    for (size_t r = 0; r < rows; r++) NAME(row_inverse)(plane + r * stride, columns, work);
}

/// Pixels a step of the spectral product: GROUP vectors of LANES.
typedef float NAME(lanes) __attribute__((vector_size(LANES * sizeof(float)), aligned(4)));

/// `count` planes of LANES * GROUP pixels in `v`, `v_stride` apart, to rows of `out`.
static void NAME(product)(
    const float *restrict matrix, size_t count, const float *restrict v, float *out, size_t out_stride, size_t pixels) {
    const size_t step = LANES * GROUP;
    for (size_t k = 0; k < count; k++) {
        const float *restrict m = matrix + k * count;
        NAME(lanes) sum[GROUP];
        for (size_t g = 0; g < GROUP; g++) sum[g] = m[0] * *(const NAME(lanes) *)(v + g * LANES);
        for (size_t b = 1; b < count; b++) {
            const float *x = v + b * step;
            for (size_t g = 0; g < GROUP; g++) sum[g] = sum[g] + m[b] * *(const NAME(lanes) *)(x + g * LANES);
        }
        if (pixels == step) {
            for (size_t g = 0; g < GROUP; g++) *(NAME(lanes) *)(out + k * out_stride + g * LANES) = sum[g];
        } else {
            memcpy(out + k * out_stride, sum, pixels * sizeof(float));
        }
    }
}

static void NAME(spectral)(
    const float *matrix, size_t count, float *planes, size_t plane_stride, size_t row_stride, size_t rows,
    size_t columns, float *work) {
    const size_t step = LANES * GROUP;
    for (size_t r = 0; r < rows; r++) {
        for (size_t c = 0; c < columns; c += step) {
            float *first = planes + r * row_stride + c;
            size_t pixels = columns - c < step ? columns - c : step;
            for (size_t b = 0; b < count; b++) {
                memcpy(work + b * step, first + b * plane_stride, pixels * sizeof(float));
                for (size_t i = pixels; i < step; i++) work[b * step + i] = 0;
            }
            NAME(product)(matrix, count, work, first, plane_stride, pixels);
        }
    }
}

#define DEFINE_NORMALISE(TYPE, SUFFIX)                                                                              \
    static void NAME(normalise_##SUFFIX)(                                                                           \
        const TYPE *restrict samples, size_t count, float gain, float bias, float *restrict values) {               \
        for (size_t i = 0; i < count; i++) {                                                                        \
            float v = (float)samples[i] * gain + bias;                                                              \
            v = v > PERIGEE_VALUE_LIMIT ? PERIGEE_VALUE_LIMIT : v;                                                  \
            values[i] = v < -PERIGEE_VALUE_LIMIT ? -PERIGEE_VALUE_LIMIT : v;                                        \
        }                                                                                                           \
    }
DEFINE_NORMALISE(uint8_t, uint8)
DEFINE_NORMALISE(uint16_t, uint16)
DEFINE_NORMALISE(int16_t, int16)
DEFINE_NORMALISE(int32_t, int32)
DEFINE_NORMALISE(float, float32)

// Adding and taking away 1.5 * 2^23 rounds half to even below 2^22; the range was cut to the type's before.
#define DEFINE_DENORMALISE(TYPE, SUFFIX, LOW, HIGH)                                                                 \
    static void NAME(denormalise_##SUFFIX)(                                                                         \
        const float *restrict values, size_t count, const perigee_denormalisation *restrict how,                    \
        const uint8_t *restrict mask, TYPE *restrict samples) {                                                     \
        const float bias = how->bias, gain = how->inverse_gain;                                                     \
        const int32_t avoid = how->has_nodata ? how->nodata_integer : 0;                                            \
        const int32_t instead = how->has_nodata ? how->substitute_integer : 0;                                      \
        for (size_t i = 0; i < count; i++) {                                                                        \
            float x = (values[i] - bias) * gain;                                                                    \
            x = x < HIGH ? x : HIGH;                                                                                \
            x = x > LOW ? x : LOW;                                                                                  \
            int32_t n = (int32_t)((x + 12582912.0f) - 12582912.0f);                                                 \
            samples[i] = (TYPE)(n == avoid ? instead : n);                                                          \
        }                                                                                                           \
        if (!mask) return;                                                                                          \
        for (size_t i = 0; i < count; i++) samples[i] = mask[i] ? samples[i] : (TYPE)how->nodata_integer;           \
    }
DEFINE_DENORMALISE(uint8_t, uint8, 0.0f, 255.0f)
DEFINE_DENORMALISE(uint16_t, uint16, 0.0f, 65535.0f)
DEFINE_DENORMALISE(int16_t, int16, -32768.0f, 32767.0f)

static void NAME(denormalise_int32)(
    const float *restrict values, size_t count, const perigee_denormalisation *restrict how,
    const uint8_t *restrict mask, int32_t *restrict samples) {
    for (size_t i = 0; i < count; i++) {
        float x = (values[i] - how->bias) * how->inverse_gain;
        // 2^31 is the least single above the range; the greatest one within it is an integer, and so are all from 2^23.
        float magnitude = __builtin_fabsf(x);
        float rounded = magnitude < 4194304.0f ? (x + 12582912.0f) - 12582912.0f : __builtin_rintf(x);
        int32_t n = !(rounded < 2147483648.0f) ? INT32_MAX : rounded <= -2147483648.0f ? INT32_MIN : (int32_t)rounded;
        if (how->has_nodata && n == how->nodata_integer) n = how->substitute_integer;
        samples[i] = mask && !mask[i] ? how->nodata_integer : n;
    }
}

static void NAME(denormalise_float32)(
    const float *restrict values, size_t count, const perigee_denormalisation *restrict how,
    const uint8_t *restrict mask, float *restrict samples) {
    const float bias = how->bias, gain = how->inverse_gain;
    for (size_t i = 0; i < count; i++) samples[i] = (values[i] - bias) * gain;
    if (how->has_nodata) {
        for (size_t i = 0; i < count; i++) {
            samples[i] = samples[i] == how->nodata_float ? how->substitute_float : samples[i];
        }
    }
    if (!mask) return;
    for (size_t i = 0; i < count; i++) samples[i] = mask[i] ? samples[i] : how->nodata_float;
}

static void NAME(normalise)(
    int type, const void *samples, size_t count, float gain, float bias, float *values) {
    switch (type) {
    case perigee_uint8: NAME(normalise_uint8)(samples, count, gain, bias, values); break;
    case perigee_uint16: NAME(normalise_uint16)(samples, count, gain, bias, values); break;
    case perigee_int16: NAME(normalise_int16)(samples, count, gain, bias, values); break;
    case perigee_int32: NAME(normalise_int32)(samples, count, gain, bias, values); break;
    default: NAME(normalise_float32)(samples, count, gain, bias, values); break;
    }
}

static void NAME(denormalise)(
    int type, const float *values, size_t count, const perigee_denormalisation *how, const uint8_t *mask,
    void *samples) {
    switch (type) {
    case perigee_uint8: NAME(denormalise_uint8)(values, count, how, mask, samples); break;
    case perigee_uint16: NAME(denormalise_uint16)(values, count, how, mask, samples); break;
    case perigee_int16: NAME(denormalise_int16)(values, count, how, mask, samples); break;
    case perigee_int32: NAME(denormalise_int32)(values, count, how, mask, samples); break;
    default: NAME(denormalise_float32)(values, count, how, mask, samples); break;
    }
}

static uint32_t NAME(cut)(const float *restrict values, size_t count, float scale, int32_t *restrict integers) {
    uint32_t all = 0;
    for (size_t i = 0; i < count; i++) {
        float x = values[i] * scale;
        x = x == x ? x : 0.0f;
        x = x < PERIGEE_CUT_LIMIT ? x : PERIGEE_CUT_LIMIT;
        x = x > -PERIGEE_CUT_LIMIT ? x : -PERIGEE_CUT_LIMIT;
        int32_t n = (int32_t)x;
        integers[i] = n;
        all |= (uint32_t)(n < 0 ? -n : n);
    }
    return all;
}

const perigee_kernels NAME(kernels) = {
    .level_forward = NAME(level_forward),
    .level_inverse = NAME(level_inverse),
    .spectral = NAME(spectral),
    .normalise = NAME(normalise),
    .cut = NAME(cut),
    .denormalise = NAME(denormalise),
};

#undef DEFINE_NORMALISE
#undef DEFINE_DENORMALISE
