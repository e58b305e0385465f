/*
 * E-mail addresses by RFC 5321 and 6531, the part of them that people have. Refused although some
 * RFC allows them, because no mailbox of a person needs them and every program reads them
 * differently:
 *
 *   - quoted local parts ("a b"@example.com), comments, folded white space, obsolete forms
 *   - address literals (a@[192.0.2.1]) and domains of one label (a@localhost)
 *   - a last label of digits only; a dot at the end of the domain
 *   - control, format (joiners, text direction), private and unassigned characters, and spaces
 *     of any kind
 *
 * Canonical: the local part in NFKC and case-folded, the domain in A-labels and lower case (IDNA
 * 2008 with the mapping of UTS 46), so that no two spellings of a mailbox open two accounts.
 */
#include <ctype.h>
#include <idn2.h>
#include <unicase.h>
#include <unictype.h>
#include <uninorm.h>

#include "base/arena.h"
#include "service/identifier_priv.h"

#define MAX_ADDRESS 254 /* RFC 5321 4.5.3.1.3, without the angle brackets */
#define MAX_LOCAL 64
#define MAX_DOMAIN 253
#define MAX_LABEL 63

static bool is_atext(char c)
{
	return isalnum((unsigned char)c) || (c != '\0' && strchr("!#$%&'*+-/=?^_`{|}~", c));
}

static bool is_printable(uint32_t c)
{
	const uint32_t unwanted = UC_CATEGORY_MASK_C | UC_CATEGORY_MASK_Z;

	return !uc_is_general_category_withtable(c, unwanted);
}

/* Atoms and single dots between them (RFC 5322 3.2.3, RFC 6531 3.3). */
static bool is_dot_atom(struct str s)
{
	bool after_atom = false;

	while (!str_empty(s)) {
		uint32_t c;
		size_t n = str_utf8_next(s, &c);

		if (n == 0)
			return false;
		if (c == '.' && !after_atom)
			return false;
		if (c != '.' && (c < 0x80 ? !is_atext((char)c) : !is_printable(c)))
			return false;
		after_atom = c != '.';
		s = str_from(s, n);
	}
	return after_atom;
}

/*
 * One spelling of a local part. NFKC comes first as well as last, because some letters have a
 * lower case only after it; it may also bring forth a dot, a space or an "@", so what comes out
 * is checked once more.
 */
static bool fold_local(struct arena *arena, struct str local, struct str *ret)
{
	uint8_t normal[1024], folded[1024];
	size_t normal_len = sizeof(normal), folded_len = sizeof(folded);
	uint8_t *p =
	    u8_normalize(UNINORM_NFKC, (const uint8_t *)local.ptr, local.len, normal, &normal_len);

	/* libunistring allocates where the buffer is too small: 64 bytes never grow that much. */
	if (p != normal)
		goto too_long;
	p = u8_casefold(normal, normal_len, NULL, UNINORM_NFKC, folded, &folded_len);
	if (p != folded)
		goto too_long;
	*ret = str_dup(arena, str_bytes(folded, folded_len));
	return is_dot_atom(*ret);
too_long:
	free(p);
	return false;
}

/* Letters, digits and inner hyphens (RFC 1123 2.1); the last one not a number. */
static bool are_host_labels(struct str domain)
{
	struct str label = STR_NULL;
	size_t labels = 0, digits = 0;

	if (domain.len > MAX_DOMAIN || str_ends(domain, STR(".")))
		return false;
	while (str_next_token(&domain, '.', &label)) {
		if (str_empty(label) || label.len > MAX_LABEL || label.ptr[0] == '-' ||
		    str_ends(label, STR("-")))
			return false;
		digits = 0;
		for (size_t i = 0; i < label.len; i++) {
			if (!isalnum((unsigned char)label.ptr[i]) && label.ptr[i] != '-')
				return false;
			digits += isdigit((unsigned char)label.ptr[i]) != 0;
		}
		labels++;
	}
	return labels >= 2 && digits < label.len;
}

/* UTS 46 drops what cannot be seen; we would send to what is seen and store what is not. */
static bool is_all_printable(struct str s)
{
	uint32_t c;

	while (!str_empty(s)) {
		size_t n = str_utf8_next(s, &c);

		if (n == 0 || !is_printable(c))
			return false;
		s = str_from(s, n);
	}
	return true;
}

static bool needs_idna(struct str domain)
{
	struct str label;

	for (size_t i = 0; i < domain.len; i++)
		if ((unsigned char)domain.ptr[i] >= 0x80)
			return true;
	while (str_next_token(&domain, '.', &label))
		if (str_eq_nocase(str_upto(label, 4), STR("xn--")))
			return true;
	return false;
}

static bool fold_domain(struct arena *arena, struct str domain, struct str *ret)
{
	const int flags = IDN2_NFC_INPUT | IDN2_NONTRANSITIONAL | IDN2_USE_STD3_ASCII_RULES;
	uint8_t *a_labels = NULL;

	/* Plain names stay as they are: IDNA would refuse "r3---sn.example", which exists. */
	if (!needs_idna(domain)) {
		*ret = str_lower(arena, domain);
		return are_host_labels(*ret);
	}
	if (!is_all_printable(domain))
		return false;
	domain = str_lower(arena, domain);
	if (idn2_lookup_u8((const uint8_t *)str_cstr(arena, domain), &a_labels, flags) != IDN2_OK)
		return false;
	*ret = str_lower(arena, str_of((const char *)a_labels));
	idn2_free(a_labels);
	return are_host_labels(*ret);
}

bool email_parse(struct arena *arena, struct str text, struct str *ret_canonical)
{
	ssize_t at = str_find_last(text, '@');
	struct str local, domain;

	if (at < 0 || at > MAX_LOCAL || text.len > MAX_ADDRESS || str_find(text, '\0') >= 0 ||
	    !str_utf8_valid(text))
		return false;
	local = str_upto(text, (size_t)at);
	domain = str_from(text, (size_t)at + 1);
	if (!is_dot_atom(local) || !fold_local(arena, local, &local) ||
	    !fold_domain(arena, domain, &domain))
		return false;
	*ret_canonical = str_printf(arena, "%.*s@%.*s", STR_ARG(local), STR_ARG(domain));
	return ret_canonical->len <= MAX_ADDRESS;
}
