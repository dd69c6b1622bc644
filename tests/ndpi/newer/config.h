/* What configure finds with nDPI 5.x, by the table of prototypes that this project's facts collected. */
#define NDPI_HAS_INPUT_INFO 1
#define NDPI_RESULT_HAS_PROTO 1
#define NDPI_RESULT_HAS_STATE 1
#define NDPI_HAS_CONFIDENCE_DPI_CACHE 1
#define NDPI_HAS_CONFIDENCE_DPI_PARTIAL 1
#define NDPI_HAS_CONFIDENCE_DPI_PARTIAL_CACHE 1
#define HAVE_NDPI_SET_CONFIG 1
