/* What a run found, for people, in 80 columns. */
#pragma once

#include <stdio.h>

struct judge_report;

void summary_text_print(const struct judge_report *report, FILE *out);
