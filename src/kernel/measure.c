/*
 * measure.c
 *		The measures of similarity: scores, bounds and the table of them.
 *
 * Written for exact repeatability: basic operations wherever they do, so that a
 * score is the same on every machine, and products before quotients, so that
 * whole counts stay exact as long as they can.
 *
 * Empty means that a margin, or n, is 0: nothing is known.  A ratio is 0 then;
 * what compares with independence (lift and its kin) has its value there.
 * n_ab > 0 implies positive margins, which the formulas below rely on.
 */
#include "kernel/measure.h"

#include <float.h>
#include <math.h>
#include <string.h>

/* Taken off every bound; far above what rounding can do to a score. */
#define SLACK				1e-9
/* Scores below this have lost digits to underflow, so nothing is concluded. */
#define SMALLEST_SURE		1e-290
/* Counts stay where products of five of them neither overflow nor vanish. */
#define LARGEST_COUNT		1e20
#define SMALLEST_COUNT		1e-20
/* A basket count is a sum of fractions where baskets are damped. */
#define COUNT_TOLERANCE		1e-9

/* Written so that NaN is empty, too. */
static bool
is_empty(double n_a, double n_b, double n)
{
	return !(n_a > 0 && n_b > 0 && n > 0);
}

/* No pairs score 0 even where the denominator is 0 or was never positive. */
static double
ratio(double part, double whole)
{
	return part > 0 ? part / whole : 0;
}

/* A bound made safe against rounding; negative and undefined ones say nothing. */
static double
safe_bound(double n_ab)
{
	return n_ab > 0 ? n_ab * (1 - SLACK) : 0;
}

/* pow() only where nothing simpler will do: it may differ between libraries. */
static double
power(double x, double exponent)
{
	if (exponent == 1)
		return x;
	if (exponent == 0.5)
		return sqrt(x);
	return exponent == 0 ? 1 : pow(x, exponent);
}

/* ---- ratios: n_ab / denominator, the denominator free of n_ab ---------------- */

/*
 * Parameters that a measure does not take have their defaults, 0 for shrinkage, so
 * the additions below change no bit of a plain score.  Each bound solves the
 * score for n_ab with operations that are monotone in every argument, which is
 * what makes the smallest of a group of items bound the group.
 */
static double
count_score(const MeasureParams *m, double n_ab, double n_a, double n_b, double n)
{
	return n_ab;
}

static double
count_need(const MeasureParams *m, double score, double n_a, double n_b, double n)
{
	return safe_bound(score);
}

static double
conditional_score(const MeasureParams *m, double n_ab, double n_a, double n_b, double n)
{
	return ratio(n_ab, n_a + m->shrinkage);
}

static double
conditional_need(const MeasureParams *m, double score, double n_a, double n_b, double n)
{
	return safe_bound(score * (n_a + m->shrinkage));
}

static double
cosine_score(const MeasureParams *m, double n_ab, double n_a, double n_b, double n)
{
	return ratio(n_ab, sqrt(n_a * n_b) + m->shrinkage);
}

static double
cosine_need(const MeasureParams *m, double score, double n_a, double n_b, double n)
{
	return safe_bound(score * (sqrt(n_a * n_b) + m->shrinkage));
}

/* a = 0.5 takes the cosine's own path, to be equal to it in every bit. */
static double
asymmetric_cosine_norm(const MeasureParams *m, double n_a, double n_b)
{
	if (m->a == 0.5)
		return sqrt(n_a * n_b) + m->shrinkage;
	return power(n_a, m->a) * power(n_b, 1 - m->a) + m->shrinkage;
}

static double
asymmetric_cosine_score(const MeasureParams *m, double n_ab, double n_a, double n_b, double n)
{
	return ratio(n_ab, asymmetric_cosine_norm(m, n_a, n_b));
}

static double
asymmetric_cosine_need(const MeasureParams *m, double score, double n_a, double n_b, double n)
{
	return safe_bound(score * asymmetric_cosine_norm(m, n_a, n_b));
}

static double
dice_score(const MeasureParams *m, double n_ab, double n_a, double n_b, double n)
{
	return ratio(2 * n_ab, n_a + n_b + m->shrinkage);
}

