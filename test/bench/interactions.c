/*
 * interactions.c
 *		Writes a data set of shop_data.h as rows for COPY: customer, item, in the
 *		order of time (the customers' draws interleaved).
 *
 *	test/bench/interactions S|M|D|XS [ROWS]
 */
#include "shop_data.h"

int
main(int argc, char **argv)
{
	Interactions x;
	uint64_t	limit = UINT64_MAX;
	uint64_t	rows;
	uint64_t	step;

	if (argc < 2)
	{
		fprintf(stderr, "usage: %s S|M|D|XS [ROWS]\n", argv[0]);
		return 2;
	}
	x = shop_interactions(shop_size(argv[1]));
	rows = x.start[x.customers];
	if (argc > 2)
		limit = strtoull(argv[2], NULL, 10);

	/* a step without common factors visits every row once, in an order that is no customer's */
	for (step = rows * 0.618; step > 1; step--)
	{
		uint64_t	a = rows,
					b = step;

		while (b)
		{
			uint64_t	t = a % b;

			a = b;
			b = t;
		}
		if (a == 1)
			break;
	}
	{
		uint32_t   *customer = malloc(rows * sizeof(uint32_t));

		for (uint32_t u = 0; u < x.customers; u++)
			for (uint64_t e = x.start[u]; e < x.start[u + 1]; e++)
				customer[e] = u;
		for (uint64_t i = 0, at = 0; i < rows && i < limit; i++, at = (at + step) % rows)
			printf("%u\t%u\n", customer[at] + 1, x.item[at] + 1);
		free(customer);
	}
	return 0;
}
