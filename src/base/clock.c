#include "base/clock.h"

#include <assert.h>
#include <errno.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

#include "base/log.h"
#include "base/secret.h"

static int64_t read_clock(clockid_t id)
{
	struct timespec t;

	if (clock_gettime(id, &t) != 0)
		die("clock_gettime: %s", strerror(errno));
	return t.tv_sec * US_PER_S + t.tv_nsec / 1000;
}

static int64_t real_wall_us(void)
{
	return read_clock(CLOCK_REALTIME);
}

static int64_t real_mono_us(void)
{
	return read_clock(CLOCK_MONOTONIC);
}

int64_t thread_cpu_us(void)
{
	return read_clock(CLOCK_THREAD_CPUTIME_ID);
}

static void kernel_random(uint8_t *p, size_t n)
{
	while (n > 0) {
		ssize_t got = getrandom(p, n, 0);

		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			die("getrandom: %s", strerror(errno));
		p += got;
		n -= (size_t)got;
	}
}

/*
 * Ids and codes need a few bytes each, so a thread fetches some ahead. What has been given out is
 * wiped at once: nothing in memory tells past values.
 */
static void real_random(void *p, size_t n)
{
	static _Thread_local uint8_t stock[256];
	static _Thread_local size_t left;
	uint8_t *from;

	if (n > sizeof(stock) / 4) {
		kernel_random(p, n);
		return;
	}
	if (n > left) {
		kernel_random(stock, sizeof(stock));
		left = sizeof(stock);
	}
	left -= n;
	from = stock + left;
	memcpy(p, from, n);
	wipe(from, n);
}

const struct world world_real = {
	.wall_us = real_wall_us,
	.mono_us = real_mono_us,
	.random = real_random,
};

const struct world *world = &world_real;

uint32_t random_below(uint32_t n)
{
	uint32_t skip, x;

	assert(n > 0);
	/* 2^32 mod n: without that many values the rest divides evenly. */
	skip = -n % n;
	do {
		random_bytes(&x, sizeof(x));
	} while (x < skip);
	return x % n;
}

/*
 * The proleptic Gregorian calendar, counted in days from 0000-01-01, so that every number below is
 * positive. RFC 3339 has the years 0000 to 9999.
 */
#define DAYS_TO_1970 INT64_C(719528)
#define YEAR_MAX INT64_C(9999)

struct date {
	int64_t year, month, day;
};

static bool is_leap(int64_t year)
{
	return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
}

static int64_t days_before_year(int64_t year)
{
	return year * 365 + (year + 3) / 4 - (year + 99) / 100 + (year + 399) / 400;
}

static int64_t days_in_month(int64_t year, int64_t month)
{
	static const uint8_t days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };

	return days[month - 1] + (month == 2 && is_leap(year));
}

static int64_t days_from_date(struct date d)
{
	int64_t days = days_before_year(d.year) + d.day - 1;

	for (int64_t month = 1; month < d.month; month++)
		days += days_in_month(d.year, month);
	return days;
}

static struct date date_from_days(int64_t days)
{
	struct date d = { .year = days * 400 / days_before_year(400), .month = 1, .day = 1 };

	/* The quotient is the year, or its neighbour close to a new year. */
	while (days_before_year(d.year) > days)
		d.year--;
	while (days_before_year(d.year + 1) <= days)
		d.year++;
	days -= days_before_year(d.year);
	for (; days >= days_in_month(d.year, d.month); d.month++)
		days -= days_in_month(d.year, d.month);
	d.day += days;
	return d;
}

/* Microseconds since 0000-01-01; what RFC 3339 cannot write becomes the nearest it can. */
static int64_t since_year_0(int64_t wall_us)
{
	int64_t first = -DAYS_TO_1970 * US_PER_DAY;
	int64_t end = (days_before_year(YEAR_MAX + 1) - DAYS_TO_1970) * US_PER_DAY;

	if (wall_us < first)
		wall_us = first;
	if (wall_us >= end)
		wall_us = end - 1;
	return wall_us - first;
}

static char *put_digits(char *p, int64_t value, int width)
{
	for (int i = width - 1; i >= 0; i--) {
		p[i] = (char)('0' + value % 10);
		value /= 10;
	}
	return p + width;
}

static char *put_time_of_day(char *p, int64_t us)
{
	p = put_digits(p, us / US_PER_HOUR, 2);
	*p++ = ':';
	p = put_digits(p, us / US_PER_MIN % 60, 2);
	*p++ = ':';
	return put_digits(p, us / US_PER_S % 60, 2);
}

