#include "service/user_agent.h"

#include "base/arena.h"

struct mark {
	const char *needle, *name;
};

/* Browsers name those they want to be taken for as well: the first that is found is the truth. */
static const struct mark browsers[] = {
	{ "Edg", "Edge" },
	{ "OPR/", "Opera" },
	{ "SamsungBrowser", "Samsung Internet" },
	{ "Vivaldi", "Vivaldi" },
	{ "FxiOS", "Firefox" },
	{ "Firefox/", "Firefox" },
	{ "CriOS", "Chrome" },
	{ "Chrome/", "Chrome" },
	{ "Safari/", "Safari" },
	{ "okhttp", "Android app" },
	{ "CFNetwork", "iOS app" },
	{ "Dart/", "Mobile app" },
	{ "curl/", "curl" },
	{ "python-requests", "Python" },
	{ "Python-urllib", "Python" },
	{ "node", "Node.js" },
};

static const struct mark systems[] = {
	{ "iPhone", "iPhone" },
	{ "iPad", "iPad" },
	{ "Android", "Android" },
	{ "CrOS", "ChromeOS" },
	{ "Windows", "Windows" },
	{ "Macintosh", "macOS" },
	{ "Linux", "Linux" },
};

static const char *find(const struct mark *marks, size_t n, struct str s)
{
	for (size_t i = 0; i < n; i++)
		if (s.len > 0 && memmem(s.ptr, s.len, marks[i].needle, strlen(marks[i].needle)))
			return marks[i].name;
	return NULL;
}

struct str user_agent_name(struct arena *arena, struct str user_agent)
{
	const char *browser = find(browsers, ARRAY_LEN(browsers), user_agent);
	const char *system = find(systems, ARRAY_LEN(systems), user_agent);

	if (browser && system)
		return str_printf(arena, "%s on %s", browser, system);
	if (browser || system)
		return str_of(browser ? browser : system);
	return STR("Unknown device");
}
