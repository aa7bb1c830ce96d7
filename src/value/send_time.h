/*
 * send_time.h
 *		What the functions about send times share: models with their rates, a customer seen through them, hours that are allowed.
 */
#ifndef PERSONALIZE_VALUE_SEND_TIME_H
#define PERSONALIZE_VALUE_SEND_TIME_H

#include "base/compat.h"

#include "kernel/send_time.h"
#include "value/response_model.h"

/* --- send_time_models.c ------------------------------------------------------ */

/* A model that came last, and what follows from it. */
typedef struct SendTimeModel
{
	bool		known;
	StoredResponseModel stored;
	ResponseModel model;
	ResponseRates rates[RESPONSE_OBSERVABLES];
} SendTimeModel;

typedef struct SendTimeModels
{
	ServerEnv	server;
	bool		has_population;
	bool		has_segment;
	SendTimeModel population;	/* the default where there is none */
	SendTimeModel segment;		/* with rates that are shrunk to the population's */
	ResponseHours hours;		/* room for the customer of the call */
} SendTimeModels;

typedef struct SendTimeCustomer
{
	ResponseObservable observable;
	ResponseSource source;
	double		messages;		/* effective number */
	ResponseEvidence evidence;
} SendTimeCustomer;

extern void send_time_models_init(SendTimeModels *models, MemoryContext context);
/* Values of type response_model, or NULL. */
extern void send_time_models_read(SendTimeModels *models, const Datum *population, const Datum *segment);
/* A response_hours or NULL; leaves its messages in models->hours. */
extern void send_time_customer(SendTimeModels *models, const Datum *hours, int32 as_of, SendTimeCustomer *customer, ResponsePosterior *posterior);
/* The rates that a customer's shrink to. */
extern const ResponseRates *send_time_rates(const SendTimeModels *models, ResponseObservable observable);
extern const char *send_time_source_name(ResponseSource source);

/* --- send_time_hours.c ------------------------------------------------------- */

typedef struct SendHoursTexts
{
	MemoryContext context;
	text	   *texts[3];		/* as they came last: quiet, legal, weekdays */
	bool		known;
	SendHours	allowed;
} SendHoursTexts;

/* Texts may be NULL: nothing is quiet, everything is legal. */
extern void send_hours_read(SendHoursTexts *hours, text *quiet, text *legal, text *weekdays);

#endif							/* PERSONALIZE_VALUE_SEND_TIME_H */
