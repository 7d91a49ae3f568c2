#include "CPerigeeKernels.h"
