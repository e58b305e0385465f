/* Hashes that cannot be put down in between: one step of the lane, then what is left to fill. */
#include "base/clock.h"
#include "crypto/pwhash_priv.h"

struct whole_job {
	struct lane_job lane_job;
	const struct pwhash_work *work;
	bool computed, failed;
	uint8_t digest[PWHASH_MAX_DIGEST];
	struct pbkdf2 filler; /* of nothing: only its time counts */
};

/*
 * How many iterations are left of what every hash takes at least. What the hash took is measured,
 * not estimated: in the thread's own CPU time, which other threads' work does not lengthen.
 */
static uint32_t left_to_fill(const struct pwhash_work *work, int64_t spent_us)
{
	int64_t spent = spent_us * PS_PER_US / work->engine->ps_per_iteration;

	return spent < work->least ? work->least - (uint32_t)spent : 0;
}

static void compute(struct whole_job *job)
{
	const struct pwhash_work *work = job->work;
	int64_t began_us = thread_cpu_us();

	job->failed = !work->params->format->compute(work->params, work->password, job->digest);
	job->computed = true;
	pbkdf2_begin(&job->filler, secret_of(STR("")), STR(""), 1);
	job->filler.remaining = left_to_fill(work, thread_cpu_us() - began_us);
}

static bool step(struct lane_job *lane_job)
{
	struct whole_job *job = lane_job->state;
	const struct pwhash_engine *engine = job->work->engine;

	if (!job->computed)
		compute(job);
	else
		pbkdf2_step(engine->kernel, &job->filler, engine->slice);
	return job->filler.remaining == 0;
}

enum err pwhash_derive_whole(const struct pwhash_work *work, uint8_t *ret_digest)
{
	static const struct lane_ops ops = { .step = step };
	const struct pwhash_params *params = work->params;
	int64_t own_us = params->format->cost_us(work->engine, params);
	int64_t least_us = work->engine->ps_per_iteration * work->least / PS_PER_US;
	struct whole_job job = {
		.lane_job = {
			.ops = &ops,
			.cost_us = own_us > least_us ? own_us : least_us,
			.memory = params->format->memory ? params->format->memory(params) : 0,
			.deadline_us = work->caller->deadline_us,
			.cancelled = work->caller->cancelled,
		},
		.work = work,
	};
	enum err r;

	job.lane_job.state = &job;
	r = rt_offload(work->lane, &job.lane_job);
	if (r == OK && job.failed)
		r = ERR_UNAVAILABLE;
	if (r == OK)
		memcpy(ret_digest, job.digest, params->digest.len);
	wipe(job.digest, sizeof(job.digest));
	return r;
}
