/* Runs a fuzz target once over every file of the directories named: no fuzzing, any compiler. */
#include <dirent.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

#include "tests/fuzz/fuzz.h"

#define INPUT_MAX (1 << 20)

static bool replay_file(const char *path)
{
	static uint8_t data[INPUT_MAX];
	FILE *f = fopen(path, "rb");
	uint8_t *exact;
	size_t size;

	if (!f)
		return false;
	size = fread(data, 1, sizeof(data), f);
	fclose(f);
	/* No byte more than the input, so that a sanitizer sees a read past its end. */
	exact = malloc(size ? size : 1);
	if (!exact)
		return false;
	memcpy(exact, data, size);
	printf("%s\n", path);
	fflush(stdout);
	(void)LLVMFuzzerTestOneInput(exact, size);
	free(exact);
	return true;
}

int main(int argc, char **argv)
{
	unsigned files = 0;

	for (int i = 1; i < argc; i++) {
		DIR *dir = opendir(argv[i]);
		struct dirent *entry;

		while (dir && (entry = readdir(dir))) {
			char path[4096];

			if (entry->d_name[0] == '.')
				continue;
			snprintf(path, sizeof(path), "%s/%s", argv[i], entry->d_name);
			if (!replay_file(path)) {
				fprintf(stderr, "cannot read %s\n", path);
				return 1;
			}
			files++;
		}
		if (dir)
			closedir(dir);
	}
	printf("%u inputs\n", files);
	return files ? 0 : 1;
}
