/* A person's data as theirs: typed profiles, consents, export, and being erased. */
#include "service/closing.h"
#include "service/erase.h"
#include "service/export.h"
#include "service_cases.h"

static struct request *as(struct service_fixture *f, const struct signed_in *who)
{
	struct call c = { .f = f };

	CHECK(call_authenticate(&c, who->tokens.access) == OK);
	return c.rq;
}

/* --- typed profiles --- */

void typed_profile_of_a_client(void *arg)
{
	struct service_fixture *f = arg;
	struct signed_in ada = join(f, ADA);
	struct client_profile patch = { .shipping_phone = STR("0803 123 4567"),
		.shoe_size = STR("42 EU") };
	struct vendor_view vendor = { 0 };
	struct client_view view = { 0 };
	struct request *rq = as(f, &ada);
	int64_t version;

	CHECK(client_profile_read(rq, &view) == OK);
	CHECK(view.updated_at_us == 0 && str_empty(view.profile.shoe_size));
	version = rq->version;
	CHECK(version == view.created_at_us);
	rq = as(f, &ada);
	rq->if_match = (struct if_match){ .given = true, .versions = { version }, .n = 1 };
	CHECK(client_profile_update(rq, &patch, &view) == OK && rq->version > version);
	CHECK(str_eq(view.profile.shipping_phone, STR("+2348031234567")));
	TRAIL(f, "client.updated ok");
	rq = as(f, &ada);
	rq->if_match = (struct if_match){ .given = true, .versions = { version }, .n = 1 };
	CHECK(client_profile_update(rq, &patch, &view) == ERR_PRECONDITION_FAILED);
	patch = (struct client_profile){ .shoe_size = STR("") };
	CHECK(client_profile_update(as(f, &ada), &patch, &view) == OK);
	CHECK(str_empty(view.profile.shoe_size));
	CHECK(str_eq(view.profile.shipping_phone, STR("+2348031234567")));
	CHECK(vendor_profile_read(as(f, &ada), &vendor) == ERR_NOT_FOUND);
}

/* Another role brings the other profile, and keeps the first. */
void typed_profile_of_both(void *arg)
{
	struct service_fixture *f = arg;
	struct signed_in ada = join(f, ADA);
	const struct client_profile size = { .shoe_size = STR("42 EU") };
	const struct vendor_profile store = { .store_name = STR("Ada's"), .slug = STR("adas") };
	struct client_view client = { 0 };
	struct vendor_view vendor = { 0 };

	CHECK(client_profile_update(as(f, &ada), &size, &client) == OK);
	set_role(f, ADA, ROLE_VENDOR);
	CHECK(sign_in(f, ADA, PASSWORD, &ada) == OK);
	CHECK(vendor_profile_update(as(f, &ada), &store, &vendor) == OK);
	CHECK(str_eq(vendor.verification_state, STR("unverified")));
	CHECK(vendor_profile_read(as(f, &ada), &vendor) == OK);
	CHECK(str_eq(vendor.profile.slug, STR("adas")));
	CHECK(str_eq(vendor.profile.store_name, STR("Ada's")));
	CHECK(client_profile_read(as(f, &ada), &client) == OK);
	CHECK(str_eq(client.profile.shoe_size, STR("42 EU")));
}

