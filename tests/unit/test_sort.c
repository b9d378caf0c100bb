/* Sorting, tapes and pages: more than memory holds, in the memory of a little. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>
/* cmocka wants the above first */
#include <cmocka.h>

#include "client/book/paged.h"
#include "client/book/scratch.h"
#include "client/book/sort.h"

static char directory[] = "/tmp/ov-sort-XXXXXX";

/* A small generator (Knuth's MMIX constants): the same records on every machine. */
static uint64_t seed;

static uint32_t
draw(uint32_t below)
{
	seed = seed * 6364136223846793005U + 1442695040888963407U;
	return (uint32_t)(seed >> 33) % below;
}

/* Record i of a set: short and long ones, equal beginnings, zeros. */
static size_t
make_record(uint8_t *out)
{
	size_t len = 1 + (draw(50) == 0 ? draw(OV_SORT_RECORD_MAX) : draw(24));

	for (size_t i = 0; i < len; i++)
		out[i] = (uint8_t)draw(i < 10 ? 2 : 256);
	return len;
}

static int
compare(struct ov_bytes a, struct ov_bytes b)
{
	int c = memcmp(a.p, b.p, a.len < b.len ? a.len : b.len);

	return c != 0 ? c : (a.len > b.len) - (a.len < b.len);
}

/* Order independent digest: the same multiset gives the same sum. */
static uint64_t
digest(struct ov_bytes r)
{
	static const uint8_t key[16] = "test of sorting";
	uint8_t out[8];
	uint64_t sum;

	ov_siphash(out, key, r);
	memcpy(&sum, out, sizeof(sum));
	return sum;
}

static void
check_sorted(struct ov_sort *s, size_t n, uint64_t sum)
{
	uint8_t before[OV_SORT_RECORD_MAX];
	struct ov_bytes r, last = { before, 0 };
	bool any;

	assert_int_equal(ov_sort_begin(s), OV_OK);
	for (size_t i = 0; i < n; i++) {
		assert_int_equal(ov_sort_next(&any, &r, s), OV_OK);
		assert_true(any);
		assert_true(compare(last, r) <= 0);
		memcpy(before, r.p, r.len);
		last.len = r.len;
		sum -= digest(r);
	}
	assert_int_equal(ov_sort_next(&any, &r, s), OV_OK);
	assert_false(any);
	assert_int_equal(sum, 0);
}

/* The smallest memory gives runs by the hundred, merged over three levels. */
static void
records_come_sorted_from_memory_and_from_many_runs(void **state)
{
	static const size_t counts[] = { 0, 1, 2, 500, 5000, 120000 };
	uint8_t record[OV_SORT_RECORD_MAX];

	(void)state;
	for (size_t c = 0; c < sizeof(counts) / sizeof(counts[0]); c++) {
		struct ov_sort *s;
		uint64_t sum = 0;

		seed = counts[c];
		assert_int_equal(ov_sort_new(&s, directory, OV_SORT_MEMORY_MIN), OV_OK);
		for (size_t i = 0; i < counts[c]; i++) {
			size_t len = make_record(record);

			sum += digest(OV_BYTES(record, len));
			assert_int_equal(ov_sort_add(s, record, len), OV_OK);
		}
		check_sorted(s, counts[c], sum);
		check_sorted(s, counts[c], sum); /* and once more */
		assert_int_equal(ov_sort_add(s, "x", 1), OV_E_BUG);
		ov_sort_free(s);
	}
}

static void
a_sorter_refuses_what_it_cannot_hold(void **state)
{
	uint8_t record[OV_SORT_RECORD_MAX + 1] = { 0 };
	struct ov_sort *s;
	struct ov_bytes r;
	bool any;

	(void)state;
	assert_int_equal(ov_sort_new(&s, directory, OV_SORT_MEMORY), OV_OK);
	assert_int_equal(ov_sort_next(&any, &r, s), OV_E_BUG);
	assert_int_equal(ov_sort_add(s, record, 0), OV_E_BUG);
	assert_int_equal(ov_sort_add(s, record, sizeof(record)), OV_E_BUG);
	assert_int_equal(ov_sort_add(s, record, sizeof(record) - 1), OV_OK);
	ov_sort_free(s);
	ov_sort_free(NULL);
}

