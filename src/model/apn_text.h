/* APNs as people and exports write them: in any case, with the operator part, with a dot behind. Within the program an APN is its
 * network identifier in lower case (TS 23.003, 9.1), as the dissectors give it. */
#pragma once

#include <stdbool.h>

/* In place: lower case, without dots behind and without the operator identifier (.mncNNN.mccNNN.gprs, or with two digits of MNC). */
void apn_text_reduce(char *text);

/* The same; false when nothing is left, more than 100 characters, or one that no APN has. */
bool apn_text_check(char *text);
