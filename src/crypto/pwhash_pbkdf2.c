/* pbkdf2_sha256$ITERATIONS$SALT$BASE64: Django's default, run in slices on the hash lane. */
#include "base/arena.h"
#include "base/clock.h"
#include "base/codec.h"
#include "crypto/pwhash_priv.h"

#define SLICE_PS (2000 * PS_PER_US)

/* --- speed --- */

/* The best of several runs, because whatever disturbs a run makes it longer. */
static int64_t measure_ps(const struct pbkdf2_kernel *kernel, uint32_t iterations)
{
	int64_t best_us = INT64_MAX;
	struct pbkdf2 s;

	for (int i = 0; i < 5; i++) {
		int64_t began_us, took_us;

		pbkdf2_begin(&s, secret_of(STR("password")), STR("salt"), iterations + 1);
		began_us = thread_cpu_us();
		pbkdf2_step(kernel, &s, iterations);
		took_us = thread_cpu_us() - began_us;
		if (took_us < best_us)
			best_us = took_us;
	}
	return best_us > 0 ? best_us * PS_PER_US / iterations : 1;
}

bool pwhash_engine_init(struct pwhash_engine *engine)
{
	int64_t slice;

	engine->kernel = pbkdf2_choose();
	if (!engine->kernel)
		return false;
	engine->ps_per_iteration = measure_ps(engine->kernel, 10000);
	slice = SLICE_PS / engine->ps_per_iteration;
	engine->slice = slice < 100 ? 100 : slice > 100000 ? 100000 : (uint32_t)slice;
	return true;
}

static int64_t time_of(const struct pwhash_engine *engine, uint32_t iterations)
{
	return engine->ps_per_iteration * iterations / PS_PER_US + 1;
}

static int64_t cost_us(const struct pwhash_engine *engine, const struct pwhash_params *params)
{
	return time_of(engine, params->cost);
}

/* --- encoded form --- */

static bool in_bounds(const struct pwhash_params *params)
{
	return params->cost >= 1 && params->cost <= PBKDF2_MAX_ITERATIONS;
}

static bool parse(struct arena *arena, struct str fields, struct pwhash_params *ret)
{
	struct str iterations;

	if (!str_next_token(&fields, '$', &iterations) ||
	    !str_next_token(&fields, '$', &ret->salt) || ret->salt.len > PWHASH_MAX_SALT)
		return false;
	return pwhash_number(iterations, PBKDF2_MAX_ITERATIONS, &ret->cost) &&
	       base64_decode(arena, fields, &ret->digest) && ret->digest.len == SHA256_SIZE;
}

static struct str write(struct arena *arena, const struct pwhash_params *params)
{
	return str_printf(arena, "pbkdf2_sha256$%u$%.*s$%.*s", params->cost, STR_ARG(params->salt),
	    STR_ARG(base64_encode(arena, params->digest)));
}

/* --- a hash on the lane --- */

struct pbkdf2_job {
	struct lane_job lane_job;
	const struct pwhash_work *work;
	struct pbkdf2 state;
	bool begun, has_key;
	uint8_t key[SHA256_SIZE];
};

static struct pbkdf2_job *begun(struct lane_job *lane_job)
{
	struct pbkdf2_job *job = lane_job->state;
	const struct pwhash_work *work = job->work;

	if (!job->begun)
		pbkdf2_begin(&job->state, work->password, work->params->salt, work->params->cost);
	job->begun = true;
	return job;
}

/* Is it over? With the key taken out, the same state serves for the iterations that only fill. */
static bool settle(struct pbkdf2_job *job)
{
	const struct pwhash_work *work = job->work;

	if (job->state.remaining == 0 && !job->has_key) {
		pbkdf2_result(&job->state, job->key);
		job->has_key = true;
		if (work->least > work->params->cost)
			job->state.remaining = work->least - work->params->cost;
	}
	return job->state.remaining == 0;
}

static bool step(struct lane_job *lane_job)
{
	struct pbkdf2_job *job = begun(lane_job);
	const struct pwhash_engine *engine = job->work->engine;

	pbkdf2_step(engine->kernel, &job->state, engine->slice);
	return settle(job);
}

static void step_pair(struct lane_job *lane_a, struct lane_job *lane_b)
{
	struct pbkdf2_job *a = begun(lane_a), *b = begun(lane_b);
	const struct pwhash_engine *engine = a->work->engine;

	pbkdf2_step_pair(engine->kernel, &a->state, &b->state, engine->slice);
	lane_a->finished = settle(a);
	lane_b->finished = settle(b);
}

static void done(struct lane_job *lane_job)
{
	struct pbkdf2_job *job = lane_job->state;

	wipe(&job->state, sizeof(job->state));
}

static const struct lane_ops single = { .step = step, .done = done };
static const struct lane_ops pairing = { .step = step, .step_pair = step_pair, .done = done };

enum err pwhash_derive_pbkdf2(const struct pwhash_work *work, uint8_t *ret_digest)
{
	uint32_t least = work->least, cost = work->params->cost;
	struct pbkdf2_job job = {
		.lane_job = {
			.ops = work->engine->kernel->run_pair ? &pairing : &single,
			.cost_us = time_of(work->engine, least > cost ? least : cost),
			.deadline_us = work->caller->deadline_us,
			.cancelled = work->caller->cancelled,
		},
		.work = work,
	};
	enum err r;

	job.lane_job.state = &job;
	r = rt_offload(work->lane, &job.lane_job);
	if (r == OK)
		memcpy(ret_digest, job.key, sizeof(job.key));
	wipe(&job, sizeof(job));
	return r;
}

const struct pwhash_format pwhash_pbkdf2_sha256 = {
	.name = STR_INIT("pbkdf2_sha256"),
	.digest_size = SHA256_SIZE,
	.parse = parse,
	.write = write,
	.in_bounds = in_bounds,
	.cost_us = cost_us,
	.derive = pwhash_derive_pbkdf2,
};
