/* ek_version.h -- the contract between generated code and these headers */
#ifndef EK_VERSION_H
#define EK_VERSION_H

#define EK_ABI 2

/* What a generated <name>_run() returns, and of a streamed input <name>_start() and <name>_feed(). */
#define EK_OK 0
#define EK_MORE 1           /* more rows of the input are due */
#define EK_ERROR_NULL (-1)  /* a null pointer was passed */
#define EK_ERROR_ALIGN (-2) /* the arena or the state is not aligned to EK_ALIGN bytes */
#define EK_ERROR_ROWS (-3)  /* more rows than are due, or a negative number of them */
#define EK_ERROR_START (-4) /* no inference is under way */
#define EK_ALIGN 16

#endif
