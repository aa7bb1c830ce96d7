/*
 * response_model.h
 *		The SQL types population_hours (counters) and response_model (what was fitted to them).
 */
#ifndef PERSONALIZE_VALUE_RESPONSE_MODEL_H
#define PERSONALIZE_VALUE_RESPONSE_MODEL_H

#include "base/compat.h"

#include "kernel/response_fit.h"
#include "value/response_hours.h"

#define RESPONSE_MODEL_VERSION 1

/* As they are stored, in the type response_model; storage is plain, so that nothing shortens the header, and a call need not look for the rest. */
typedef struct StoredResponseFit
{
	double		messages;
	double		held_out;
	double		visit_weight;
	float4		lags[RESPONSE_LAGS];
	float4		responses[RESPONSE_WEEK];
	float4		risk[RESPONSE_WEEK];
} StoredResponseFit;

typedef struct StoredResponseModel
{
	int32		vl_len_;
	uint32		version;
	double		half_life;
	double		customers;
	double		visit_rate;
	StoredResponseFit fits[RESPONSE_OBSERVABLES];
} StoredResponseModel;

extern void response_model_read(const StoredResponseModel *stored, ResponseModel *model);
extern Datum response_model_form(const ResponseModel *model);
/* Fails where it is damaged. */
extern const StoredResponseModel *response_model_checked(Datum value);

/* Minutes; 0 for NULL: nothing fades. */
extern int64 response_half_life(const Interval *half_life);

#endif							/* PERSONALIZE_VALUE_RESPONSE_MODEL_H */
