/* The control of inspect.py: each function leaks a secret in one way. */
#include <immintrin.h>
#include <stdint.h>

uint64_t leaks_by_branch(const uint8_t *digits, uint64_t n);
uint64_t leaks_by_address(const uint8_t *digits, const uint64_t *table);
uint64_t leaks_by_mask(const __m512i *v, const uint64_t *p);
uint64_t leaks_through_a_call(const uint8_t *digits, const uint64_t *table);
void leaks_by_masked_access(__m512i *out, const uint8_t *digits, const __m512i *in);

uint64_t
leaks_by_branch(const uint8_t *digits, uint64_t n)
{
	volatile uint64_t sum = 0;

	for (uint64_t i = 0; i < n; i++)
		if (digits[i] & 8)
			sum += i;
	return sum;
}

uint64_t
leaks_by_address(const uint8_t *digits, const uint64_t *table)
{
	return table[digits[0] & 7];
}

uint64_t
leaks_by_mask(const __m512i *v, const uint64_t *p)
{
	volatile uint64_t x = 0;

	if (_mm512_test_epi64_mask(*v, *v) != 0)
		x = p[0];
	return x;
}

void
leaks_by_masked_access(__m512i *out, const uint8_t *digits, const __m512i *in)
{
	*out = _mm512_mask_loadu_epi64(*out, digits[0], in);
}

static __attribute__((noinline)) uint64_t
look(const uint64_t *table, uint64_t i)
{
	__asm__ volatile(""); /* not a pure function */
	return table[i];
}

uint64_t
leaks_through_a_call(const uint8_t *digits, const uint64_t *table)
{
	if (look(table, digits[1]) > 5)
		__asm__ volatile("nop");
	return look(table, digits[2]);
}
