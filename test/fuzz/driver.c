/*
 * driver.c
 *		Feeds the fuzzed functions where there is no libFuzzer: inputs made by
 *		chance, or from ones that were accepted before, the same in every run.
 *
 *	fuzz SECONDS		runs that long
 *	fuzz FILE ...		runs the files, as libFuzzer does
 */
#include <sanitizer/common_interface_defs.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "fuzz.h"

#define MAX_SIZE	2048
#define POOL		512

typedef struct Input
{
	size_t		size;
	uint8_t		data[MAX_SIZE];
} Input;

static Input pool[POOL];
static Input input;
static uint64_t state = 1;

/* splitmix64 (Steele, Lea, Flood 2014) */
static uint64_t
below(uint64_t n)
{
	uint64_t	z = (state += UINT64_C(0x9e3779b97f4a7c15));

	z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
	return (z ^ (z >> 31)) % n;
}

/* Mostly small numbers, as sizes and gaps are; some that have all bits. */
static uint8_t
random_byte(void)
{
	static const uint8_t odd[] = {0, 1, 2, 0x7f, 0x80, 0xff, 0xfe, 0xf0, 0x3f};

	switch (below(4))
	{
		case 0:
			return below(256);
		case 1:
			return odd[below(sizeof(odd))];
		default:
			return below(5);
	}
}

static void
make_input(void)
{
	input.size = 1 + below(1 + below(below(8) ? 40 : MAX_SIZE));
	for (size_t i = 0; i < input.size; i++)
		input.data[i] = random_byte();
}

/* Replaces `from` bytes at a place by `to` others, random or from another input. */
static void
splice(size_t at, size_t from, const uint8_t *bytes, size_t to)
{
	if (at + from > input.size)
		from = input.size - at;
	if (input.size - from + to > MAX_SIZE)
		return;
	memmove(input.data + at + to, input.data + at + from, input.size - at - from);
	memmove(input.data + at, bytes, to);
	input.size += to - from;
}

static void
mutate_input(void)
{
	/* varints at the ends of 32 and 64 bits, which chance would hardly find */
	static const char *const varints[] = {
		"\xff\xff\xff\xff\x0f", "\x80\x80\x80\x80\x10",
		"\xfe\xff\xff\xff\xff\xff\xff\xff\xff\x01", "\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"
	};
	const Input *other = &pool[below(POOL)];
	size_t		at = below(input.size);
	const char *varint = varints[below(4)];
	uint8_t		bytes[16];

	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = random_byte();
	switch (below(5))
	{
		case 0:
			input.data[at] ^= 1 << below(8);
			break;
		case 1:
			splice(at, below(9), bytes, below(9));
			break;
		case 2:
			if (other->size > 0)
			{
				size_t		first = below(other->size);

				splice(at, below(33), other->data + first, below(other->size - first + 1));
			}
			break;
		case 3:
			splice(at, 1, (const uint8_t *) varint, strlen(varint));
			break;
		default:
			splice(at, 1, bytes, 1);
	}
	if (input.size == 0)
		make_input();
}

static void
print_input(void)
{
	fprintf(stderr, "input, in hexadecimal:");
	for (size_t i = 0; i < input.size; i++)
		fprintf(stderr, " %02x", input.data[i]);
	fprintf(stderr, "\n");
}

static void
run_for(int seconds)
{
	time_t		end = time(NULL) + seconds;
	unsigned long runs = 0;
	unsigned long accepted = 0;

	while (runs % 256 != 0 || time(NULL) < end)
	{
		Input	   *kept = &pool[below(POOL)];

		if (kept->size == 0 || below(8) == 0)
			make_input();
		else
		{
			input = *kept;
			for (uint64_t m = 1 + below(4); m > 0; m--)
				mutate_input();
		}
		runs++;
		if (!fuzz_input(input.data, input.size))
			continue;
		accepted++;
		pool[below(POOL)] = input;
	}
	printf("%lu inputs, %lu of them accepted\n", runs, accepted);
}

static void
run_file(const char *name)
{
	FILE	   *file = fopen(name, "rb");

	if (file == NULL)
	{
		perror(name);
		exit(2);
	}
	input.size = fread(input.data, 1, MAX_SIZE, file);
	fclose(file);
	fuzz_input(input.data, input.size);
}

int
main(int argc, char **argv)
{
	int			seconds = argc == 2 ? atoi(argv[1]) : 0;

	__sanitizer_set_death_callback(print_input);
	if (seconds > 0)
		run_for(seconds);
	else
		for (int i = 1; i < argc; i++)
			run_file(argv[i]);
	return 0;
}
