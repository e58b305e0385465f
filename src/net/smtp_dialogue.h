/*
 * The part of SMTP (RFC 5321) after the connection is up: one message for one recipient. libcurl
 * connects, greets, encrypts and logs in; from there we speak ourselves, because libcurl waits for
 * the answers to the message's end and to QUIT without returning to its caller, which on a loop
 * would stop everybody for as long as the server likes.
 */
#ifndef NET_SMTP_DIALOGUE_H
#define NET_SMTP_DIALOGUE_H

#include "net/net_priv.h"

/* RFC 5321 4.5.3.1.5: a reply line has at most 512 bytes; some servers do not count. */
#define SMTP_LINE_MAX 2000

/** struct smtp_reply - what a server's reply told. */
struct smtp_reply {
	long code;       /* 0: none yet */
	char status[12]; /* enhanced status code (RFC 3463), "5.1.1"; empty when there was none */
	size_t status_len;
};

/** smtp_reply_line() - take in one line of a reply. Returns: true when it is the last. */
bool smtp_reply_line(struct smtp_reply *reply, struct str line);

/** struct smtp_dialogue - a connection that is logged in. */
struct smtp_dialogue {
	CURL *easy;
	struct arena *arena;
	int64_t deadline_us;
	bool offers_size, offers_utf8; /* in the reply to EHLO */
	struct smtp_reply reply;       /* the last */
	struct str problem;            /* when it failed without a reply */
	char in[SMTP_LINE_MAX];
	size_t in_len;
};

/**
 * smtp_hand_over() - MAIL, RCPT, DATA, the message, QUIT
 *
 * Returns: OK when the server took it; ERR_FORBIDDEN when it refused for ever; ERR_UNAVAILABLE,
 * ERR_DEADLINE or ERR_SHUTDOWN.
 */
MAY_YIELD MUST_CHECK enum err smtp_hand_over(struct smtp_dialogue *d, const struct net_mail *mail);

#endif
