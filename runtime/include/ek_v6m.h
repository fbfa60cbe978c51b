/* ek_v6m.h -- what the inner loops for Armv6-M share. These cores have eight registers that most
 * instructions can name, no multiply-accumulate, and a product that overwrites a factor; elsewhere
 * the loops are C of the same results. */
#ifndef EK_V6M_H
#define EK_V6M_H

#include <stdint.h>

#if defined(__thumb__) && !defined(__thumb2__)

#define EK_V6M 1

/* Registers to the stack, r3 on top, and back. */
#define EK_V6M_SAVE                                                                                \
    ".syntax unified\n push {r4-r7, lr}\n mov r4, r8\n mov r5, r9\n mov r6, r10\n mov r7, r11\n"   \
    "push {r3-r7}\n"
#define EK_V6M_RESTORE                                                                             \
    "pop {r4-r7}\n mov r8, r4\n mov r9, r5\n mov r10, r6\n mov r11, r7\n pop {r4-r7, pc}\n"
#define EK_V6M_LOAD_HIGH                                                                           \
    "ldm r3!, {r4-r7}\n mov r8, r4\n mov r9, r5\n mov r10, r6\n mov r11, r7\n"
#define EK_V6M_STORE_HIGH                                                                          \
    "mov r4, r8\n mov r5, r9\n mov r6, r10\n mov r7, r11\n stm r3!, {r4-r7}\n"

#else
#define EK_V6M 0
#endif

#endif
