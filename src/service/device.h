/*
 * Known devices. Signing in returns a sealed token that names the identifier it was given for;
 * shown again, it gives its holder a budget of attempts of their own, so that somebody else's
 * guesses lock nobody out of a device they have used before.
 */
#ifndef SERVICE_DEVICE_H
#define SERVICE_DEVICE_H

#include "service/service.h"

/** device_token_new() - for the person behind @subject_index; in rq->secrets. */
struct secret device_token_new(struct request *rq, struct str subject_index);
/**
 * device_known() - does the request's X-Cloakroom-Device belong to this identifier?
 * @indexes:    the identifier's blind indexes, @n of them: keys rotate, devices stay known
 * @ret_device: on true: 16 bytes that tell this device from others
 */
bool device_known(struct request *rq, const struct str *indexes, size_t n, struct str *ret_device);
/** device_id_hash() - stored form of X-Device-ID; STR_NULL when none was sent. */
struct str device_id_hash(struct request *rq);
/**
 * device_fingerprint() - stored form of what tells a person's devices apart: X-Device-ID, or else
 * the user agent; never empty
 */
struct str device_fingerprint(struct request *rq);

#endif
