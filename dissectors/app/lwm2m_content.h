/* What LwM2M's object 3, Device, says of its maker, in any of the encodings that answers and Send have (OMA LwM2M 1.0 to 1.2, Core,
 * 7.4): plain text, TLV, JSON, SenML JSON (RFC 8428), SenML CBOR, LwM2M CBOR, CBOR. Pure. */
#pragma once

#include "dissectors/dissector.h"

enum { LWM2M_IDS = 4, LWM2M_TEXTS = 4 };
enum { LWM2M_MANUFACTURER, LWM2M_MODEL, LWM2M_SERIAL, LWM2M_FIRMWARE }; /* resources of /3/0 */

struct lwm2m_path {
        uint16_t ids[LWM2M_IDS];
        uint8_t count; /* 0: the root */
};

struct lwm2m_device {
        struct cursor texts[LWM2M_TEXTS]; /* by resource, as on the wire; empty: not said */
        unsigned found;
};

/* "/3/0/1", "3/0", "/". False: it is no path of numbers. */
bool lwm2m_path_parse(struct cursor text, struct lwm2m_path *out);

/* Would an answer for this path hold such a resource? */
bool lwm2m_path_leads(const struct lwm2m_path *path);

/* `format` is the Content-Format, -1 none. `asked` is the path that was asked for, NULL when that was not seen: then only encodings that
 * name paths are read. Of what is cut the whole parts are taken. NO_MATCH: an encoding that is not read here, or nothing found. */
enum dissect_result lwm2m_content_parse(int format, const struct lwm2m_path *asked, struct cursor payload, struct lwm2m_device *out);

/* Of lwm2m_content_parse: a text of the resource at this path, kept when it is one of the four and the first. */
void lwm2m_device_take(struct lwm2m_device *device, const struct lwm2m_path *path, struct cursor text);
void lwm2m_senml_cbor_read(struct cursor payload, const struct lwm2m_path *asked, struct lwm2m_device *out);
void lwm2m_cbor_read(struct cursor payload, const struct lwm2m_path *asked, struct lwm2m_device *out);
/* Base name and name of a record together (RFC 8428, 4.5.1); relative ones below `asked`. */
bool lwm2m_senml_path(struct cursor base, struct cursor name, const struct lwm2m_path *asked, struct lwm2m_path *out);
