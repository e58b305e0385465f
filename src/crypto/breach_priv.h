/*
 * The file, all numbers most significant byte first:
 *
 *	magic        8 bytes
 *	count        4: passwords
 *	bucket bits  4
 *	starts       4 for each bucket, and one more: which remainder is its first
 *	remainders   3 each, sorted within their bucket
 */
#ifndef CRYPTO_BREACH_PRIV_H
#define CRYPTO_BREACH_PRIV_H

#include "crypto/breach.h"

#define BREACH_MAGIC "CLKBREA1"
#define BREACH_HEAD 16
#define BREACH_MAX_BUCKET_BITS 28
#define BREACH_REMAINDER_BITS 24
#define BREACH_REMAINDER 3
/* 16 to 31 a bucket: one of them equals a stranger's 24 bits once in 500,000 and more. */
#define BREACH_BUCKET_BITS_LESS 4

/** breach_key() - the first 64 bits of a password's SHA-1. */
uint64_t breach_key(struct str password);

static inline size_t breach_bucket(uint64_t key, unsigned bits)
{
	return bits ? (size_t)(key >> (64 - bits)) : 0;
}

static inline uint32_t breach_remainder(uint64_t key, unsigned bits)
{
	return (uint32_t)(key >> (64 - BREACH_REMAINDER_BITS - bits)) &
	       ((1u << BREACH_REMAINDER_BITS) - 1);
}

#endif
