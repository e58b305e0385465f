/* The pieces of the OpenAPI document. */
#ifndef API_OPENAPI_PRIV_H
#define API_OPENAPI_PRIV_H

#include "api/api_priv.h"

/** openapi_operation() - one row as an operation object. */
void openapi_operation(struct json_writer *w, const struct api *api, const struct route *route);
/** openapi_schema() - one component; @use decides what is required, write-only and null. */
void openapi_schema(struct json_writer *w, const struct schema *schema, enum schema_use use);
/** openapi_field() - one member's schema, with its description. */
void openapi_field(struct json_writer *w, const struct field *f, enum schema_use use);

#endif