static double
dice_need(const MeasureParams *m, double score, double n_a, double n_b, double n)
{
	return safe_bound(score * (n_a + n_b + m->shrinkage) / 2);
}

/* Szymkiewicz-Simpson: 1 as soon as the rarer item never goes without the other. */
static double
overlap_score(const MeasureParams *m, double n_ab, double n_a, double n_b, double n)
{
	return ratio(n_ab, fmin(n_a, n_b) + m->shrinkage);
}

static double
overlap_need(const MeasureParams *m, double score, double n_a, double n_b, double n)
{
	return safe_bound(score * (fmin(n_a, n_b) + m->shrinkage));
}

/* Shrinkage stands inside the power and on the side of a, which is the one that may be rare. */
static double
kernel_norm(const MeasureParams *m, double n_a, double n_b)
{
	return power(n_a + m->shrinkage, m->a) * power(n_b, m->b);
}

static double
kernel_score(const MeasureParams *m, double n_ab, double n_a, double n_b, double n)
{
	return power(ratio(n_ab, kernel_norm(m, n_a, n_b)), m->p);
}

static double
kernel_need(const MeasureParams *m, double score, double n_a, double n_b, double n)
{
	if (!(score > SMALLEST_SURE))
		return 0;
	/* a high power overflows for many counts alike: the smallest of them is what is needed */
	return safe_bound(power(fmin(score, DBL_MAX), 1 / m->p) * kernel_norm(m, n_a, n_b));
}

/* ---- ratios whose denominator has n_ab in it --------------------------------- */

/* For weights this is Tanimoto's coefficient: the denominator stays positive. */
static double
jaccard_score(const MeasureParams *m, double n_ab, double n_a, double n_b, double n)
{
	return ratio(n_ab, n_a + n_b - n_ab + m->shrinkage);
}

/* Every step rises or falls with the score as a whole, rounding included. */
static double
jaccard_need(const MeasureParams *m, double score, double n_a, double n_b, double n)
{
	if (!(score > 0))
		return 0;
	return safe_bound((n_a + n_b + m->shrinkage) / (1 + 1 / score));
}

static double
tversky_score(const MeasureParams *m, double n_ab, double n_a, double n_b, double n)
{
	return ratio(n_ab, n_ab + m->a * (n_a - n_ab) + m->b * (n_b - n_ab) + m->shrinkage);
}

/*
 * 1 / score = (1 - a - b) + (a n_a + b n_b + s) / n_ab.  Near a score of 1 the
 * difference below loses its digits, so that it needs a slack of its own; where
 * it is negative no count reaches the score.
 */
static double
tversky_need(const MeasureParams *m, double score, double n_a, double n_b, double n)
{
	double		scale;

	if (!(score > 0))
		return 0;
	scale = 1 / score + (m->a + m->b - 1) + SLACK;
	if (scale <= 0)
		return INFINITY;
	return safe_bound((m->a * n_a + m->b * n_b + m->shrinkage) / scale);
}

/* ---- against independence ---------------------------------------------------- */

/* One quotient where there is no shrinkage: whole counts give a correctly rounded lift. */
static double
lift_score(const MeasureParams *m, double n_ab, double n_a, double n_b, double n)
{
	if (is_empty(n_a, n_b, n))
		return 1;
	if (m->shrinkage == 0)
		return n_ab * n / (n_a * n_b);
	return n_ab / (n_a * n_b / n + m->shrinkage);
}

static double
lift_need(const MeasureParams *m, double score, double n_a, double n_b, double n)
{
	if (is_empty(n_a, n_b, n))
		return 0;
	return safe_bound(score * (n_a * n_b / n + m->shrinkage));
}

/* Through lift, so that pmi is 0 exactly where lift is 1. */
static double
pmi_score(const MeasureParams *m, double n_ab, double n_a, double n_b, double n)
{
	return log(lift_score(m, n_ab, n_a, n_b, n));
}

static double
pmi_need(const MeasureParams *m, double score, double n_a, double n_b, double n)
{
	return lift_need(m, exp(score), n_a, n_b, n);
}

