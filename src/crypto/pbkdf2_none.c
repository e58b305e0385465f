/* For machines without a kernel of their own. */
#include "crypto/pbkdf2.h"

const struct pbkdf2_kernel *pbkdf2_sha(void)
{
	return NULL;
}
