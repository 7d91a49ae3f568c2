// Chooses a compiled copy, and holds the loops over levels.
#include "strict.h"

int perigee_has_path(int path) {
    if (path == perigee_scalar || path == perigee_portable) return 1;
#if defined(__x86_64__)
    __builtin_cpu_init();
    if (path == perigee_avx2) return __builtin_cpu_supports("avx2") != 0;
    if (path == perigee_avx512) {
        return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512vl")
            && __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq");
    }
#endif
    return 0;
}

int perigee_best_path(void) {
    int path = perigee_avx512;
    while (!perigee_has_path(path)) path--;
    return path;
}

static const perigee_kernels *kernels(int path) {
    switch (path) {
#if defined(__x86_64__)
    case perigee_avx512: return &perigee_kernels_avx512;
    case perigee_avx2: return &perigee_kernels_avx2;
#endif
    case perigee_scalar: return &perigee_kernels_scalar;
    default: return &perigee_kernels_portable;
    }
}

size_t perigee_wavelet_work(size_t rows, size_t columns) {
    size_t strip = rows * (columns < STRIP ? columns : STRIP);
    return strip > columns ? strip : columns;
}

static size_t halved(size_t side, int times) {
    for (int i = 0; i < times; i++) side = (side + 1) / 2;
    return side;
}

void perigee_wavelet_forward(
    int path, float *plane, size_t rows, size_t columns, size_t stride, int levels, float *work) {
    const perigee_kernels *k = kernels(path);
    for (int level = 1; level <= levels; level++) {
        k->level_forward(plane, halved(rows, level - 1), halved(columns, level - 1), stride, work);
    }
}

void perigee_wavelet_inverse(
    int path, float *plane, size_t rows, size_t columns, size_t stride, int levels, float *work) {
    const perigee_kernels *k = kernels(path);
    for (int level = levels; level >= 1; level--) {
        k->level_inverse(plane, halved(rows, level - 1), halved(columns, level - 1), stride, work);
    }
}

size_t perigee_spectral_work(size_t count) { return count * LANES * GROUP; }

void perigee_spectral(
    int path, const float *matrix, size_t count, float *planes, size_t plane_stride, size_t row_stride, size_t rows,
    size_t columns, float *work) {
    kernels(path)->spectral(matrix, count, planes, plane_stride, row_stride, rows, columns, work);
}

void perigee_normalise(
    int path, int type, const void *samples, size_t count, float gain, float bias, float *values) {
    kernels(path)->normalise(type, samples, count, gain, bias, values);
}

uint32_t perigee_cut(int path, const float *values, size_t count, float scale, int32_t *integers) {
    return kernels(path)->cut(values, count, scale, integers);
}

void perigee_denormalise(
    int path, int type, const float *values, size_t count, const perigee_denormalisation *how, const uint8_t *mask,
    void *samples) {
    kernels(path)->denormalise(type, values, count, how, mask, samples);
}
