#include "net/smtp_dialogue.h"

#include <poll.h>

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* Nothing else of a reply is kept: its text often repeats the address. */
static void keep_status(struct smtp_reply *reply, struct str text)
{
	size_t n = 0;

	while (n < text.len && n < sizeof(reply->status) &&
	       (is_digit(text.ptr[n]) || text.ptr[n] == '.'))
		n++;
	reply->status_len = n >= 5 && text.ptr[1] == '.' ? n : 0;
	memcpy(reply->status, text.ptr, reply->status_len);
}

bool smtp_reply_line(struct smtp_reply *reply, struct str line)
{
	if (line.len < 3 || !is_digit(line.ptr[0]) || !is_digit(line.ptr[1]) ||
	    !is_digit(line.ptr[2]))
		return false;
	reply->code = (line.ptr[0] - '0') * 100 + (line.ptr[1] - '0') * 10 + (line.ptr[2] - '0');
	reply->status_len = 0;
	if (line.len > 4)
		keep_status(reply, str_from(line, 4));
	return line.len == 3 || line.ptr[3] != '-';
}

MAY_YIELD static enum err wait_for(struct smtp_dialogue *d, short events)
{
	struct rt_fd fd = { .events = events };
	curl_socket_t socket = CURL_SOCKET_BAD;
	enum err r;

	curl_easy_getinfo(d->easy, CURLINFO_ACTIVESOCKET, &socket);
	fd.fd = socket;
	r = rt_wait_fds(&fd, 1, d->deadline_us);
	if (r != OK)
		d->problem = transfer_problem(r, CURLE_OK);
	return r;
}

static enum err lost(struct smtp_dialogue *d)
{
	d->problem = STR("The mail server closed the connection.");
	return ERR_UNAVAILABLE;
}

MAY_YIELD static enum err say(struct smtp_dialogue *d, struct str text)
{
	while (text.len > 0) {
		size_t n = 0;
		CURLcode code = curl_easy_send(d->easy, text.ptr, text.len, &n);
		enum err r;

		if (code == CURLE_OK) {
			text = str_from(text, n);
			continue;
		}
		if (code != CURLE_AGAIN)
			return lost(d);
		r = wait_for(d, POLLOUT);
		if (r != OK)
			return r;
	}
	return OK;
}

/* More of the reply, behind what is there. */
MAY_YIELD static enum err hear(struct smtp_dialogue *d)
{
	size_t n = 0;
	CURLcode code;
	enum err r;

	if (d->in_len == sizeof(d->in)) {
		d->problem = STR("The mail server's reply is too long a line.");
		return ERR_UNAVAILABLE;
	}
	for (;;) {
		code = curl_easy_recv(d->easy, d->in + d->in_len, sizeof(d->in) - d->in_len, &n);
		if (code == CURLE_OK && n > 0) {
			d->in_len += n;
			return OK;
		}
		if (code != CURLE_AGAIN)
			return lost(d);
		r = wait_for(d, POLLIN);
		if (r != OK)
			return r;
	}
}

/* Takes the first line off what was heard; false when none is whole. */
static bool next_line(struct smtp_dialogue *d, bool *ret_last)
{
	const char *end = memchr(d->in, '\n', d->in_len);
	size_t len;

	if (!end)
		return false;
	len = (size_t)(end - d->in) + 1;
	*ret_last = smtp_reply_line(
	    &d->reply, str_bytes(d->in, len > 1 && end[-1] == '\r' ? len - 2 : len - 1));
	d->in_len -= len;
	memmove(d->in, d->in + len, d->in_len);
	return true;
}

/* 530 to 538 ask for a login or refuse it: our settings are wrong, not the message. */
static enum err judge(const struct smtp_reply *reply, long wanted)
{
	if (reply->code / 100 == wanted)
		return OK;
	if (reply->code >= 500 && reply->code < 600 && (reply->code < 530 || reply->code > 538))
		return ERR_FORBIDDEN;
	return ERR_UNAVAILABLE;
}

/* Sends @text and reads the reply, whose first digit should be @wanted. */
MAY_YIELD static enum err ask(struct smtp_dialogue *d, struct str text, long wanted)
{
	enum err r = say(d, text);
	bool last = false;

	d->reply = (struct smtp_reply){ 0 };
	while (r == OK && !last) {
		if (!next_line(d, &last))
			r = hear(d);
	}
	return r == OK ? judge(&d->reply, wanted) : r;
}

static bool is_ascii(struct str s)
{
	for (size_t i = 0; i < s.len; i++) {
		if ((unsigned char)s.ptr[i] >= 0x80)
			return false;
	}
	return true;
}

/* RFC 5321 4.5.2: a line that begins with a dot gets another; a dot alone ends the message. */
static struct str stuffed(struct arena *arena, struct str message)
{
	bool begins = true;
	struct buf out;

	buf_init(&out, arena, message.len + message.len / 32 + 64);
	for (size_t i = 0; i < message.len; i++) {
		if (begins && message.ptr[i] == '.')
			buf_add_char(&out, '.');
		buf_add_char(&out, message.ptr[i]);
		begins = message.ptr[i] == '\n';
	}
	if (!begins)
		buf_add(&out, STR("\r\n"));
	buf_add(&out, STR(".\r\n"));
	return buf_str(&out);
}

static struct str mail_command(const struct smtp_dialogue *d, const struct net_mail *mail)
{
	bool utf8 = !is_ascii(mail->from) || !is_ascii(mail->to);
	struct buf line;

	buf_init(&line, d->arena, 256);
	buf_printf(&line, "MAIL FROM:<%.*s>", STR_ARG(mail->from));
	if (d->offers_size)
		buf_printf(&line, " SIZE=%zu", mail->message.len);
	if (utf8)
		buf_add(&line, STR(" BODY=8BITMIME SMTPUTF8")); /* RFC 6531 3.4 */
	buf_add(&line, STR("\r\n"));
	return buf_str(&line);
}

/* Without SMTPUTF8 a domain can still be written in ASCII (RFC 5891); what is before the @ not. */
static bool fit_address(const struct smtp_dialogue *d, struct str address, struct str *ret)
{
	ssize_t at = str_find_last(address, '@');
	struct str domain;

	*ret = address;
	if (d->offers_utf8 || is_ascii(address))
		return true;
	if (!is_ascii(str_upto(address, (size_t)at)) ||
	    !target_ascii_host(d->arena, str_from(address, (size_t)at + 1), &domain))
		return false;
	*ret = str_printf(d->arena, "%.*s@%.*s", (int)at, address.ptr, STR_ARG(domain));
	return true;
}

MAY_YIELD enum err smtp_hand_over(struct smtp_dialogue *d, const struct net_mail *mail)
{
	struct net_mail fitted = *mail;
	enum err r;

	if (!fit_address(d, mail->from, &fitted.from) || !fit_address(d, mail->to, &fitted.to)) {
		d->problem = STR("The mail server takes no addresses beyond ASCII.");
		return ERR_FORBIDDEN;
	}
	r = ask(d, mail_command(d, &fitted), 2);
	if (r == OK)
		r = ask(d, str_printf(d->arena, "RCPT TO:<%.*s>\r\n", STR_ARG(fitted.to)), 2);
	if (r == OK)
		r = ask(d, STR("DATA\r\n"), 3);
	if (r == OK)
		r = ask(d, stuffed(d->arena, mail->message), 2);
	/* Only a courtesy: what was answered before stands whatever becomes of it. */
	if (r != ERR_DEADLINE && r != ERR_SHUTDOWN) {
		enum err ignored = say(d, STR("QUIT\r\n"));

		(void)ignored;
	}
	return r;
}
