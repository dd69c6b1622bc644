/* What in vendor data is sound but looks like a mistake. */
#pragma once

#include <stdio.h>

#include "judge/intel.h"

/* Writes "file:line:1: warning: ..." and returns how many. */
unsigned intel_check(const struct intel *intel, FILE *warnings);
