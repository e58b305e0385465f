#include "service/audit_export.h"

#include "base/json.h"
#include "base/log.h"

#define LABEL STR("audit export 1")
#define BEFORE_END STR("{\"end\":")
#define BEFORE_MAC STR(",\"mac\":\"")
#define AFTER_MAC STR("\"}")
#define MAC_DIGITS 64

void audit_export_begin(struct request *rq, int key_id, struct audit_export *ret)
{
	*ret = (struct audit_export){ .key_id = key_id };
	if (key_id == KEYRING_ACTIVE)
		ret->key_id = keyring_active(rq->keys);
}

static bool chain(
    struct request *rq, const struct audit_export *x, struct str text, struct mac *ret)
{
	struct str parts[] = { LABEL, str_bytes(x->chain.b, sizeof(x->chain.b)), text };

	return keyring_mac(rq->keys, KEY_SEAL, x->key_id, parts, ARRAY_LEN(parts), ret);
}

bool audit_export_add(struct request *rq, struct audit_export *x, struct str line)
{
	x->rows++;
	return chain(rq, x, line, &x->chain);
}

struct heading {
	struct audit_seal head;
	bool found;
};

static enum err head_tx(struct tx *tx, void *arg)
{
	struct heading *h = arg;

	return audit_head(tx, &h->head, &h->found);
}

static struct str hex(struct request *rq, const struct mac *mac)
{
	return hex_encode(rq->arena, str_bytes(mac->b, sizeof(mac->b)));
}

static void write_head(struct request *rq, struct json_writer *w, const struct heading *h)
{
	json_key(w, STR("head"));
	if (!h->found) {
		json_write_null(w);
		return;
	}
	json_begin_object(w);
	json_member_i64(w, STR("n"), h->head.n);
	json_member_i64(w, STR("last_id"), h->head.last_id);
	json_member_str(w, STR("mac"), hex(rq, &h->head.mac));
	json_end_object(w);
}

enum err audit_export_end(
    struct request *rq, const struct audit_export *x, int64_t next, struct str *ret)
{
	struct heading h = { .found = false };
	struct json_writer w;
	struct buf end, line;
	struct mac mac;
	enum err e = store_read(rq->service->store, rq, STORE_PRIMARY, head_tx, &h);

	if (e != OK)
		return e;
	buf_init(&end, rq->arena, 256);
	json_writer_init(&w, &end);
	json_begin_object(&w);
	json_member_i64(&w, STR("key"), x->key_id);
	json_member_i64(&w, STR("rows"), x->rows);
	json_key(&w, STR("next"));
	if (next == 0)
		json_write_null(&w);
	else
		json_write_i64(&w, next);
	write_head(rq, &w, &h);
	json_end_object(&w);
	if (!chain(rq, x, buf_str(&end), &mac))
		return fault(rq, ERR_INTERNAL, "the export's key is gone");
	buf_init(&line, rq->arena, 512);
	buf_add(&line, BEFORE_END);
	buf_add(&line, buf_str(&end));
	buf_add(&line, BEFORE_MAC);
	buf_add(&line, hex(rq, &mac));
	buf_add(&line, AFTER_MAC);
	*ret = buf_str(&line);
	return OK;
}

/* The two parts of a last line; false when it is none. */
static bool split(struct str line, struct str *ret_end, struct str *ret_mac)
{
	size_t tail = BEFORE_MAC.len + MAC_DIGITS + AFTER_MAC.len;
	struct str rest;

	if (!str_starts(line, BEFORE_END) || !str_ends(line, AFTER_MAC) ||
	    line.len < BEFORE_END.len + tail)
		return false;
	rest = str_from(line, line.len - tail);
	*ret_end = str_from(str_upto(line, line.len - tail), BEFORE_END.len);
	*ret_mac = str_upto(str_from(rest, BEFORE_MAC.len), MAC_DIGITS);
	return str_starts(rest, BEFORE_MAC);
}

int audit_export_key(struct str last_line)
{
	struct str end, mac, head = STR("{\"key\":"), number;
	int64_t id;

	if (!split(last_line, &end, &mac) || !str_starts(end, head))
		return -1;
	end = str_from(end, head.len);
	if (!str_next_token(&end, ',', &number) || !str_to_i64(number, &id) || id < 0 ||
	    id > UINT8_MAX)
		return -1;
	return (int)id;
}

bool audit_export_good(struct request *rq, const struct audit_export *x, struct str last_line)
{
	struct str end, shown, made;
	struct mac mac;

	if (!split(last_line, &end, &shown) || !chain(rq, x, end, &mac))
		return false;
	made = hex(rq, &mac);
	return made.len == shown.len && bytes_equal(made.ptr, shown.ptr, made.len);
}