/*
 * With n_ab = n both logarithms are 0; the pair is in every basket, so it tells
 * nothing beyond popularity, as at independence.  The clamp takes back what the
 * division may round beyond 1.
 */
static double
npmi_score(const MeasureParams *m, double n_ab, double n_a, double n_b, double n)
{
	if (is_empty(n_a, n_b, n) || n_ab >= n)
		return 0;
	if (n_ab == 0)
		return -1;
	return fmax(-1, fmin(1, pmi_score(m, n_ab, n_a, n_b, n) / log(n / n_ab)));
}

/* npmi + 1 = ln(n^2 / (n_a n_b)) / ln(n / n_ab), solved for n_ab.  Near -1 the sum is all rounding, hence a slack of its own. */
static double
npmi_need(const MeasureParams *m, double score, double n_a, double n_b, double n)
{
	double		sum = score + 1 - SLACK;

	if (!(sum > 0))
		return 0;
	return safe_bound(n * exp(-log(n * n / (n_a * n_b)) / sum));
}

/*
 * What is in every basket follows from anything, hence 1 before infinity.  Not so for a count below n_a, which only sums with decay can have then:
 * 1 there would be a score that no count is needed for, and the bound below must not fall where n_b grows.
 */
static double
conviction_score(const MeasureParams *m, double n_ab, double n_a, double n_b, double n)
{
	if (is_empty(n_a, n_b, n))
		return 1;
	if (n_ab >= n_a)
		return n_b == n ? 1 : INFINITY;
	return n_a * (n - n_b) / (n * (n_a - n_ab));
}

/* The difference needs a slack of its own, as in tversky_need. */
static double
conviction_need(const MeasureParams *m, double score, double n_a, double n_b, double n)
{
	if (!(score > 0))
		return 0;
	return safe_bound(n_a * (1 - (n - n_b) / n / score - SLACK));
}

static double
leverage_score(const MeasureParams *m, double n_ab, double n_a, double n_b, double n)
{
	return is_empty(n_a, n_b, n) ? 0 : (n_ab - n_a * n_b / n) / n;
}

/* A negative score cancels against the expectation, so each term has its slack. */
static double
leverage_need(const MeasureParams *m, double score, double n_a, double n_b, double n)
{
	double		slack = score > 0 ? 1 - SLACK : 1 + SLACK;

	return safe_bound(score * n * slack + n_a * n_b / n * (1 - SLACK));
}

/*
 * The variance is that of ln lift for independent items.  It falls below 0 where
 * n_ab comes close to a margin, and counts as 0 there.
 */
static double
lift_lower_bound_score(const MeasureParams *m, double n_ab, double n_a, double n_b, double n)
{
	double		variance;

	if (is_empty(n_a, n_b, n) || n_ab == 0)
		return 0;
	variance = 1 / n_ab - 1 / n_a - 1 / n_b + 1 / n;
	return lift_score(m, n_ab, n_a, n_b, n) * exp(-m->z * sqrt(fmax(variance, 0)));
}

/* ---- tests of independence over the whole 2 x 2 table ------------------------ */

/*
 * n times the distance of every cell from its expectation.  Taken from the cells,
 * because n * n_ab - n_a * n_b loses its digits where an item is in nearly every
 * basket.
 */
static double
determinant(double n_ab, double n_a, double n_b, double n)
{
	return n_ab * (n - n_a - n_b + n_ab) - (n_a - n_ab) * (n_b - n_ab);
}

/* One row or column of the table is empty: nothing can depend on it. */
static bool
is_degenerate(double n_a, double n_b, double n)
{
	return is_empty(n_a, n_b, n) || n_a >= n || n_b >= n;
}

static double
chi_square_score(const MeasureParams *m, double n_ab, double n_a, double n_b, double n)
{
	double		d = determinant(n_ab, n_a, n_b, n);

	if (is_degenerate(n_a, n_b, n))
		return 0;
	return n * d * d / (n_a * n_b * (n - n_a) * (n - n_b));
}

/*
 * k ln(k / E) - (k - E) for a cell k that is `away` from its expectation E.  The
 * four differences sum to 0, so the parts sum to what k ln(k / E) sums to, but
 * none is negative and nothing cancels.  Near E the logarithm loses its digits;
 * the series for it is Loader's (2000, "Fast and accurate computation of binomial
 * probabilities", bd0).
 */
