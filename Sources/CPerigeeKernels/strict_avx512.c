// AVX-512; its foundation has fused operations, which -ffp-contract=off and the pragma in strict.h keep out.
#if defined(__x86_64__)
#include "strict.h"
#define NAME(x) perigee_##x##_avx512
#pragma clang attribute push(__attribute__((target("avx512f,avx512vl,avx512bw,avx512dq"))), apply_to = function)
#include "strict_body.h"
#pragma clang attribute pop
#endif
