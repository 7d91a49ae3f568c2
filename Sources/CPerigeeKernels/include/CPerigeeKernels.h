// Kernels of the codec: plain C11 on pointers and counts, no allocation, no globals. Everything here is strict
// (Docs/packet-format.md, "Strict arithmetic"): each path gives the same bits.
#pragma once
#include <stddef.h>
#include <stdint.h>

/// The instruction sets that the strict kernels are compiled for; `perigee_scalar` is the plain reference.
enum {
    perigee_scalar = 0,
    perigee_portable = 1,
    perigee_avx2 = 2,
    perigee_avx512 = 3,
};

/// The fastest path of this machine.
int perigee_best_path(void);
/// 1 where this machine can run `path`.
int perigee_has_path(int path);

/// Floats that `perigee_wavelet_*` need as `work`.
size_t perigee_wavelet_work(size_t rows, size_t columns);
/// Forward wavelet of one plane in place, `stride` floats from row to row.
void perigee_wavelet_forward(
    int path, float *plane, size_t rows, size_t columns, size_t stride, int levels, float *work);
/// Inverse of `perigee_wavelet_forward`.
void perigee_wavelet_inverse(
    int path, float *plane, size_t rows, size_t columns, size_t stride, int levels, float *work);

/// Floats that `perigee_spectral` needs as `work`.
size_t perigee_spectral_work(size_t count);
/// In place: plane k becomes the sum over b, in order, of matrix[k * count + b] * plane b, on a rectangle whose upper
/// left sample of plane 0 is `planes`.
void perigee_spectral(
    int path, const float *matrix, size_t count, float *planes, size_t plane_stride, size_t row_stride, size_t rows,
    size_t columns, float *work);

/// Sample types, numbered as in the packet format.
enum { perigee_uint8 = 0, perigee_uint16 = 1, perigee_int16 = 2, perigee_int32 = 3, perigee_float32 = 4 };

/// Limit of normalised values.
#define PERIGEE_VALUE_LIMIT 1048576.0f

/// values[i] = samples[i] * gain + bias, clipped to the limit. NaN stays NaN.
void perigee_normalise(
    int path, int type, const void *samples, size_t count, float gain, float bias, float *values);

/// Greatest single below 2^25: magnitudes of integers end here.
#define PERIGEE_CUT_LIMIT 33554430.0f

/// integers[i] = values[i] * scale, clipped to the limit and cut towards zero; NaN gives 0. Gives all magnitudes, or-ed.
uint32_t perigee_cut(int path, const float *values, size_t count, float scale, int32_t *integers);

/// How values become samples again.
typedef struct {
    float bias;
    float inverse_gain;
    /// 1 where `nodata` is a value of the type that valid samples must not take; they take `substitute` instead.
    int has_nodata;
    int32_t nodata_integer, substitute_integer;
    float nodata_float, substitute_float;
} perigee_denormalisation;

/// samples[i] = round((values[i] - bias) * inverse_gain), clipped to the type; where `mask` is not null and 0 the nodata
/// value. Unaligned samples are fine.
void perigee_denormalise(
    int path, int type, const float *values, size_t count, const perigee_denormalisation *how, const uint8_t *mask,
    void *samples);

/// What a scan of samples found.
typedef struct {
    size_t invalid;
    size_t infinite;
} perigee_scan;

/// Counts invalid samples (equal to nodata, or NaN), and infinite ones that are not nodata; writes 1 (valid) or 0 to
/// `mask` unless it is null.
perigee_scan perigee_validity(
    int type, const void *samples, size_t count, int has_nodata, int32_t nodata_integer, float nodata_float,
    uint8_t *mask);

/// Floats that `perigee_fill` needs as `work`.
size_t perigee_fill_work(size_t rows, size_t columns);
/// Fills invalid values (mask 0) of one plane by the pyramid of the packet format, section 5.1.
void perigee_fill(float *plane, const uint8_t *mask, size_t rows, size_t columns, float *work);