static double
cell_deviance(double k, double expected, double away)
{
	double		v = away / (k + expected);
	double		sum = away * v;
	double		term = 2 * k * v;

	if (k == 0)
		return expected;
	if (fabs(v) >= 0.1)
		return fmax(k * log(k / expected) - away, 0);
	for (int odd = 3; odd < 50; odd += 2)
	{
		double		last = sum;

		term *= v * v;
		sum += term / odd;
		if (sum == last)
			break;
	}
	return sum;
}

static double
llr_score(const MeasureParams *m, double n_ab, double n_a, double n_b, double n)
{
	double		away = determinant(n_ab, n_a, n_b, n) / n;
	double		neither = fmax(n - n_a - n_b + n_ab, 0);
	double		llr;

	if (is_degenerate(n_a, n_b, n))
		return 0;
	llr = 2 * (cell_deviance(n_ab, n_a * n_b / n, away) +
			   cell_deviance(n_a - n_ab, n_a * (n - n_b) / n, -away) +
			   cell_deviance(n_b - n_ab, (n - n_a) * n_b / n, -away) +
			   cell_deviance(neither, (n - n_a) * (n - n_b) / n, away));
	/* Smaller than what entropies of these counts can tell apart: independent. */
	return llr > n * log(n) * 0x1p-52 ? llr : 0;
}

/* The sign comes second, so that independence is 0 and never -0. */
static double
signed_root_llr_score(const MeasureParams *m, double n_ab, double n_a, double n_b, double n)
{
	double		root = sqrt(llr_score(m, n_ab, n_a, n_b, n));

	return root > 0 && determinant(n_ab, n_a, n_b, n) < 0 ? -root : root;
}

/* ---- the table --------------------------------------------------------------- */

#define S MEASURE_SHRINKAGE
#define A MEASURE_A
#define B MEASURE_B
#define P MEASURE_P
#define Z MEASURE_Z

/*
 * The bound of lift serves lift_lower_bound too, which never exceeds it.  chi_square
 * and llr fall and rise again with n_ab, and the signed root has no closed form.
 */
const MeasureInfo measure_table[] = {
	{"count", NULL, 0, false, false, false, {.shrinkage = 0},
	count_score, count_need, "n_ab"},
	{"conditional", "confidence", S, true, false, false, {.shrinkage = 0},
	conditional_score, conditional_need, "n_ab / (n_a + shrinkage)"},
	{"cosine", NULL, S, false, true, false, {.shrinkage = 0},
	cosine_score, cosine_need, "n_ab / (sqrt(n_a * n_b) + shrinkage)"},
	{"asymmetric_cosine", NULL, S | A, false, true, false, {.a = 0.5},
	asymmetric_cosine_score, asymmetric_cosine_need, "n_ab / (n_a^a * n_b^(1 - a) + shrinkage)"},
	{"jaccard", NULL, S, false, true, false, {.shrinkage = 0},
	jaccard_score, jaccard_need, "n_ab / (n_a + n_b - n_ab + shrinkage)"},
	{"dice", NULL, S, false, true, false, {.shrinkage = 0},
	dice_score, dice_need, "2 * n_ab / (n_a + n_b + shrinkage)"},
	{"overlap", NULL, S, true, true, false, {.shrinkage = 0},
	overlap_score, overlap_need, "n_ab / (least(n_a, n_b) + shrinkage)"},
	{"tversky", NULL, S | A | B, true, true, false, {.a = 1, .b = 1},
	tversky_score, tversky_need, "n_ab / (n_ab + a * (n_a - n_ab) + b * (n_b - n_ab) + shrinkage)"},
	{"lift", NULL, S, true, true, true, {.shrinkage = 0},
	lift_score, lift_need, "n_ab / (n_a * n_b / n + shrinkage)"},
	{"pmi", NULL, 0, true, true, true, {.shrinkage = 0},
	pmi_score, pmi_need, "ln(n_ab * n / (n_a * n_b))"},
	{"npmi", NULL, 0, true, true, true, {.shrinkage = 0},
	npmi_score, npmi_need, "pmi / ln(n / n_ab)"},
	{"conviction", NULL, 0, true, true, true, {.shrinkage = 0},
	conviction_score, conviction_need, "n_a * (n - n_b) / (n * (n_a - n_ab))"},
	{"leverage", NULL, 0, true, true, true, {.shrinkage = 0},
	leverage_score, leverage_need, "n_ab / n - n_a * n_b / n^2"},
	{"chi_square", NULL, 0, true, true, true, {.shrinkage = 0},
	chi_square_score, NULL, "n * (n_ab * n - n_a * n_b)^2 / (n_a * n_b * (n - n_a) * (n - n_b))"},
	{"llr", NULL, 0, true, true, true, {.shrinkage = 0},
	llr_score, NULL, "2 * sum of k * ln(k / E) over the four cells, E = row * column / n"},
	{"signed_root_llr", NULL, 0, true, true, true, {.shrinkage = 0},
	signed_root_llr_score, NULL, "sqrt(llr), negative where n_ab < n_a * n_b / n"},
	{"lift_lower_bound", NULL, Z, true, true, true, {.z = 1.96},
	lift_lower_bound_score, lift_need, "exp(ln lift - z * sqrt(1/n_ab - 1/n_a - 1/n_b + 1/n))"},
	{"kernel", NULL, S | A | B | P, false, true, false, {.a = 0.6, .b = 0.3, .p = 1},
	kernel_score, kernel_need, "(n_ab / ((n_a + shrinkage)^a * n_b^b))^p"},
};

