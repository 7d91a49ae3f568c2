// Whatever every machine of this architecture has: SSE2, NEON.
#include "strict.h"
#define NAME(x) perigee_##x##_portable
#include "strict_body.h"
