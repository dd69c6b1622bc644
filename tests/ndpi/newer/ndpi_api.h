/* The prototypes of nDPI 5.x that the classifier uses, so that its branches for newer releases compile where only 4.2 is. Not
 * nDPI's own header, and no test of nDPI: of 4.4 to 5.x none is at hand. */
#pragma once

#include <netinet/in.h>
#include <stdint.h>
#include <sys/types.h>

#define NDPI_PROTOCOL_UNKNOWN 0
#define NDPI_IN_PKT_DIR_C_TO_S 1
#define NDPI_IN_PKT_DIR_S_TO_C 2

typedef enum {
        NDPI_CONFIDENCE_UNKNOWN, NDPI_CONFIDENCE_MATCH_BY_PORT, NDPI_CONFIDENCE_DPI_PARTIAL, NDPI_CONFIDENCE_DPI_PARTIAL_CACHE,
        NDPI_CONFIDENCE_DPI_CACHE, NDPI_CONFIDENCE_DPI, NDPI_CONFIDENCE_MATCH_BY_IP
} ndpi_confidence_t;

typedef struct { u_int16_t master_protocol, app_protocol; } ndpi_master_app_protocol;
typedef struct { ndpi_master_app_protocol proto; int state; } ndpi_protocol;
typedef struct { u_int16_t protocol_id; } ndpi_protocol_match_result;
struct ndpi_flow_input_info { unsigned char in_pkt_dir, seen_flow_beginning; };
struct ndpi_detection_module_struct;
struct ndpi_global_context;
struct ndpi_flow_struct { ndpi_confidence_t confidence; int (*extra_packets_func)(void); };

struct ndpi_detection_module_struct *ndpi_init_detection_module(struct ndpi_global_context *context);
int ndpi_finalize_initialization(struct ndpi_detection_module_struct *module);
void ndpi_exit_detection_module(struct ndpi_detection_module_struct *module);
u_int32_t ndpi_detection_get_sizeof_ndpi_flow_struct(void);
void ndpi_free_flow_data(struct ndpi_flow_struct *flow);
ndpi_protocol ndpi_detection_process_packet(struct ndpi_detection_module_struct *module, struct ndpi_flow_struct *flow,
                                            const unsigned char *packet, unsigned short length, u_int64_t time_ms,
                                            struct ndpi_flow_input_info *info);
ndpi_protocol ndpi_detection_giveup(struct ndpi_detection_module_struct *module, struct ndpi_flow_struct *flow);
char *ndpi_get_proto_name(struct ndpi_detection_module_struct *module, u_int16_t protocol);
u_int16_t ndpi_match_string_subprotocol(struct ndpi_detection_module_struct *module, char *text, u_int length,
                                        ndpi_protocol_match_result *result);
char *ndpi_revision(void);