#undef S
#undef A
#undef B
#undef P
#undef Z

const int	measure_table_size = sizeof(measure_table) / sizeof(measure_table[0]);

const MeasureInfo *
measure_find(const char *name)
{
	for (int i = 0; i < measure_table_size; i++)
	{
		const MeasureInfo *info = &measure_table[i];

		if (strcmp(info->name, name) == 0 ||
			(info->alias != NULL && strcmp(info->alias, name) == 0))
			return info;
	}
	return NULL;
}

/* Outside of these ranges nothing is meant, and powers could overflow. */
int
measure_check_params(const MeasureInfo *info, const MeasureParams *params, const char **range)
{
	bool		mixes = info->score == asymmetric_cosine_score;
	const struct
	{
		int			param;
		double		value;
		double		low;
		double		high;
		const char *range;
	}			limits[] = {
		{MEASURE_SHRINKAGE, params->shrinkage, 0, LARGEST_COUNT, "between 0 and 1e20"},
		{MEASURE_A, params->a, 0, mixes ? 1 : 10, mixes ? "between 0 and 1" : "between 0 and 10"},
		{MEASURE_B, params->b, 0, 10, "between 0 and 10"},
		{MEASURE_P, params->p, 0.01, 100, "between 0.01 and 100"},
		{MEASURE_Z, params->z, 0, 100, "between 0 and 100"},
	};

	for (int i = 0; i < MEASURE_NUM_PARAMS; i++)
	{
		*range = limits[i].range;
		/* written so that NaN fails */
		if ((info->takes & limits[i].param) &&
			!(limits[i].value >= limits[i].low && limits[i].value <= limits[i].high))
			return limits[i].param;
	}
	return 0;
}

/* NaN fails the comparisons, too. */
static bool
is_count(double x)
{
	return x == 0 || (x >= SMALLEST_COUNT && x <= LARGEST_COUNT);
}

const char *
measure_check_counts(double n_ab, double n_a, double n_b, double n)
{
	/* only the last check needs it: the others compare counts as they came */
	double		tolerance = COUNT_TOLERANCE * n;

	if (!is_count(n_ab) || !is_count(n_a) || !is_count(n_b) || !is_count(n))
		return "a count must be 0 or between 1e-20 and 1e20";
	if (n_ab > n_a)
		return "n_ab is larger than n_a";
	if (n_ab > n_b)
		return "n_ab is larger than n_b";
	if (n_a > n)
		return "n_a is larger than n";
	if (n_b > n)
		return "n_b is larger than n";
	if (n_a + n_b - n_ab > n + tolerance)
		return "n_a + n_b - n_ab, the baskets with either, is larger than n";
	return NULL;
}
