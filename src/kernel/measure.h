/*
 * measure.h
 *		Similarity of two items from four counts: baskets with both, with a,
 *		with b, and all.
 *
 * One table (measure.c) is the only place that knows a measure: its names, the
 * parameters it takes, its formula and, where there is one, its bound.
 */
#ifndef PERSONALIZE_MEASURE_H
#define PERSONALIZE_MEASURE_H

#include <stdbool.h>
#include <stdint.h>

/* Parameters that a measure may take; a bit each, in the order of MeasureParams. */
#define MEASURE_SHRINKAGE	0x01
#define MEASURE_A			0x02
#define MEASURE_B			0x04
#define MEASURE_P			0x08
#define MEASURE_Z			0x10
#define MEASURE_NUM_PARAMS	5

typedef struct MeasureParams
{
	double		shrinkage;		/* s, added to the denominator; >= 0 */
	double		a;				/* exponent or weight on the side of item a */
	double		b;				/* the same for item b */
	double		p;				/* exponent of the whole, kernel only; > 0 */
	double		z;				/* normal quantile of a confidence bound; >= 0 */
} MeasureParams;

typedef struct MeasureInfo MeasureInfo;

struct MeasureInfo
{
	const char *name;
	const char *alias;			/* a second name, or NULL */
	int			takes;			/* MEASURE_* bits */
	bool		contingency;	/* needs n_ab <= n_a <= n: not for weighted matrices */
	/* what else than n_ab and n_a a score depends on: a change of it asks for new scores */
	bool		uses_neighbor;	/* n_b */
	bool		uses_total;		/* n */
	MeasureParams defaults;
	double		(*score) (const MeasureParams *params, double n_ab, double n_a, double n_b, double n);
	/* see measure_need; NULL where no bound is known */
	double		(*need) (const MeasureParams *params, double score, double n_a, double n_b, double n);
	const char *formula;		/* one line, for people */
};

/* A measure with its parameters filled in and checked. */
typedef struct Measure
{
	const MeasureInfo *info;
	MeasureParams params;
} Measure;

extern const MeasureInfo measure_table[];
extern const int measure_table_size;

/* By name or alias, exact spelling; NULL if there is none. */
extern const MeasureInfo *measure_find(const char *name);

/*
 * The parameter (a MEASURE_* bit) that is out of its range for this measure, 0 if
 * none; the range is described in *range.
 */
extern int	measure_check_params(const MeasureInfo *info, const MeasureParams *params, const char **range);

/* What contradicts itself in the four counts, or NULL: for error messages. */
extern const char *measure_check_counts(double n_ab, double n_a, double n_b, double n);

static inline double
measure_score(const Measure *m, double n_ab, double n_a, double n_b, double n)
{
	return m->info->score(&m->params, n_ab, n_a, n_b, n);
}

/*
 * A lower bound of the n_ab that scores at least `score`: any smaller n_ab scores
 * strictly less, rounding included.  It never falls when score, n_a or n_b grow,
 * so the smallest of each in a group of items bounds the group.  0 where nothing
 * can be said.
 */
static inline double
measure_need(const Measure *m, double score, double n_a, double n_b, double n)
{
	return m->info->need ? m->info->need(&m->params, score, n_a, n_b, n) : 0;
}

#endif							/* PERSONALIZE_MEASURE_H */
