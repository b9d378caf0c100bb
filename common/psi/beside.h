/* beside.h - what a product takes along: carries of earlier sums, and the search for an
 * element in a table.
 *
 * Included by a field after its types.  A product is all multiplications, a carry or a
 * search has none: a processor that is given the one between the rows of the other does
 * both at once, while one after the other each waits for units that the other leaves
 * idle.  NOTES.md has what that is worth.
 */
#ifndef OV_COMMON_PSI_BESIDE_H
#define OV_COMMON_PSI_BESIDE_H

#define WINDOW 4
#define TABLE (1 << (WINDOW - 1)) /* elements of a table: for digits 1 to 8 */

/* r = carry of w; r may be NULL: nothing to carry. */
struct carrying {
	struct fe *r;
	const struct wide *w;
};

/* The element that one column of a table has for a digit.  Secret is which one: all of
 * the column is read, in the same way for every digit. */
struct searching {
	struct fe found;	     /* before the search: what digit 0 finds */
	const struct stored *column; /* TABLE elements; NULL: found already */
	size_t stride;		     /* bytes from one to the next */
	const all_mask *is;	     /* [j] is set where the digit is j, or -j */
};

/* All that it names is done when the product is, and is not
 * what the product reads or writes. */
struct beside {
	struct carrying carry[2];
	struct searching *search;
};
#define BESIDE(...) ((struct beside){ __VA_ARGS__ })
#define NOTHING_BESIDE BESIDE(.search = NULL)

#endif /* OV_COMMON_PSI_BESIDE_H */
