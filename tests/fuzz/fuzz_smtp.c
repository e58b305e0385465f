/* What is kept of a mail server's reply is a code of three digits and digits with dots. */
#include <stdlib.h>

#include "net/smtp_dialogue.h"
#include "tests/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str rest = str_bytes(data, size), line;
	struct smtp_reply reply = { 0 };

	while (str_next_token(&rest, '\n', &line)) {
		bool last = smtp_reply_line(&reply, line);

		if (reply.code < 0 || reply.code > 999 || reply.status_len > sizeof(reply.status))
			abort();
		if (last && (line.len < 3 || (line.len > 3 && line.ptr[3] == '-')))
			abort();
		for (size_t i = 0; i < reply.status_len; i++)
			if (reply.status[i] != '.' &&
			    (reply.status[i] < '0' || reply.status[i] > '9'))
				abort();
	}
	return 0;
}
