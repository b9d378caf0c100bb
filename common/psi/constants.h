/* constants.h - the field constants of RFC 9496 section 4.1, as four little-endian 64-bit
 * words each.  tests/unit/field_model.py derives them again. */
#ifndef OV_COMMON_PSI_CONSTANTS_H
#define OV_COMMON_PSI_CONSTANTS_H

/* clang-format off: one constant a line */
/* 1 */
#define CONST_ONE                                                                        \
	0x0000000000000001, 0x0000000000000000, 0x0000000000000000, 0x0000000000000000
/* the d of the curve, -121665 / 121666 */
#define CONST_D                                                                          \
	0x75eb4dca135978a3, 0x00700a4d4141d8ab, 0x8cc740797779e898, 0x52036cee2b6ffe73
/* 2 d */
#define CONST_2D                                                                         \
	0xebd69b9426b2f159, 0x00e0149a8283b156, 0x198e80f2eef3d130, 0x2406d9dc56dffce7
/* SQRT_M1, a root of -1 */
#define CONST_SQRT_M1                                                                    \
	0xc4ee1b274a0ea0b0, 0x2f431806ad2fe478, 0x2b4d00993dfbd7a7, 0x2b8324804fc1df0b
/* ONE_MINUS_D_SQ, 1 - d^2 */
#define CONST_ONE_MINUS_D_SQ                                                             \
	0xe27c09c1945fc176, 0x2c81a138cd5e350f, 0x9994abddbe70dfe4, 0x029072a8b2b3e0d7
/* D_MINUS_ONE_SQ, (d - 1)^2 */
#define CONST_D_MINUS_ONE_SQ                                                             \
	0x31ad5aaa44ed4d20, 0xd29e4a2cb01e1999, 0x4cdcd32f529b4eeb, 0x5968b37af66c2241
/* SQRT_AD_MINUS_ONE, sqrt(-d - 1) */
#define CONST_SQRT_AD_MINUS_ONE                                                          \
	0x7e97f6a0497b2e1b, 0xaf9d8e0c1b7854bd, 0x0f3cfcc931f5d1fd, 0x376931bf2b8348ac
/* INVSQRT_A_MINUS_D, 1 / sqrt(-1 - d) */
#define CONST_INVSQRT_A_MINUS_D                                                          \
	0x99c8fdaa805d40ea, 0x9d2f16175a4172be, 0x16c27b91fe01d840, 0x786c8905cfaffca2
/* clang-format on */

#endif /* OV_COMMON_PSI_CONSTANTS_H */
