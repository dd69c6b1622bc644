#include "deliver/eve_signature.h"

#include <stddef.h>
#include <string.h>

#define DESTINATION "Unexpected destination"
#define ACCESS "Inbound access"
#define UPDATE "Firmware or software update"
#define DEVICE "Vulnerable device"
#define LOCATION "Device location"
#define IDENTITY "Device identity"
#define GTP "Mobile core signalling"
#define FLEET "Fleet behaviour"
#define VOLUME "Unusual volume"
#define SENSOR "Sensor health"

/* One thousand numbers a family, from 1001001. Append within a family. */
static const struct eve_signature signatures[] = {
        {"destination.unlisted", 1001001, 1, "APNWATCH destination that the fleet's policy does not allow", DESTINATION},
        {"destination.new", 1001002, 1, "APNWATCH destination that the fleet had not used before", DESTINATION},
        {"destination.blocked", 1001003, 1, "APNWATCH destination that policy or an indicator denies", DESTINATION},
        {"destination.beacon", 1001004, 1, "APNWATCH regular contact with an unlisted destination", DESTINATION},
        {"destination.lateral", 1001005, 1, "APNWATCH device to device traffic", DESTINATION},
        {"destination.scan", 1001006, 1, "APNWATCH scan by a device", DESTINATION},
        {"destination.dns_tunnel", 1001007, 1, "APNWATCH data carried in DNS names", DESTINATION},
        {"destination.dns_stranger", 1001008, 1, "APNWATCH DNS resolver that is not listed", DESTINATION},
        {"destination.dga", 1001009, 1, "APNWATCH generated DNS names", DESTINATION},
        {"access.inbound", 1002001, 1, "APNWATCH stranger opens a flow to a device", ACCESS},
        {"update.pull", 1003001, 1, "APNWATCH update pulled or pushed", UPDATE},
        {"update.unauthorised", 1003002, 1, "APNWATCH update from a source that policy does not name", UPDATE},
        {"update.out_of_window", 1003003, 1, "APNWATCH update outside its window", UPDATE},
        {"update.rate", 1003004, 1, "APNWATCH updates faster than policy allows", UPDATE},
        {"update.campaign", 1003005, 1, "APNWATCH update campaign", UPDATE},
        {"update.insecure", 1003006, 1, "APNWATCH update image in clear or over obsolete TLS", UPDATE},
        {"update.changed", 1003007, 1, "APNWATCH update image changed under the same name", UPDATE},
        {"update.command", 1003008, 1, "APNWATCH remote management changes a device", UPDATE},
        {"device.advisory", 1004001, 1, "APNWATCH version that an advisory names", DEVICE},
        {"location.report", 1005001, 1, "APNWATCH position or cell leaves the device readable", LOCATION},
        {"location.lookup", 1005002, 1, "APNWATCH locator or assistance service asked", LOCATION},
        {"location.on_move", 1005003, 1, "APNWATCH contact follows the device's moves", LOCATION},
        {"identity.imei_change", 1006001, 1, "APNWATCH SIM in another device", IDENTITY},
        {"identity.imei_clone", 1006002, 1, "APNWATCH one IMEI live in two places", IDENTITY},
        {"identity.unknown_device", 1006003, 1, "APNWATCH device that nobody listed", IDENTITY},
        {"identity.retired_active", 1006004, 1, "APNWATCH retired device active", IDENTITY},
        {"identity.relocated", 1006005, 1, "APNWATCH static device elsewhere", IDENTITY},
        {"identity.disclosed", 1006006, 1, "APNWATCH identity sent in clear", IDENTITY},
        {"gtp.spoofed_source", 1007001, 1, "APNWATCH inner source is not the session's", GTP},
        {"gtp.nested", 1007002, 1, "APNWATCH GTP within GTP", GTP},
        {"gtp.unknown_teid", 1007003, 1, "APNWATCH tunnels that nobody set up", GTP},
        {"gtp.signalling", 1007004, 1, "APNWATCH control plane from the device side", GTP},
        {"fleet.silence", 1008001, 1, "APNWATCH devices became unreachable together", FLEET},
        {"fleet.drift", 1008002, 1, "APNWATCH behaviour of a cohort changed", FLEET},
        {"fleet.storm", 1008003, 1, "APNWATCH attach or reboot loops of many", FLEET},
        {"volume.exfiltration", 1009001, 1, "APNWATCH far more data sent than ever", VOLUME},
        {"volume.flood", 1009002, 1, "APNWATCH flood", VOLUME},
        {"sensor.loss", 1010001, 1, "APNWATCH sensor loses packets", SENSOR},
        {"sensor.stall", 1010002, 1, "APNWATCH sensor sees no packets", SENSOR},
        {"sensor.crash", 1010003, 1, "APNWATCH worker died", SENSOR},
        {"sensor.blind", 1010004, 1, "APNWATCH fleet that cannot be read", SENSOR},
};

const struct eve_signature *eve_signature_of(const char *type)
{
        static const struct eve_signature other = {"", 1000001, 1, "APNWATCH alert", "Other"};
        for (size_t i = 0; type && i < sizeof signatures / sizeof *signatures; i++)
                if (strcmp(signatures[i].type, type) == 0)
                        return &signatures[i];
        return &other;
}
