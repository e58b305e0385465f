#include "outbox/mime.h"

#include "base/arena.h"
#include "base/clock.h"

/* RFC 2045: an encoded line has at most 76 characters, a soft break's "=" among them. */
#define QP_LINE 75
/* Bytes of text whose encoded word keeps within 75 characters (RFC 2047 section 2). */
#define WORD_BYTES 45
/* A header of plain ASCII up to here is left as it is; a longer one is folded as encoded words. */
#define PLAIN_HEADER 65

bool mailbox_parse(struct str text, struct mailbox *ret)
{
	ssize_t open;

	text = str_trim(text);
	open = str_find_last(text, '<');
	*ret = (struct mailbox){ .address = text };
	if (open >= 0) {
		if (!str_ends(text, STR(">")))
			return false;
		ret->name = str_trim(str_upto(text, (size_t)open));
		ret->address = str_from(text, (size_t)open + 1);
		ret->address.len--;
	}
	for (size_t i = 0; i < text.len; i++) {
		if ((unsigned char)text.ptr[i] < ' ' || text.ptr[i] == 0x7f)
			return false;
	}
	return str_find(ret->address, '@') > 0 && !str_ends(ret->address, STR("@")) &&
	       str_find(ret->address, ' ') < 0 && str_find(ret->address, '>') < 0;
}

static bool needs_words(struct str value)
{
	for (size_t i = 0; i < value.len; i++) {
		unsigned char c = (unsigned char)value.ptr[i];

		if (c >= 0x7f || (c == '=' && i + 1 < value.len && value.ptr[i + 1] == '?'))
			return true;
	}
	return value.len > PLAIN_HEADER;
}

/* The length of the piece that comes next: at most WORD_BYTES, ending between code points. */
static size_t word_length(struct str value)
{
	size_t len = value.len < WORD_BYTES ? value.len : WORD_BYTES;

	while (len > 1 && len < value.len && ((unsigned char)value.ptr[len] & 0xc0) == 0x80)
		len--;
	return len;
}

static void add_words(struct buf *out, struct str value)
{
	for (bool first = true; value.len > 0; first = false) {
		size_t len = word_length(value);
		struct str word = base64_encode(out->arena, str_upto(value, len));

		buf_printf(out, "%s=?UTF-8?B?%.*s?=", first ? "" : "\r\n ", STR_ARG(word));
		value = str_from(value, len);
	}
}

/* No value may end its line: that is how headers are injected. */
static struct str one_line(struct arena *arena, struct str value)
{
	char *copy = str_cstr(arena, value);

	for (size_t i = 0; i < value.len; i++) {
		if ((unsigned char)copy[i] < ' ' || copy[i] == 0x7f)
			copy[i] = ' ';
	}
	return (struct str){ copy, value.len };
}

static void add_text_header(struct buf *out, const char *name, struct str value)
{
	value = one_line(out->arena, value);
	buf_printf(out, "%s: ", name);
	if (needs_words(value))
		add_words(out, value);
	else
		buf_add(out, value);
	buf_add(out, STR("\r\n"));
}

static void add_from(struct buf *out, const struct mailbox *from)
{
	struct str name = one_line(out->arena, from->name);

	buf_add(out, STR("From: "));
	if (needs_words(name)) {
		add_words(out, name);
	} else if (name.len > 0) {
		buf_add_char(out, '"');
		for (size_t i = 0; i < name.len; i++) {
			if (name.ptr[i] == '"' || name.ptr[i] == '\\')
				buf_add_char(out, '\\');
			buf_add_char(out, name.ptr[i]);
		}
		buf_add_char(out, '"');
	}
	buf_printf(out, " <%.*s>\r\n", STR_ARG(one_line(out->arena, from->address)));
}

static void add_date(struct buf *out, int64_t at_us)
{
	char date[TIME_TEXT_SIZE];

	time_http(at_us, date);
	buf_printf(out, "Date: %.*s +0000\r\n", (int)strlen(date) - 4, date); /* without " GMT" */
}

static void add_headers(struct buf *out, const struct mime_mail *mail)
{
	struct str address = mail->from.address;
	struct str domain = str_from(address, (size_t)(str_find_last(address, '@') + 1));
	char id[UUID_TEXT_SIZE];

	uuid_format(mail->id, id);
	add_from(out, &mail->from);
	buf_printf(out, "To: <%.*s>\r\n", STR_ARG(one_line(out->arena, mail->to)));
	add_text_header(out, "Subject", mail->subject);
	add_date(out, mail->at_us);
	buf_printf(out, "Message-ID: <%s@%.*s>\r\n", id, STR_ARG(domain));
	buf_add(out, STR("Auto-Submitted: auto-generated\r\nMIME-Version: 1.0\r\n"));
}

static bool is_plain(char c, bool line_ends)
{
	if (c == ' ' || c == '\t')
		return !line_ends;
	return c > ' ' && c < 0x7f && c != '=';
}

/* RFC 2045 6.7. @text has \n line ends. */
static void add_quoted_printable(struct buf *out, struct str text)
{
	size_t column = 0;

	for (size_t i = 0; i < text.len; i++) {
		char c = text.ptr[i];
		bool line_ends = i + 1 == text.len || text.ptr[i + 1] == '\n';
		bool plain = is_plain(c, line_ends);

		if (c == '\n') {
			buf_add(out, STR("\r\n"));
			column = 0;
			continue;
		}
		if (column + (plain ? 1 : 3) > QP_LINE) {
			buf_add(out, STR("=\r\n"));
			column = 0;
		}
		if (plain)
			buf_add_char(out, c);
		else
			buf_printf(out, "=%02X", (unsigned)(unsigned char)c);
		column += plain ? 1 : 3;
	}
	if (column > 0)
		buf_add(out, STR("\r\n"));
}

static void add_part(struct buf *out, const char *type, struct str text)
{
	buf_printf(out,
	    "Content-Type: %s; charset=utf-8\r\n"
	    "Content-Transfer-Encoding: quoted-printable\r\n\r\n",
	    type);
	add_quoted_printable(out, text);
}

struct str mime_build(struct arena *arena, const struct mime_mail *mail)
{
	/* Quoted-printable never holds "=_", so this line is in no part. */
	static const char boundary[] = "=_alternatives";
	struct buf out;

	buf_init(&out, arena, 1024 + (mail->text.len + mail->html.len) * 3 / 2);
	add_headers(&out, mail);
	if (str_empty(mail->html)) {
		add_part(&out, "text/plain", mail->text);
		return buf_str(&out);
	}
	buf_printf(&out, "Content-Type: multipart/alternative; boundary=\"%s\"\r\n\r\n--%s\r\n",
	    boundary, boundary);
	add_part(&out, "text/plain", mail->text);
	buf_printf(&out, "\r\n--%s\r\n", boundary);
	add_part(&out, "text/html", mail->html);
	buf_printf(&out, "\r\n--%s--\r\n", boundary);
	return buf_str(&out);
}