void typed_profile_slugs(void *arg)
{
	static const char *const bad[] = { "Adas", "a--b", "-a", "a-", "a b", "\xc3\xa4" };
	struct service_fixture *f = arg;
	struct signed_in ada = join(f, ADA), bob = join(f, STR("bob@example.com"));
	struct vendor_profile patch = { .slug = STR("shop-1") };
	struct vendor_view view = { 0 };
	struct request *rq;

	set_role(f, ADA, ROLE_VENDOR);
	set_role(f, STR("bob@example.com"), ROLE_VENDOR);
	CHECK(sign_in(f, ADA, PASSWORD, &ada) == OK);
	CHECK(sign_in(f, STR("bob@example.com"), PASSWORD, &bob) == OK);
	CHECK(vendor_profile_update(as(f, &ada), &patch, &view) == OK);
	CHECK(vendor_profile_update(as(f, &ada), &patch, &view) == OK);
	rq = as(f, &bob);
	CHECK(vendor_profile_update(rq, &patch, &view) == ERR_VALIDATION_FAILED);
	CHECK(field_refused(rq, "slug"));
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		patch.slug = str_of(bad[i]);
		rq = as(f, &bob);
		CHECK(vendor_profile_update(rq, &patch, &view) == ERR_VALIDATION_FAILED);
		CHECK(field_refused(rq, "slug"));
	}
	/* Given up, it is free. */
	patch.slug = STR("");
	CHECK(vendor_profile_update(as(f, &ada), &patch, &view) == OK);
	patch.slug = STR("shop-1");
	CHECK(vendor_profile_update(as(f, &bob), &patch, &view) == OK);
}

/* --- consents --- */

void consents_are_asked_again(void *arg)
{
	const struct consent_given old[] = { { STR("terms"), STR("1") } };
	const struct consent_given new[] = { { STR("terms"), STR("2") },
		{ STR("privacy"), STR("1") } };
	struct service_fixture *f = arg;
	struct signed_in ada = join(f, ADA);
	struct consents_view view = { 0 };

	CHECK(consents_list(as(f, &ada), &view) == OK && view.n_given == 0 && view.n_due == 0);
	f->service.config.consents_required = STR("terms:1");
	CHECK(consents_accept(as(f, &ada), old, 1, &view) == OK);
	CHECK(view.n_given == 1 && view.n_due == 0);
	TRAIL(f, "user.consented ok");
	f->service.config.consents_required = STR("terms:2, privacy:1");
	CHECK(consents_list(as(f, &ada), &view) == OK && view.n_due == 2);
	CHECK(str_eq(view.due[0].document, STR("terms")) && str_eq(view.due[0].version, STR("2")));
	CHECK(consents_accept(as(f, &ada), new, 2, &view) == OK);
	CHECK(view.n_given == 3 && view.n_due == 0);
}

void consents_to_register(void *arg)
{
	static const struct consent_given given[] = { { STR_INIT("terms"), STR_INIT("2") } };
	struct service_fixture *f = arg;
	struct registration in = { .email = ADA, .password = secret_of(PASSWORD) };
	struct call c = { .f = f };
	struct registered registered = { 0 };

	f->service.config.consents_required = STR("terms:2");
	CHECK(call_register(&c, &in, &registered) == ERR_VALIDATION_FAILED);
	CHECK(field_refused(c.rq, "consents"));
	in.consents = given;
	in.n_consents = 1;
	CHECK(call_register(&c, &in, &registered) == OK);
}

void consents_setting(void *arg)
{
	struct consent_given found[CONSENTS_MAX];
	struct buf many;

	(void)arg;
	CHECK(consents_parse(STR(""), found) == 0);
	CHECK(consents_parse(STR("terms:2, privacy:2026-01"), found) == 2);
	CHECK(str_eq(found[1].version, STR("2026-01")));
	CHECK(consents_parse(STR("terms"), found) == -1);
	CHECK(consents_parse(STR("terms:"), found) == -1);
	CHECK(consents_parse(STR(":1"), found) == -1);
	buf_init(&many, ((struct service_fixture *)arg)->base.arena, 64);
	for (int i = 0; i <= CONSENTS_MAX; i++)
		buf_add(&many, STR("a:1,"));
	CHECK(consents_parse(buf_str(&many), found) == -1);
}

/* --- export --- */