static void
a_tape_gives_what_was_put(void **state)
{
	uint8_t record[OV_TAPE_RECORD_MAX];
	struct ov_tape_reader first = { 0 }, second = { 0 };
	struct ov_tape *t;
	struct ov_bytes r;
	uint64_t middle = 0;
	bool any;

	(void)state;
	assert_int_equal(ov_tape_new(&t, directory), OV_OK);
	assert_int_equal(ov_tape_put(t, record, 0), OV_E_BUG);
	assert_int_equal(ov_tape_put(t, record, sizeof(record) + 1), OV_E_BUG);
	seed = 7;
	for (size_t i = 0; i < 3000; i++) {
		if (i == 1000)
			middle = ov_tape_end(t);
		assert_int_equal(ov_tape_put(t, record, make_record(record)), OV_OK);
	}
	/* the second starts in the middle, and the tape grows under both */
	assert_int_equal(ov_tape_read(&first, t, 0, ov_tape_end(t)), OV_OK);
	assert_int_equal(ov_tape_read(&second, t, middle, ov_tape_end(t)), OV_OK);
	seed = 7;
	for (size_t i = 0; i < 3000; i++) {
		size_t len = make_record(record);

		assert_int_equal(ov_tape_next(&any, &r, &first), OV_OK);
		assert_true(any && r.len == len && memcmp(r.p, record, len) == 0);
		if (i < 1000)
			continue;
		assert_int_equal(ov_tape_next(&any, &r, &second), OV_OK);
		assert_true(any && r.len == len && memcmp(r.p, record, len) == 0);
		assert_int_equal(ov_tape_put(t, record, len), OV_OK);
	}
	assert_int_equal(ov_tape_next(&any, &r, &first), OV_OK);
	assert_false(any);
	ov_tape_reader_fini(&first);
	ov_tape_reader_fini(&second);
	ov_tape_free(t);
}

/* Four times what memory holds, in an order that comes back to every page. */
static void
pages_remember_what_was_set(void **state)
{
	enum { STEP = 8191, N = 4 * OV_PAGED_MEMORY / 4 };
	struct ov_paged *a;

	(void)state;
	assert_int_equal(ov_paged_new(&a, directory), OV_OK);
	for (int round = 0; round < 2; round++) {
		uint32_t i = 0;

		for (uint32_t k = 0; k < N / 64; k++, i = (i + STEP) % N) {
			assert_int_equal(ov_paged_get(a, i), 0);
			ov_paged_set(a, i, i + 1);
		}
		i = 0;
		for (uint32_t k = 0; k < N / 64; k++, i = (i + STEP) % N) {
			assert_int_equal(ov_paged_get(a, i), i + 1);
			assert_int_equal(ov_paged_get(a, i ^ 1) == 0 ||
					     ov_paged_get(a, i ^ 1) == (i ^ 1) + 1,
			    1);
		}
		assert_int_equal(ov_paged_get(a, UINT32_MAX), 0);
		ov_paged_clear(a);
	}
	assert_int_equal(ov_paged_status(a), OV_OK);
	ov_paged_free(a);
	ov_paged_free(NULL);
}

static void
scratch_files_are_private_and_have_no_name(void **state)
{
	struct stat sb;
	int fd;

	(void)state;
	assert_int_equal(ov_scratch_open(&fd, directory), OV_OK);
	assert_int_equal(fstat(fd, &sb), 0);
	assert_int_equal(sb.st_nlink, 0);
	assert_int_equal(sb.st_mode & 07777, 0600);
	close(fd);
	assert_int_equal(ov_scratch_open(&fd, "/nowhere"), OV_E_IO);
}

/* A disk that is full: files may not grow, and everyone says so. */
static void
a_full_disk_is_told(void **state)
{
	struct rlimit old, none;
	uint8_t record[1000] = { 1 };
	struct ov_paged *a;
	struct ov_sort *s;
	enum ov_status st = OV_OK;
	int fd;

	(void)state;
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
	none = (struct rlimit){ 0, old.rlim_max };
	signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &none), 0);
	assert_int_equal(ov_sort_new(&s, directory, OV_SORT_MEMORY_MIN), OV_OK);
	for (size_t i = 0; i < 200 && st == OV_OK; i++)
		st = ov_sort_add(s, record, sizeof(record));
	assert_int_equal(st, OV_E_IO);
	ov_sort_free(s);
	assert_int_equal(ov_paged_new(&a, directory), OV_OK);
	for (uint32_t i = 0; i <= OV_PAGED_MEMORY; i += 1024)
		ov_paged_set(a, i, 1);
	assert_int_equal(ov_paged_status(a), OV_E_IO);
	assert_int_equal(ov_paged_get(a, 0), 0); /* from now on, all of them */
	ov_paged_free(a);
	assert_int_equal(ov_scratch_open(&fd, directory), OV_OK);
	assert_int_equal(ov_scratch_write(fd, 0, record, 1), OV_E_IO);
	assert_int_equal(ov_scratch_read(record, 1, fd, 0), OV_E_IO);
	close(fd);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &old), 0);
}

static int
set_up(void **state)
{
	(void)state;
	return mkdtemp(directory) == NULL;
}

static int
clean_up(void **state)
{
	(void)state;
	return rmdir(directory); /* fails where anything was left behind */
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(records_come_sorted_from_memory_and_from_many_runs),
		cmocka_unit_test(a_sorter_refuses_what_it_cannot_hold),
		cmocka_unit_test(a_tape_gives_what_was_put),
		cmocka_unit_test(pages_remember_what_was_set),
		cmocka_unit_test(scratch_files_are_private_and_have_no_name),
		cmocka_unit_test(a_full_disk_is_told),
	};

	return cmocka_run_group_tests_name("sort", tests, set_up, clean_up);
}
