#include "unit.h"
void test_pair_block(void) {}
