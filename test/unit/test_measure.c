#include "kernel/measure.h"
#include "unit.h"

void
test_measure(void)
{
	CHECK(measure_find("cosine") != NULL);
	CHECK(measure_find("cosin") == NULL);
}
