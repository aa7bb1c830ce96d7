/*
 * response_counts.c
 *		Responses and time at risk of many customers.
 */
#include "kernel/response_counts.h"

#define LOOK_BACK 10

void
response_counts_init(ResponseCounts *c, int64_t half_life)
{
	memset(c, 0, sizeof(ResponseCounts));
	c->decay.half_life = half_life;
}

void
response_counts_release(Env *env, ResponseCounts *c)
{
	for (uint32_t i = 0; i < c->num_epochs; i++)
		env_release(env, c->epochs[i]);
	c->num_epochs = 0;
}

/* --- what one customer says ------------------------------------------------- */

bool
response_observe(const ResponseMessage *m, ResponseObservable observable, int32_t as_of, int *minutes, bool *responded)
{
	int			lag = observable == RESPONSE_OPEN ? m->opened : m->clicked;
	int32_t		passed = as_of - m->minute;

	if (passed < 0 || (observable == RESPONSE_OPEN && m->machine))
		return false;
	*responded = lag != RESPONSE_NONE && lag <= passed;
	*minutes = *responded ? lag : passed < RESPONSE_MINUTES ? passed : RESPONSE_MINUTES;
	return true;
}

ResponseObservable
response_observable(const ResponseHours *h, int32_t as_of)
{
	uint32_t	seen = 0;
	uint32_t	by_machine = 0;

	for (uint32_t i = 0; i < h->num_messages && seen < LOOK_BACK; i++)
		if (h->messages[i].minute <= as_of)
		{
			seen++;
			by_machine += h->messages[i].machine;
		}
	return seen > 0 && by_machine * 10 >= seen * 8 ? RESPONSE_CLICK : RESPONSE_OPEN;
}

double
response_days(const ResponseHours *h, int32_t as_of)
{
	int32_t		from = as_of - RESPONSE_VISIT_DAYS * RESPONSE_DAY;

	if (h->first > from)
		from = h->first;
	/* of more visits than are kept, nobody knows how many there were before */
	if (h->num_visits == RESPONSE_VISITS && response_visit_minute(&h->visits[h->num_visits - 1]) > from)
		from = response_visit_minute(&h->visits[h->num_visits - 1]);
	return from < as_of ? (double) (as_of - from) / RESPONSE_DAY : 0;
}

/* --- epochs ----------------------------------------------------------------- */

/* The caller has seen to it that there is room. */
static ResponseEpoch *
insert_epoch(Env *env, ResponseCounts *c, uint32_t place, int32_t epoch)
{
	ResponseEpoch *e = env_alloc0(env, 1, sizeof(ResponseEpoch));

	memmove(&c->epochs[place + 1], &c->epochs[place], (c->num_epochs - place) * sizeof(ResponseEpoch *));
	c->num_epochs++;
	e->epoch = epoch;
	return c->epochs[place] = e;
}

static void
drop_first(Env *env, ResponseCounts *c)
{
	env_release(env, c->epochs[0]);
	c->num_epochs--;
	memmove(c->epochs, c->epochs + 1, c->num_epochs * sizeof(ResponseEpoch *));
}

/* NULL where the epoch is too long ago to count beside the latest. */
static ResponseEpoch *
find_epoch(Env *env, ResponseCounts *c, int32_t epoch)
{
	uint32_t	place = c->num_epochs;

	while (place > 0 && c->epochs[place - 1]->epoch > epoch)
		place--;
	if (place > 0 && c->epochs[place - 1]->epoch == epoch)
		return c->epochs[place - 1];
	if (c->num_epochs > 0 && (int64_t) epoch < (int64_t) c->epochs[c->num_epochs - 1]->epoch - DECAY_KEPT_EPOCHS)
		return NULL;
	/* a new latest one may leave others too far behind */
	while (place == c->num_epochs && c->num_epochs > 0 && c->epochs[0]->epoch < (int64_t) epoch - DECAY_KEPT_EPOCHS)
	{
		drop_first(env, c);
		place--;
	}
	return insert_epoch(env, c, place, epoch);
}

/* --- a message -------------------------------------------------------------- */

static int
wrap(int week_hour)
{
	return week_hour < RESPONSE_WEEK ? week_hour : week_hour - RESPONSE_WEEK;
}

/*
 * Minutes at risk from lag minute `from` to `until`, for a message that was delivered at `start` by the clock of then: each hour of lag lies in two hours
 * of the day, the second of which is lag 0 of the row after.
 */
static void
add_risk(ResponseTable *t, int32_t start, int from, int until, int64_t weight)
{
	int32_t		hour = response_floor_div(start, 60);
	int			past = start - hour * 60;
	int			row = response_week_hour(hour);
	int64_t    *first = t->risk[row];
	int64_t    *second = t->risk[wrap(row + 1)];
	int64_t		first_whole = weight * (60 - past);
	int64_t		second_whole = weight * past;
	int			d = from / 60;

	if (from % 60 == 0)
		for (; (d + 1) * 60 <= until; d++)
		{
			first[d] += first_whole;
			second[d] += second_whole;
		}
	for (; d * 60 < until; d++)
	{
		int			low = from > d * 60 ? from : d * 60;
		int			high = until < (d + 1) * 60 ? until : (d + 1) * 60;
		int			turn = (d + 1) * 60 - past;

		first[d] += weight * (high <= turn ? high - low : low < turn ? turn - low : 0);
		second[d] += weight * (low >= turn ? high - low : high > turn ? high - turn : 0);
	}
}

