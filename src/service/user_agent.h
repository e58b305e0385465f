/* What a browser calls itself, in words its owner recognises. */
#ifndef SERVICE_USER_AGENT_H
#define SERVICE_USER_AGENT_H

#include "base/str.h"

struct arena;

/** user_agent_name() - "Firefox on Windows", "curl", "Unknown device"; in @arena or static. */
struct str user_agent_name(struct arena *arena, struct str user_agent);

#endif
