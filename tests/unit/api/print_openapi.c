/* print_openapi STYLE v1|v2: the document as a server with that errors.style would serve it. */
#include "api/api.h"

int main(int argc, char **argv)
{
	struct api_config config = { .errors = ERRORS_ENVELOPE };
	struct api *api;
	struct str text;

	if (argc != 3)
		return 2;
	if (strcmp(argv[1], "drf") == 0)
		config.errors = ERRORS_DRF;
	else if (strcmp(argv[1], "problem") == 0)
		config.errors = ERRORS_PROBLEM;
	api = api_new(&config, NULL, NULL);
	text = api_openapi(api, argv[2][1] - '0');
	fwrite(text.ptr, 1, text.len, stdout);
	api_free(&api);
	return text.len > 0 ? 0 : 1;
}
