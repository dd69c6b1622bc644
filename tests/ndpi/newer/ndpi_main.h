#include "ndpi_api.h"
