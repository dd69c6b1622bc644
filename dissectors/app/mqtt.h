/* MQTT on any TCP port; see mqtt.c. */
#pragma once

#include "dissectors/dissector.h"

extern const struct dissector mqtt_dissector;
