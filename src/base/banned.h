/*
 * Included before every C file: calls nobody here may make, because a safer one exists.
 * The pragma lets system headers declare them; using one in our code is an error.
 */
#ifndef BASE_BANNED_H
#define BASE_BANNED_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* glibc makes it a macro for clang when it fortifies; a macro cannot be poisoned quietly. */
#undef sprintf
#pragma GCC poison strcpy strcat strncpy strncat sprintf vsprintf strtok gets atoi atol atoll
#pragma GCC poison localtime gmtime asctime ctime tmpnam mktemp

#endif
