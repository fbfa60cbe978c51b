/* ek_version.h -- the contract between generated code and these headers */
#ifndef EK_VERSION_H
#define EK_VERSION_H

#define EK_ABI 2

/* What a generated <name>_run() returns. */
#define EK_OK 0
#define EK_ERROR_NULL (-1)  /* a null pointer was passed */
#define EK_ERROR_ALIGN (-2) /* the arena or the state is not aligned to EK_ALIGN bytes */
#define EK_ALIGN 16

#endif
