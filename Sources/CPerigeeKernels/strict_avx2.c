// AVX2 without FMA: the target does not even name it, so nothing can be fused.
#if defined(__x86_64__)
#include "strict.h"
#define NAME(x) perigee_##x##_avx2
#pragma clang attribute push(__attribute__((target("avx2"))), apply_to = function)
#include "strict_body.h"
#pragma clang attribute pop
#endif