/* Where the clock is changed on the way, the rest of the lags stand in another row. */
static void
add_message(ResponseTable *t, const ResponseMessage *m, int minutes, bool responded, int64_t weight)
{
	int32_t		start = m->minute + m->offset;
	int			change = m->change_at > 0 && m->change_at < minutes ? m->change_at : minutes;

	t->messages += weight;
	add_risk(t, start, 0, change, weight);
	if (change < minutes)
		add_risk(t, start + m->change_by, change, minutes, weight);
	if (responded)
	{
		int32_t		at = start + minutes + (m->change_at > 0 && minutes >= m->change_at ? m->change_by : 0);

		t->responses[response_week_hour(response_floor_div(at, 60))] += weight;
		t->lags[minutes / 60] += weight;
	}
}

static int64_t
count_visits(const ResponseHours *h, int32_t as_of)
{
	int64_t		n = 0;

	for (uint32_t i = 0; i < h->num_visits; i++)
	{
		int32_t		minute = response_visit_minute(&h->visits[i]);

		n += minute <= as_of && minute > as_of - RESPONSE_VISIT_DAYS * RESPONSE_DAY;
	}
	return n;
}

void
response_counts_add(Env *env, ResponseCounts *c, const ResponseHours *h, int32_t as_of, int sign)
{
	for (uint32_t i = 0; i < h->num_messages; i++)
	{
		const ResponseMessage *m = &h->messages[i];
		int64_t		weight = sign * ((decay_weight(&c->decay, m->minute) + 128) >> 8);
		ResponseEpoch *e = m->minute > as_of ? NULL : find_epoch(env, c, decay_epoch(&c->decay, m->minute));

		for (int o = 0; e != NULL && o < RESPONSE_OBSERVABLES; o++)
		{
			int			minutes;
			bool		responded;

			if (response_observe(m, o, as_of, &minutes, &responded))
				add_message(&e->tables[o], m, minutes, responded, weight);
		}
	}
	c->customers += sign;
	c->visits += sign * count_visits(h, as_of);
	c->days += sign * (int64_t) response_days(h, as_of);
}

/* --- merging ---------------------------------------------------------------- */

static bool
add_checked(int64_t *sum, int64_t more)
{
	*sum += more;
	return *sum <= RESPONSE_MAX_SUM && *sum >= -RESPONSE_MAX_SUM;
}

/* A table is nothing but counters. */
static bool
add_table(ResponseTable *t, const ResponseTable *other)
{
	int64_t    *sum = (int64_t *) t;
	const int64_t *more = (const int64_t *) other;
	bool		ok = true;

	for (size_t i = 0; i < sizeof(ResponseTable) / sizeof(int64_t); i++)
		ok &= add_checked(&sum[i], more[i]);
	return ok;
}

bool
response_counts_merge(Env *env, ResponseCounts *c, const ResponseCounts *other)
{
	bool		ok = add_checked(&c->customers, other->customers);

	ok &= add_checked(&c->visits, other->visits);
	ok &= add_checked(&c->days, other->days);
	for (uint32_t i = 0; i < other->num_epochs; i++)
	{
		ResponseEpoch *e = find_epoch(env, c, other->epochs[i]->epoch);

		for (int o = 0; e != NULL && o < RESPONSE_OBSERVABLES; o++)
			ok &= add_table(&e->tables[o], &other->epochs[i]->tables[o]);
	}
	return ok;
}

/* --- bytes ------------------------------------------------------------------ */

static bool
is_empty(const ResponseEpoch *e)
{
	return e->tables[RESPONSE_OPEN].messages == 0 && e->tables[RESPONSE_CLICK].messages == 0;
}

static unsigned char *
put_numbers(unsigned char *p, const int64_t *numbers, int n)
{
	for (int i = 0; i < n; i++)
		p = wire_put_varint(p, (uint64_t) numbers[i]);
	return p;
}

/* Messages that nobody answers are at risk equally long at every lag: differences are then 0, and take a byte. */
static unsigned char *
put_row(unsigned char *p, const int64_t *row)
{
	int			n = RESPONSE_LAGS;
	int64_t		before = 0;

	while (n > 0 && row[n - 1] == 0)
		n--;
	*p++ = (unsigned char) n;
	for (int d = 0; d < n; before = row[d++])
		p = wire_put_varint(p, wire_zigzag(row[d] - before));
	return p;
}

static unsigned char *
put_table(unsigned char *p, const ResponseTable *t)
{
	p = wire_put_varint(p, (uint64_t) t->messages);
	p = put_numbers(p, t->responses, RESPONSE_WEEK);
	p = put_numbers(p, t->lags, RESPONSE_LAGS);
	for (int h = 0; h < RESPONSE_WEEK; h++)
		p = put_row(p, t->risk[h]);
	return p;
}

