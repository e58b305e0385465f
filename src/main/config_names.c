#include "main/config_table.h"

int setting_find(struct str name)
{
	for (int i = 0; settings[i].name; i++)
		if (str_eq(name, str_of(settings[i].name)))
			return i;
	return -1;
}

struct str setting_variable(struct arena *arena, const struct setting *s)
{
	struct str name = str_of(s->name);
	char *p = arena_copy(arena, name.ptr, name.len);

	for (size_t i = 0; i < name.len; i++) {
		if (p[i] == '.')
			p[i] = '_';
		else if (p[i] >= 'a' && p[i] <= 'z')
			p[i] = (char)(p[i] - 'a' + 'A');
	}
	return str_printf(arena, "CLOAKROOM_%s", p);
}

static bool same_letter(char a, char b)
{
	return a == b || ((a == '.' || a == '_') && (b == '.' || b == '_'));
}

/* Levenshtein's distance, in one row; names longer than the row are far from everything. */
static size_t distance(struct str a, struct str b)
{
	size_t row[64];

	if (b.len >= ARRAY_LEN(row))
		return SIZE_MAX;
	for (size_t j = 0; j <= b.len; j++)
		row[j] = j;
	for (size_t i = 0; i < a.len; i++) {
		size_t diagonal = row[0];

		row[0] = i + 1;
		for (size_t j = 0; j < b.len; j++) {
			size_t replace = diagonal + !same_letter(a.ptr[i], b.ptr[j]);
			size_t insert = row[j] + 1, remove = row[j + 1] + 1;

			diagonal = row[j + 1];
			row[j + 1] = replace < insert ? replace : insert;
			if (remove < row[j + 1])
				row[j + 1] = remove;
		}
	}
	return row[b.len];
}

const char *setting_nearest(struct str name)
{
	const char *best = NULL;
	size_t least = name.len / 3 + 1;

	for (const struct setting *s = settings; s->name; s++) {
		size_t d = distance(name, str_of(s->name));

		if (d <= least) {
			least = d;
			best = s->name;
		}
	}
	return best;
}
