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

/* High word, in `high`, of x times m >= 0, rounded, from products of halves; x and m are used up. */
#define EK_V6M_MULTIPLY(high, low, m_low, x, m)                                                    \
    "asrs " high ", " x ", #16\n uxth " low ", " x "\n"                                            \
    "uxth " m_low ", " m "\n lsrs " m ", " m ", #16\n"                                             \
    "movs " x ", " low "\n muls " x ", " m_low ", " x "\n lsrs " x ", " x ", #16\n"                \
    "muls " m_low ", " high ", " m_low "\n adds " x ", " x ", " m_low "\n"                         \
    "muls " high ", " m ", " high "\n asrs " m_low ", " x ", #16\n"                                \
    "adds " high ", " high ", " m_low "\n"                                                         \
    "muls " low ", " m ", " low "\n uxth " x ", " x "\n adds " low ", " low ", " x "\n"            \
    "lsrs " low ", " low ", #15\n adds " low ", #1\n lsrs " low ", " low ", #1\n"                  \
    "adds " high ", " high ", " low "\n"

#else
#define EK_V6M 0
#endif

#endif
