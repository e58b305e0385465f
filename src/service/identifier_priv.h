/* Between identifier.c and the two kinds. */
#ifndef SERVICE_IDENTIFIER_PRIV_H
#define SERVICE_IDENTIFIER_PRIV_H

#include "base/str.h"

/** email_parse() - check @text; true with the canonical spelling in @arena. */
bool email_parse(struct arena *arena, struct str text, struct str *ret_canonical);

#endif
