/* How hard a password is to guess, and whether somebody has it already: found out on the lane. */
#include <zxcvbn.h>

#include "base/clock.h"
#include "service/password.h"

/*
 * zxcvbn takes time that grows with a power of the length (30 ms for 128 equal letters, 2 for 64).
 * What is hard to guess in part is hard to guess.
 */
#define PART_MAX 64
/* Of both parts, at worst. */
#define COST_US 5000
#define WORDS_MAX 4

struct strength {
	struct lane_job lane_job;
	struct secret password;
	char *head, *tail; /* of it, for zxcvbn */
	const char *words[WORDS_MAX + 1];
	const struct breach *breach; /* NULL: no list */
	double bits;
	bool breached;
};

/* Guesses as powers of two: 10^3, 10^6, 10^8 and 10^10, as zxcvbn's authors draw the lines. */
static const double bits_of_score[] = { 0, 9.97, 19.93, 26.58, 33.22 };

/* The list of zxcvbn ends at a NUL, like every C string; so would a password with one inside. */
static char *part(struct request *rq, struct secret password, size_t from)
{
	struct str text = str_upto(str_from(secret_reveal(password), from), PART_MAX);
	char *copy = arena_copy(rq->secrets, text.ptr, text.len);

	for (size_t i = 0; i < text.len; i++)
		if (!copy[i])
			copy[i] = ' ';
	return copy;
}

/* What others know of the person is a word to be guessed like "password". */
static void add_words(struct request *rq, const struct identifier *own, struct strength *s)
{
	size_t n = 0;

	if (!str_empty(rq->service->config.product))
		s->words[n++] = str_cstr(rq->arena, rq->service->config.product);
	if (!own)
		return;
	s->words[n++] = str_cstr(rq->arena, own->canonical);
	if (own->kind == IDENTIFIER_EMAIL) {
		size_t at = (size_t)str_find_last(own->canonical, '@');

		s->words[n++] = str_cstr(rq->arena, str_upto(own->canonical, at));
		s->words[n++] = str_cstr(rq->arena, str_from(own->canonical, at + 1));
	}
}

static bool step(struct lane_job *lane_job)
{
	struct strength *s = lane_job->state;
	double tail;

	s->breached = s->breach && breach_contains(s->breach, s->password);
	if (s->breached)
		return true;
	s->bits = ZxcvbnMatch(s->head, s->words, NULL);
	tail = s->tail ? ZxcvbnMatch(s->tail, s->words, NULL) : 0;
	if (tail > s->bits)
		s->bits = tail;
	return true;
}

enum err password_check_strength(struct request *rq, const struct password_wish *wish)
{
	static const struct lane_ops ops = { .step = step };
	const struct service *service = rq->service;
	double least = bits_of_score[service->config.password_min_score];
	struct secret password = password_normal(rq, wish->password);
	struct strength s = {
		.lane_job = {
			.ops = &ops,
			.cost_us = COST_US,
			.deadline_us = rq->deadline_us,
			.cancelled = &rq->cancelled,
		},
		.password = password,
		.breach = service->breach,
	};
	enum err e;

	if (least <= 0 && !s.breach)
		return OK;
	s.lane_job.state = &s;
	s.head = part(rq, password, 0);
	if (password.len > PART_MAX)
		s.tail = part(rq, password, password.len - PART_MAX);
	add_words(rq, wish->own, &s);
	e = rt_offload(service->hash_lane, &s.lane_job);
	if (e == ERR_OVERLOADED)
		rq->retry_after_us = lane_retry_after_us(service->hash_lane);
	if (e != OK || (!s.breached && s.bits >= least))
		return e;
	request_refuse_field(rq, wish->field,
	    s.breached ? TEXT_PASSWORD_BREACHED : TEXT_PASSWORD_GUESSABLE, NULL, 0);
	return fault(rq, ERR_PASSWORD_REJECTED, "weak");
}