/* An epoch without messages is as good as none. */
unsigned char *
response_counts_encode(Env *env, const ResponseCounts *c, size_t reserve, size_t *size)
{
	size_t		most = 64 + c->num_epochs * (16 + (sizeof(ResponseEpoch) / sizeof(int64_t)) * WIRE_MAX_VARINT + 2 * RESPONSE_WEEK);
	unsigned char *bytes = env_alloc(env, reserve + most, 1);
	unsigned char *p = bytes + reserve;
	uint32_t	n = 0;

	for (uint32_t i = 0; i < c->num_epochs; i++)
		n += !is_empty(c->epochs[i]);
	*p++ = RESPONSE_COUNTS_VERSION;
	p = wire_put_varint(p, (uint64_t) c->decay.half_life);
	p = put_numbers(p, (const int64_t[]) {c->customers, c->visits, c->days}, 3);
	p = wire_put_varint(p, n);
	for (uint32_t i = 0; i < c->num_epochs; i++)
		if (!is_empty(c->epochs[i]))
		{
			p = wire_put_varint(p, wire_zigzag(c->epochs[i]->epoch));
			for (int o = 0; o < RESPONSE_OBSERVABLES; o++)
				p = put_table(p, &c->epochs[i]->tables[o]);
		}
	*size = (size_t) (p - bytes);
	return bytes;
}

static int64_t
get_number(WireReader *r)
{
	uint64_t	v = wire_get_varint(r);

	if (v > RESPONSE_MAX_SUM)
		r->bad = true;
	return r->bad ? 0 : (int64_t) v;
}

static void
get_numbers(WireReader *r, int64_t *numbers, int n)
{
	for (int i = 0; i < n; i++)
		numbers[i] = get_number(r);
}

/* No sum is below 0 or out of range, and the last number is not 0, or the row would have been shorter. */
static void
get_row(WireReader *r, int64_t *row)
{
	const unsigned char *n = wire_get_bytes(r, 1);
	int64_t		before = 0;

	if (n == NULL || *n > RESPONSE_LAGS)
	{
		r->bad = true;
		return;
	}
	for (int d = 0; d < *n && !r->bad; d++)
	{
		int64_t		step = wire_unzigzag(wire_get_varint(r));

		if (step > RESPONSE_MAX_SUM - before || step < -before)
			r->bad = true;
		else
			row[d] = before += step;
	}
	if (*n > 0 && before == 0)
		r->bad = true;
}

static void
get_table(WireReader *r, ResponseTable *t)
{
	t->messages = get_number(r);
	get_numbers(r, t->responses, RESPONSE_WEEK);
	get_numbers(r, t->lags, RESPONSE_LAGS);
	for (int h = 0; h < RESPONSE_WEEK && !r->bad; h++)
		get_row(r, t->risk[h]);
}

static void
get_epoch(Env *env, WireReader *r, ResponseCounts *c)
{
	int64_t		epoch = wire_unzigzag(wire_get_varint(r));
	uint32_t	n = c->num_epochs;

	if (r->bad || epoch < INT32_MIN || epoch > INT32_MAX || (c->decay.half_life == 0 && epoch != 0) ||
		(n > 0 && (epoch <= c->epochs[n - 1]->epoch || epoch > (int64_t) c->epochs[0]->epoch + DECAY_KEPT_EPOCHS)))
	{
		r->bad = true;
		return;
	}
	insert_epoch(env, c, n, (int32_t) epoch);
	for (int o = 0; o < RESPONSE_OBSERVABLES && !r->bad; o++)
		get_table(r, &c->epochs[n]->tables[o]);
	if (is_empty(c->epochs[n]))
		r->bad = true;
}

bool
response_counts_decode(Env *env, const void *bytes, size_t size, ResponseCounts *c)
{
	WireReader	r = wire_reader(bytes, size);
	const unsigned char *version = wire_get_bytes(&r, 1);
	uint64_t	n;

	response_counts_init(c, 0);
	if (version == NULL || *version != RESPONSE_COUNTS_VERSION)
		return false;
	c->decay.half_life = get_number(&r);
	c->customers = get_number(&r);
	c->visits = get_number(&r);
	c->days = get_number(&r);
	n = wire_get_varint(&r);
	if (n > DECAY_KEPT_EPOCHS + 1 || c->decay.half_life > RESPONSE_MAX_HALF_LIFE)
		r.bad = true;
	for (uint64_t i = 0; i < n && !r.bad; i++)
		get_epoch(env, &r, c);
	return !r.bad && r.at == r.end;
}

bool
response_counts_is_canonical(Env *env, const void *bytes, size_t size)
{
	ResponseCounts c;
	unsigned char *again;
	size_t		again_size;
	bool		same = false;

	if (response_counts_decode(env, bytes, size, &c))
	{
		again = response_counts_encode(env, &c, 0, &again_size);
		same = again_size == size && memcmp(again, bytes, size) == 0;
		env_release(env, again);
	}
	response_counts_release(env, &c);
	return same;
}
