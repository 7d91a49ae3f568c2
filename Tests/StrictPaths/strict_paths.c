// Runs one path of the strict kernels on seeded input and prints a digest of the raw bits of each result.
// Usage: strict_paths list | strict_paths PATH [reference], with PATH as CPerigeeKernels.h numbers them; `reference` prints
// instead the hash of the reference that reference_vector.py writes to standard input.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "CPerigeeKernels.h"

typedef struct {
    size_t bands, rows, columns;
    int levels;
} shape;

static const shape shapes[] = {
    {1, 1, 1, 0}, {3, 1, 37, 1}, {3, 37, 1, 1}, {4, 5, 3, 2}, {12, 64, 64, 4}, {13, 100, 101, 5}, {7, 130, 75, 4}, {4, 257, 263, 6},
};

static uint64_t state;

/// xorshift64*.
static uint64_t next(void) {
    state ^= state >> 12;
    state ^= state << 25;
    state ^= state >> 27;
    return state * 0x2545F4914F6CDD1Dull;
}

/// From -range to range in 2^24 steps: exact in single precision where range is a power of two.
static float number(float range) { return ((float)(int32_t)(next() >> 40) - 8388608.0f) * (range / 8388608.0f); }

static void *room(size_t count, size_t size) {
    void *made = calloc(count ? count : 1, size);
    if (!made) exit(71);
    return made;
}

/// FNV-1a of 64 bits.
static void report(const char *what, const shape *s, const void *octets, size_t size) {
    uint64_t digest = 0xcbf29ce484222325ull;
    for (size_t i = 0; i < size; i++) digest = (digest ^ ((const uint8_t *)octets)[i]) * 0x100000001b3ull;
    printf("%zux%zux%zu %s %016llx\n", s->bands, s->rows, s->columns, what, (unsigned long long)digest);
}

static const size_t sizes[] = {1, 2, 2, 4, 4};
static const char *const types[] = {"uint8", "uint16", "int16", "int32", "float32"};

/// Samples of one type: noise, and for float32 noise of all magnitudes.
static void draw_samples(int type, void *samples, size_t count) {
    for (size_t i = 0; i < count; i++) {
        uint64_t bits = next();
        if (type == perigee_float32) ((float *)samples)[i] = number(i % 7 ? 4096.0f : 1e9f);
        else memcpy((uint8_t *)samples + i * sizes[type], &bits, sizes[type]);
    }
}

static void normalise(int path, const shape *s, float *planes, void *samples) {
    size_t count = s->bands * s->rows * s->columns;
    for (int type = perigee_uint8; type <= perigee_float32; type++) {
        draw_samples(type, samples, count);
        perigee_normalise(path, type, samples, count, 0.37109f, -31.7f, planes);
        char what[32];
        snprintf(what, sizeof what, "normalise-%s", types[type]);
        report(what, s, planes, count * sizeof *planes);
    }
}

/// What the encoder cuts coefficients to, at the ends of the range and for what is no number too.
static void cut(int path, const shape *s, float *planes, int32_t *integers) {
    size_t count = s->bands * s->rows * s->columns;
    for (size_t i = 0; i < count; i++) planes[i] = number(i % 13 ? 512.0f : 1e9f);
    planes[count / 2] = 0.0f / (float)(s->rows - s->rows);
    uint32_t all = perigee_cut(path, planes, count, 16.0f, integers);
    report("cut", s, integers, count * sizeof *integers);
    report("cut-all", s, &all, sizeof all);
}

/// The forward transform of references: fill, wavelet, spectral product.
static void forward(int path, const shape *s, float *planes, const float *matrix, float *work) {
    size_t area = s->rows * s->columns;
    uint8_t *mask = room(area, 1);
    for (size_t b = 0; b < s->bands; b++) {
        for (size_t i = 0; i < area; i++) {
            planes[b * area + i] = number(8192.0f);
            mask[i] = next() % 5 != 0;
        }
        perigee_fill(planes + b * area, mask, s->rows, s->columns, work);
        perigee_wavelet_forward(path, planes + b * area, s->rows, s->columns, s->columns, s->levels, work);
    }
    free(mask);
    report("wavelet-forward", s, planes, s->bands * area * sizeof *planes);
    perigee_spectral(path, matrix, s->bands, planes, area, s->columns, s->rows, s->columns, work);
    report("spectral", s, planes, s->bands * area * sizeof *planes);
}

