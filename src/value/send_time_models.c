/*
 * send_time_models.c
 *		Models as call sites keep them, and a customer seen through them.
 */
#include "value/send_time.h"

void
send_time_models_init(SendTimeModels *m, MemoryContext context)
{
	memset(m, 0, sizeof(SendTimeModels));
	server_env_init(&m->server, context);
	response_init(&m->hours);
}

/* Whether it is another than before.  A model is one value for all customers, so comparing is cheaper than what follows from it. */
static bool
read_model(SendTimeModel *m, const Datum *value)
{
	const StoredResponseModel *stored = response_model_checked(*value);

	if (m->known && memcmp(&m->stored, stored, sizeof(StoredResponseModel)) == 0)
		return false;
	m->stored = *stored;
	m->known = true;
	response_model_read(stored, &m->model);
	return true;
}

/* A segment's rates follow from the population's, so they are computed again when either is another. */
static void
set_rates(SendTimeModels *m, bool population_changed)
{
	for (int o = 0; o < RESPONSE_OBSERVABLES; o++)
	{
		if (population_changed)
			response_rates(&m->population.rates[o], &m->population.model.fits[o]);
		if (m->has_segment)
			response_segment_rates(&m->segment.rates[o], &m->population.rates[o], &m->segment.model.fits[o]);
	}
}

void
send_time_models_read(SendTimeModels *m, const Datum *population, const Datum *segment)
{
	bool		changed = false;
	bool		segment_changed = false;

	if (population != NULL)
		changed = read_model(&m->population, population) || !m->has_population;
	else if (m->has_population || !m->population.known)
	{
		response_fit_default(&m->population.model);
		memset(&m->population.stored, 0, sizeof(StoredResponseModel));
		m->population.known = changed = true;
	}
	m->has_population = population != NULL;
	if (segment != NULL)
		segment_changed = read_model(&m->segment, segment) || !m->has_segment;
	m->has_segment = segment != NULL;
	if (changed || segment_changed)
		set_rates(m, changed);
}

const ResponseRates *
send_time_rates(const SendTimeModels *m, ResponseObservable observable)
{
	return m->has_segment ? &m->segment.rates[observable] : &m->population.rates[observable];
}

/* Whatever has most weight; with nothing at all there is no more than a default. */
static ResponseSource
source_of(const SendTimeModels *m, const SendTimeCustomer *c, const ResponsePosterior *p)
{
	bool		population = m->population.model.fits[c->observable].messages > 0;
	bool		segment = m->has_segment && m->segment.model.fits[c->observable].messages > 0;

	if (p->weight > RESPONSE_CUSTOMER_PRIOR || (p->weight > 0 && !population && !segment))
		return RESPONSE_BY_CUSTOMER;
	if (segment && (m->segment.rates[c->observable].weight > RESPONSE_SEGMENT_PRIOR || !population))
		return RESPONSE_BY_SEGMENT;
	return population ? RESPONSE_BY_POPULATION : RESPONSE_BY_DEFAULT;
}

void
send_time_customer(SendTimeModels *m, const Datum *hours, int32 as_of, SendTimeCustomer *c, ResponsePosterior *p)
{
	const ResponseModel *model = &m->population.model;
	const ResponseRates *rates;

	m->hours.num_messages = m->hours.num_visits = 0;
	m->hours.count = 0;
	m->hours.first = RESPONSE_END_MINUTE;
	if (hours != NULL)
		response_read(*hours, &m->server.env, &m->hours);
	c->observable = response_observable(&m->hours, as_of);
	rates = send_time_rates(m, c->observable);
	response_evidence(&c->evidence, &m->hours, c->observable, &model->fits[c->observable], rates, model->half_life, as_of);
	c->messages = c->evidence.messages;
	response_posterior(p, &c->evidence, rates, model->fits[c->observable].visit_weight, model->visit_rate);
	c->source = source_of(m, c, p);
}

const char *
send_time_source_name(ResponseSource source)
{
	static const char *const names[] = {"customer", "segment", "population", "default"};

	return names[source];
}