void time_format(int64_t wall_us, char out[TIME_TEXT_SIZE])
{
	int64_t us = since_year_0(wall_us);
	struct date d = date_from_days(us / US_PER_DAY);
	char *p = put_digits(out, d.year, 4);

	*p++ = '-';
	p = put_digits(p, d.month, 2);
	*p++ = '-';
	p = put_digits(p, d.day, 2);
	*p++ = 'T';
	p = put_time_of_day(p, us % US_PER_DAY);
	*p++ = '.';
	p = put_digits(p, us % US_PER_S, 6);
	*p++ = 'Z';
	*p = '\0';
}

void time_http(int64_t wall_us, char out[TIME_TEXT_SIZE])
{
	static const char weekdays[] = "SatSunMonTueWedThuFri"; /* 0000-01-01 was a Saturday */
	static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
	int64_t us = since_year_0(wall_us);
	struct date d = date_from_days(us / US_PER_DAY);
	char *p = out;

	p = mempcpy(p, weekdays + 3 * (us / US_PER_DAY % 7), 3);
	p = mempcpy(p, ", ", 2);
	p = put_digits(p, d.day, 2);
	*p++ = ' ';
	p = mempcpy(p, months + 3 * (d.month - 1), 3);
	*p++ = ' ';
	p = put_digits(p, d.year, 4);
	*p++ = ' ';
	p = put_time_of_day(p, us % US_PER_DAY);
	memcpy(p, " GMT", sizeof(" GMT"));
}

/* Cut @width digits off @s that make a number within [@min, @max]. */
static bool take_number(struct str *s, size_t width, int64_t min, int64_t max, int64_t *ret)
{
	struct str digits = str_upto(*s, width);
	int64_t n;

	if (digits.len < width || digits.ptr[0] == '-' || !str_to_i64(digits, &n))
		return false;
	*s = str_from(*s, width);
	*ret = n;
	return n >= min && n <= max;
}

static bool take_char(struct str *s, char c)
{
	if (s->len == 0 || s->ptr[0] != c)
		return false;
	*s = str_from(*s, 1);
	return true;
}

static bool take_date(struct str *s, int64_t *ret_days)
{
	struct date d;

	if (!take_number(s, 4, 0, YEAR_MAX, &d.year) || !take_char(s, '-') ||
	    !take_number(s, 2, 1, 12, &d.month) || !take_char(s, '-') ||
	    !take_number(s, 2, 1, days_in_month(d.year, d.month), &d.day))
		return false;
	*ret_days = days_from_date(d);
	return true;
}

/* ["." 1*DIGIT]; digits beyond the microsecond are dropped. */
static bool take_fraction(struct str *s, int64_t *ret_us)
{
	int64_t us = 0, unit = US_PER_S, digit;

	if (take_char(s, '.')) {
		if (!take_number(s, 1, 0, 9, &digit))
			return false;
		do {
			unit /= 10;
			us += digit * unit;
		} while (take_number(s, 1, 0, 9, &digit));
	}
	*ret_us = us;
	return true;
}

static bool take_offset(struct str *s, int64_t *ret_us)
{
	int64_t sign, hours, minutes;

	if (take_char(s, 'Z') || take_char(s, 'z')) {
		*ret_us = 0;
		return true;
	}
	if (take_char(s, '+'))
		sign = 1;
	else if (take_char(s, '-'))
		sign = -1;
	else
		return false;
	if (!take_number(s, 2, 0, 23, &hours) || !take_char(s, ':') ||
	    !take_number(s, 2, 0, 59, &minutes))
		return false;
	*ret_us = sign * (hours * US_PER_HOUR + minutes * US_PER_MIN);
	return true;
}

/* A leap second is the last of a UTC month; it counts as the first of the next, as in POSIX. */
static bool begins_month(int64_t us)
{
	return us >= 0 && us % US_PER_DAY < US_PER_S && date_from_days(us / US_PER_DAY).day == 1;
}

bool time_parse(const char *text, size_t len, int64_t *ret_us)
{
	struct str s = { text, len };
	int64_t days, hour, minute, second, fraction, offset, us;

	if (!take_date(&s, &days) || !(take_char(&s, 'T') || take_char(&s, 't')) ||
	    !take_number(&s, 2, 0, 23, &hour) || !take_char(&s, ':') ||
	    !take_number(&s, 2, 0, 59, &minute) || !take_char(&s, ':') ||
	    !take_number(&s, 2, 0, 60, &second) || !take_fraction(&s, &fraction) ||
	    !take_offset(&s, &offset) || s.len > 0)
		return false;
	us = days * US_PER_DAY + hour * US_PER_HOUR + minute * US_PER_MIN + second * US_PER_S +
	     fraction - offset;
	if (second == 60 && !begins_month(us))
		return false;
	*ret_us = us - DAYS_TO_1970 * US_PER_DAY;
	return true;
}