void export_has_everything(void *arg)
{
	struct service_fixture *f = arg;
	struct signed_in ada = join(f, ADA);
	const struct client_profile size = { .shoe_size = STR("42 EU") };
	struct client_view client = { 0 };
	struct export out = { 0 };
	struct request *rq;
	bool login = false;

	CHECK(client_profile_update(as(f, &ada), &size, &client) == OK);
	rq = as(f, &ada);
	CHECK(export_make(rq, &out) == OK && rq->fault.err == OK);
	CHECK(str_eq(out.user.email, ADA) && str_eq(out.client.profile.shoe_size, STR("42 EU")));
	CHECK(out.vendor.created_at_us == 0);
	CHECK(out.n_sessions == 1 && out.sessions[0].current);
	for (size_t i = 0; i < out.n_activity; i++) {
		CHECK(str_eq(out.activity[i].address, STR("203.0.113.7")));
		login |= str_eq(out.activity[i].event, STR("user.logged_in"));
	}
	CHECK(login);
	/* That they asked is in it too. */
	CHECK(str_eq(out.activity[out.n_activity - 1].event, STR("user.exported")));
}

/* --- erase --- */

void erased_for_good(void *arg)
{
	struct service_fixture *f = arg;
	struct signed_in ada = join(f, ADA), second = { 0 };
	struct registered again = { 0 };
	struct user_row row;
	struct uuid id;

	CHECK(sign_in(f, ADA, PASSWORD, &second) == OK);
	id = ada.user.id;
	fixture_trail(f);
	CHECK(account_erase(as(f, &ada), secret_of(STR_NULL)) == ERR_REAUTH_REQUIRED);
	CHECK(account_erase(as(f, &ada), secret_of(OTHER_PASSWORD)) == ERR_VALIDATION_FAILED);
	fixture_trail(f);
	CHECK(account_erase(as(f, &ada), secret_of(PASSWORD)) == OK);
	TRAIL(f, "user.erased ok");
	CHECK(authenticate(f, second.tokens.access) == ERR_TOKEN_REVOKED);
	CHECK(sign_in(f, ADA, PASSWORD, &second) == ERR_INVALID_CREDENTIALS);
	CHECK(!fixture_person(f, ADA, &row));
	CHECK(fixture_live_sessions(f, id) == 0);
	/* The address is free: whoever has it now is somebody else. */
	CHECK(sign_up(f, ADA, PASSWORD, &again) == OK);
	CHECK(!uuid_equal(person(f, ADA).id, id));
}

void erased_after_the_grace(void *arg)
{
	struct service_fixture *f = arg;
	struct signed_in ada = join(f, ADA), bob = join(f, STR("bob@example.com"));
	struct request *rq;
	struct user_row row;

	CHECK(account_close(as(f, &ada), secret_of(PASSWORD)) == OK);
	fixture_trail(f);
	rq = fixture_request(f, "sweep");
	CHECK(erase_closed(rq) == OK);
	CHECK(person(f, ADA).state == USER_DELETED);
	service_fixture_advance(f->service.config.closed_grace_us + US_PER_S);
	/* Somebody who was restored in time is not closed any more. */
	rq = fixture_request(f, "sweep");
	CHECK(erase_closed(rq) == OK);
	CHECK(!fixture_person(f, ADA, &row));
	TRAIL(f, "user.erased ok");
	CHECK(person(f, STR("bob@example.com")).state == USER_ACTIVE);
	CHECK(erase_closed(fixture_request(f, "sweep")) == OK);
	TRAIL(f, "");
	(void)bob;
}

void erased_keeps_a_superadmin(void *arg)
{
	struct service_fixture *f = arg;
	struct signed_in ada = join(f, ADA);

	set_role(f, ADA, ROLE_SUPERADMIN);
	CHECK(sign_in(f, ADA, PASSWORD, &ada) == OK);
	CHECK(account_erase(as(f, &ada), secret_of(PASSWORD)) == ERR_LAST_SUPERADMIN);
	CHECK(authenticate(f, ada.tokens.access) == OK);
}
