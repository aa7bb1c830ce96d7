/*
 * simd.c
 *		The forms of simd_body.h, and the choice among them.
 *
 * All are built into one library and chosen while it runs, since packages are
 * built for the oldest processor that they support.
 */
#include <string.h>

#include "kernel/simd.h"

#if defined(__x86_64__) && defined(__GNUC__)
#define SIMD_X86
#include <immintrin.h>
#endif

/* 512 columns as the compiler's own vector, lowered to whatever the target has. */
typedef uint64_t Lanes __attribute__((vector_size(64), may_alias));

#define SIMD_NAME(x) plain_##x
#define SIMD_TARGET
#define SIMD_LABEL "plain"
#include "kernel/simd_body.h"

#ifdef SIMD_X86
#define SIMD_NAME(x) avx2_##x
#define SIMD_TARGET __attribute__((target("avx2")))
#define SIMD_LABEL "avx2"
#include "kernel/simd_body.h"

#define SIMD_NAME(x) avx512_##x
#define SIMD_TARGET __attribute__((target("avx512f,avx512bw,avx512vl,avx512dq")))
#define SIMD_LABEL "avx512"
#define SIMD_HAS_MASKS
#include "kernel/simd_body.h"
#endif

/* In order of width; each asks for no more than the one after it. */
int
simd_all(const Simd *const **forms)
{
	static const Simd *const all[] = {
		&plain_form,
#ifdef SIMD_X86
		&avx2_form,
		&avx512_form
#endif
	};
	int			n = 1;

#ifdef SIMD_X86
	/* the compiler's answer covers the operating system, which has to save the registers */
	__builtin_cpu_init();
	if (__builtin_cpu_supports("avx2"))
		n = 2;
	if (n == 2 && __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl") &&
		__builtin_cpu_supports("avx512dq"))
		n = 3;
#endif
	*forms = all;
	return n;
}

static const Simd *chosen;

/* Without a lock: a backend is one thread, and the choice is the same each time. */
const Simd *
simd_best(void)
{
	if (chosen == NULL)
	{
		const Simd *const *forms;
		int			n = simd_all(&forms);

		chosen = forms[n - 1];
	}
	return chosen;
}

/* Tests hold all forms against each other with it; a server never calls it. */
void
simd_choose(const Simd *form)
{
	chosen = form;
}
