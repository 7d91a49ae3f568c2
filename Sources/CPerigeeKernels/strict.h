// What the copies of the strict kernels share.
#pragma once
#include <math.h>
#include <string.h>

#include "CPerigeeKernels.h"

#pragma STDC FP_CONTRACT OFF

// Lifting steps and scaling of the 9/7 wavelet (Docs/packet-format.md, section 5.2).
#define ALPHA ((float)-1.586134342059924)
#define BETA ((float)-0.052980118572961)
#define GAMMA ((float)0.882911075530934)
#define DELTA ((float)0.443506852043971)
#define KAPPA ((float)1.1496043988602411)
#define RHO ((float)0.8698644516247813)

/// Columns of a vertical strip: two cache lines.
#define STRIP 32
/// Floats of a vector and vectors of a step in the spectral product.
#define LANES 16
#define GROUP 2

/// One compiled copy.
typedef struct {
    void (*level_forward)(float *, size_t, size_t, size_t, float *);
    void (*level_inverse)(float *, size_t, size_t, size_t, float *);
    void (*spectral)(const float *, size_t, float *, size_t, size_t, size_t, size_t, float *);
    void (*normalise)(int, const void *, size_t, float, float, float *);
    uint32_t (*cut)(const float *, size_t, float, int32_t *);
    void (*denormalise)(int, const float *, size_t, const perigee_denormalisation *, const uint8_t *, void *);
} perigee_kernels;

extern const perigee_kernels perigee_kernels_scalar, perigee_kernels_portable;
#if defined(__x86_64__)
extern const perigee_kernels perigee_kernels_avx2, perigee_kernels_avx512;
#endif