/// The synthesis: spectral product, wavelet, and samples of every type.
static void synthesis(int path, const shape *s, float *planes, const float *matrix, float *work, void *samples) {
    size_t area = s->rows * s->columns, count = s->bands * area;
    for (size_t i = 0; i < count; i++) planes[i] = number(i % 11 ? 512.0f : 65536.0f);
    perigee_spectral(path, matrix, s->bands, planes, area, s->columns, s->rows, s->columns, work);
    for (size_t b = 0; b < s->bands; b++) {
        perigee_wavelet_inverse(path, planes + b * area, s->rows, s->columns, s->columns, s->levels, work);
    }
    report("wavelet-inverse", s, planes, count * sizeof *planes);
    uint8_t *mask = room(count, 1);
    for (size_t i = 0; i < count; i++) mask[i] = next() % 9 != 0;
    perigee_denormalisation how = {-31.7f, 2.69476f, 1, 7, 8, 7.0f, 8.0f};
    for (int type = perigee_uint8; type <= perigee_float32; type++) {
        memset(samples, 0, count * 4);
        perigee_denormalise(path, type, planes, count, &how, mask, samples);
        char what[32];
        snprintf(what, sizeof what, "denormalise-%s", types[type]);
        report(what, s, samples, count * sizes[type]);
    }
    free(mask);
}

static size_t greatest(size_t a, size_t b) { return a > b ? a : b; }

static void run(int path, const shape *s) {
    size_t count = s->bands * s->rows * s->columns;
    size_t need = greatest(perigee_fill_work(s->rows, s->columns), perigee_wavelet_work(s->rows, s->columns));
    float *work = room(greatest(need, perigee_spectral_work(s->bands)), sizeof(float));
    float *planes = room(count, sizeof(float)), *matrix = room(s->bands * s->bands, sizeof(float));
    void *samples = room(count, 4);
    state = 0x9E3779B97F4A7C15ull ^ (s->rows * 1000 + s->columns);
    for (size_t i = 0; i < s->bands * s->bands; i++) matrix[i] = number(1.0f);
    normalise(path, s, planes, samples);
    forward(path, s, planes, matrix, work);
    synthesis(path, s, planes, matrix, work, samples);
    cut(path, s, planes, samples);
    free(work);
    free(planes);
    free(matrix);
    free(samples);
}

static uint32_t crc32c(const uint8_t *octets, size_t size) {
    uint32_t value = 0xFFFFFFFF;
    for (size_t i = 0; i < size; i++) {
        value ^= octets[i];
        for (int bit = 0; bit < 8; bit++) value = value >> 1 ^ (value & 1 ? 0x82F63B78 : 0);
    }
    return ~value;
}

/// Values of the samples on standard input, filled, and their hash (Docs/packet-format.md, section 5.12). 0 and the hash go
/// out, 65 where the input is cut.
static int reference(int path) {
    size_t bands, rows, columns;
    float factor;
    if (scanf("%zu %zu %zu %f", &bands, &rows, &columns, &factor) != 4) return 65;
    size_t area = rows * columns;
    float *shifts = room(bands, sizeof *shifts), *planes = room(bands * area, sizeof *planes);
    float *work = room(perigee_fill_work(rows, columns), sizeof *work);
    uint16_t *samples = room(area, sizeof *samples);
    uint8_t *mask = room(area, 1);
    for (size_t b = 0; b < bands; b++) {
        if (scanf("%f", &shifts[b]) != 1) return 65;
    }
    for (size_t b = 0; b < bands; b++) {
        for (size_t i = 0; i < area; i++) {
            if (scanf("%hu", &samples[i]) != 1) return 65;
            mask[i] = samples[i] != 0;
        }
        perigee_normalise(path, perigee_uint16, samples, area, factor, shifts[b], planes + b * area);
        perigee_fill(planes + b * area, mask, rows, columns, work);
    }
    printf("%x\n", crc32c((const uint8_t *)planes, bands * area * sizeof *planes));
    free(shifts);
    free(planes);
    free(work);
    free(samples);
    free(mask);
    return 0;
}

int main(int count, char **arguments) {
    if (count == 2 && strcmp(arguments[1], "list") == 0) {
        for (int path = perigee_scalar; path <= perigee_avx512; path++) {
            if (perigee_has_path(path)) printf("%d\n", path);
        }
        return 0;
    }
    char *end = NULL;
    int isReference = count == 3 && strcmp(arguments[2], "reference") == 0;
    long path = count == 2 || isReference ? strtol(arguments[1], &end, 10) : -1;
    if (path < 0 || *end || end == arguments[1] || path > perigee_avx512) {
        fprintf(stderr, "usage: strict_paths list | strict_paths 0...%d [reference]\n", perigee_avx512);
        return 64;
    }
    if (!perigee_has_path((int)path)) {
        fprintf(stderr, "this processor cannot run path %ld: choose one that `list` prints\n", path);
        return 69;
    }
    if (isReference) return reference((int)path);
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++) run((int)path, &shapes[i]);
    return 0;
}
