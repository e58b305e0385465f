#include "crypto/key_list.h"

#include <ctype.h>

#include "base/codec.h"

static struct str trim(struct str s)
{
	while (s.len > 0 && isspace((unsigned char)s.ptr[0]))
		s = str_from(s, 1);
	while (s.len > 0 && isspace((unsigned char)s.ptr[s.len - 1]))
		s.len--;
	return s;
}

/* Digits and a colon, whatever the number: "300:…" is a wrong id, not a bare text. */
static bool has_id(struct str entry)
{
	size_t digits = 0;

	while (digits < entry.len && isdigit((unsigned char)entry.ptr[digits]))
		digits++;
	return digits > 0 && digits < entry.len && entry.ptr[digits] == ':';
}

static const char *add(
    const struct key_list_rules *rules, struct key_list *list, int64_t id, struct str bytes)
{
	if (list->n == KEY_LIST_MAX)
		return rules->too_many;
	for (size_t i = 0; i < list->n; i++)
		if (list->entries[i].id == id)
			return rules->duplicate_id;
	if (bytes.len < rules->min_bytes)
		return rules->too_short;
	list->entries[list->n].id = (uint8_t)id;
	list->entries[list->n].bytes = secret_of(bytes);
	list->n++;
	return NULL;
}

static const char *add_entry(struct arena *arena, const struct key_list_rules *rules,
    struct str entry, struct key_list *list)
{
	ssize_t colon = str_find(entry, ':');
	struct str bytes;
	int64_t id;

	if (!has_id(entry) || !str_to_i64(str_upto(entry, (size_t)colon), &id) || id > UINT8_MAX)
		return rules->bad_id;
	if (!base64_decode(arena, str_from(entry, (size_t)colon + 1), &bytes))
		return rules->bad_base64;
	return add(rules, list, id, bytes);
}

static const char *add_bare(
    struct arena *arena, const struct key_list_rules *rules, struct str text, struct key_list *list)
{
	struct str bytes;

	if (base64_decode(arena, text, &bytes))
		return add(rules, list, 0, bytes);
	if (rules->bare_may_be_text)
		return add(rules, list, 0, str_dup(arena, text));
	return str_find(text, ':') >= 0 ? rules->bad_id : rules->bad_base64;
}

const char *key_list_parse(struct arena *arena, const struct key_list_rules *rules,
    struct secret setting, struct key_list *ret)
{
	struct str text = trim(secret_reveal(setting)), entry;
	struct key_list list = { 0 };
	const char *problem = NULL;

	if (str_empty(text))
		return rules->missing;
	if (!has_id(text))
		problem = add_bare(arena, rules, text, &list);
	else
		while (!problem && str_next_token(&text, ',', &entry))
			problem = add_entry(arena, rules, trim(entry), &list);
	if (!problem)
		*ret = list;
	return problem;
}
