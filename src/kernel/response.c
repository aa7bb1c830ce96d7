/*
 * response.c
 *		Messages and visits of one customer: in order, cut to the latest, as bytes.
 */
#include "kernel/response.h"

/* So many are cut on the way, so that a customer who gets very many takes little memory. */
#define FOLD_AT 1024

/* flags of a message's first number */
#define NEW_OFFSET	1
#define HAS_CHANGE	2
/* flags of its outcome */
#define BY_MACHINE	1
#define HAS_CLICK	2

void
response_init(ResponseHours *h)
{
	memset(h, 0, sizeof(ResponseHours));
	h->first = RESPONSE_END_MINUTE;
}

void
response_release(Env *env, ResponseHours *h)
{
	env_release(env, h->messages);
	env_release(env, h->visits);
	response_init(h);
}

/* --- order ------------------------------------------------------------------ */

static inline int
compare(int32_t a, int32_t b)
{
	return (a > b) - (a < b);
}

/* Latest first; then by all the rest, so that equal sets have one order. */
static int
message_order(const ResponseMessage *a, const ResponseMessage *b)
{
	const int32_t order[] = {compare(b->minute, a->minute), compare(a->offset, b->offset), compare(a->opened, b->opened), compare(a->clicked, b->clicked),
		compare(a->machine, b->machine), compare(a->change_at, b->change_at), compare(a->change_by, b->change_by)};

	for (int i = 0; i < 7; i++)
		if (order[i] != 0)
			return order[i];
	return 0;
}

static inline int
visit_order(const ResponseVisit *a, const ResponseVisit *b)
{
	int			order = compare(b->hour, a->hour);

	return order != 0 ? order : compare(a->offset, b->offset);
}

static inline bool
is_message_after(const ResponseMessage *a, const ResponseMessage *b)
{
	if (a->minute != b->minute)
		return a->minute < b->minute;
	return message_order(a, b) > 0;
}

/*
 * Shell's sort with Ciura's gaps: in place, and quick where rows come in order or the other way round, as they do.  No two that it may exchange
 * can be told apart, so it need not be stable.
 */
static const uint32_t gaps[] = {701, 301, 132, 57, 23, 10, 4, 1};

static void
sort_messages(ResponseMessage *m, uint32_t n)
{
	for (int g = 0; g < 8; g++)
		for (uint32_t i = gaps[g]; i < n; i++)
		{
			ResponseMessage message = m[i];
			uint32_t	j = i;

			for (; j >= gaps[g] && is_message_after(&m[j - gaps[g]], &message); j -= gaps[g])
				m[j] = m[j - gaps[g]];
			m[j] = message;
		}
}

static void
sort_visits(ResponseVisit *v, uint32_t n)
{
	for (int g = 0; g < 8; g++)
		for (uint32_t i = gaps[g]; i < n; i++)
		{
			ResponseVisit visit = v[i];
			uint32_t	j = i;

			for (; j >= gaps[g] && visit_order(&v[j - gaps[g]], &visit) > 0; j -= gaps[g])
				v[j] = v[j - gaps[g]];
			v[j] = visit;
		}
}

void
response_fold(ResponseHours *h)
{
	uint32_t	kept = 0;

	sort_messages(h->messages, h->num_messages);
	if (h->num_messages > RESPONSE_MESSAGES)
		h->num_messages = RESPONSE_MESSAGES;
	sort_visits(h->visits, h->num_visits);
	/* an hour was visited or it was not */
	for (uint32_t i = 0; i < h->num_visits && kept < RESPONSE_VISITS; i++)
		if (kept == 0 || visit_order(&h->visits[kept - 1], &h->visits[i]) != 0)
			h->visits[kept++] = h->visits[i];
	h->num_visits = kept;
}

/* --- adding ----------------------------------------------------------------- */

/* Without counting it: merged and stored messages bring their count along. */
static void
push_message(Env *env, ResponseHours *h, ResponseMessage message)
{
	if (h->num_messages == h->message_room)
	{
		if (h->num_messages >= FOLD_AT)
			response_fold(h);
		else
		{
			h->message_room = h->message_room == 0 ? 8 : 2 * h->message_room;
			h->messages = env_resize(env, h->messages, h->message_room, sizeof(ResponseMessage));
		}
	}
	h->messages[h->num_messages++] = message;
	if (message.minute < h->first)
		h->first = message.minute;
}

void
response_add_message(Env *env, ResponseHours *h, ResponseMessage message)
{
	push_message(env, h, message);
	h->count++;
}

void
response_add_visit(Env *env, ResponseHours *h, ResponseVisit visit)
{
	int32_t		minute = response_visit_minute(&visit);

	if (minute < h->first)
		h->first = minute;
	/* pages of one visit come one after the other */
	if (h->num_visits > 0 && visit_order(&h->visits[h->num_visits - 1], &visit) == 0)
		return;
	if (h->num_visits == h->visit_room)
	{
		if (h->num_visits >= FOLD_AT)
			response_fold(h);
		else
		{
			h->visit_room = h->visit_room == 0 ? 8 : 2 * h->visit_room;
			h->visits = env_resize(env, h->visits, h->visit_room, sizeof(ResponseVisit));
		}
	}
	h->visits[h->num_visits++] = visit;
}

void
response_merge(Env *env, ResponseHours *h, const ResponseHours *other)
{
	for (uint32_t i = 0; i < other->num_messages; i++)
		push_message(env, h, other->messages[i]);
	for (uint32_t i = 0; i < other->num_visits; i++)
		response_add_visit(env, h, other->visits[i]);
	h->count += other->count;
	if (other->first < h->first)
		h->first = other->first;
}

/* --- bytes ------------------------------------------------------------------ */

/* Of folded hours: the oldest that is kept. */
static int32_t
oldest(const ResponseHours *h)
{
	int32_t		minute = RESPONSE_END_MINUTE;

	if (h->num_messages > 0)
		minute = h->messages[h->num_messages - 1].minute;
	/* where the clock was set back, the hour's last visit is not always the oldest: by an hour */
	for (uint32_t i = 0; i < h->num_visits; i++)
		if (response_visit_minute(&h->visits[i]) < minute)
			minute = response_visit_minute(&h->visits[i]);
	return minute;
}

/* A distance back from the one before; the first is counted from 2000 on, in both directions. */
static uint64_t
gap_code(int32_t before, int32_t at, bool first)
{
	return first ? wire_zigzag(at) : (uint64_t) ((int64_t) before - at);
}

/* Offsets seldom differ from one message to the next, and clocks seldom change: both cost a flag where they do not. */
static unsigned char *
put_message(unsigned char *p, const ResponseMessage *m, const ResponseMessage *before)
{
	bool		new_offset = m->offset != (before == NULL ? 0 : before->offset);
	uint64_t	gap = gap_code(before == NULL ? 0 : before->minute, m->minute, before == NULL);

	p = wire_put_varint(p, gap << 2 | (new_offset ? NEW_OFFSET : 0) | (m->change_at > 0 ? HAS_CHANGE : 0));
	if (new_offset)
		p = wire_put_varint(p, wire_zigzag(m->offset));
	if (m->change_at > 0)
	{
		p = wire_put_varint(p, (uint64_t) m->change_at);
		p = wire_put_varint(p, wire_zigzag(m->change_by));
	}
	p = wire_put_varint(p, (uint64_t) (m->opened + 1) << 2 | (m->clicked != RESPONSE_NONE ? HAS_CLICK : 0) | (m->machine ? BY_MACHINE : 0));
	if (m->clicked != RESPONSE_NONE)
		p = wire_put_varint(p, (uint64_t) (m->clicked - m->opened));
	return p;
}

static unsigned char *
put_visit(unsigned char *p, const ResponseVisit *v, const ResponseVisit *before)
{
	bool		new_offset = v->offset != (before == NULL ? 0 : before->offset);
	uint64_t	gap = gap_code(before == NULL ? 0 : before->hour, v->hour, before == NULL);

	p = wire_put_varint(p, gap << 1 | (new_offset ? NEW_OFFSET : 0));
	if (new_offset)
		p = wire_put_varint(p, wire_zigzag(v->offset));
	return p;
}

/* Most bytes of a message: 6 + 3 + 2 + 3 + 3 + 2; of a visit: 6 + 3. */
#define MESSAGE_BYTES 20
#define VISIT_BYTES 9

unsigned char *
response_encode(Env *env, const ResponseHours *h, size_t reserve, size_t *size)
{
	unsigned char *bytes = env_alloc(env, reserve + 41 + (size_t) h->num_messages * MESSAGE_BYTES + (size_t) h->num_visits * VISIT_BYTES, 1);
	unsigned char *p = bytes + reserve;

	*p++ = RESPONSE_VERSION;
	p = wire_put_varint(p, h->count);
	p = wire_put_varint(p, h->num_messages);
	for (uint32_t i = 0; i < h->num_messages; i++)
		p = put_message(p, &h->messages[i], i == 0 ? NULL : &h->messages[i - 1]);
	p = wire_put_varint(p, h->num_visits);
	for (uint32_t i = 0; i < h->num_visits; i++)
		p = put_visit(p, &h->visits[i], i == 0 ? NULL : &h->visits[i - 1]);
	if (h->num_messages + h->num_visits > 0)
		p = wire_put_varint(p, (uint64_t) ((int64_t) oldest(h) - h->first));
	*size = (size_t) (p - bytes);
	return bytes;
}

bool
response_is_message(const ResponseMessage *m)
{
	return m->minute >= RESPONSE_MIN_MINUTE && m->minute < RESPONSE_END_MINUTE &&
		m->offset >= -RESPONSE_MAX_OFFSET && m->offset <= RESPONSE_MAX_OFFSET &&
		m->opened >= RESPONSE_NONE && m->opened < RESPONSE_MINUTES &&
		m->clicked >= RESPONSE_NONE && m->clicked < RESPONSE_MINUTES &&
		(m->clicked == RESPONSE_NONE || (m->opened != RESPONSE_NONE && m->opened <= m->clicked)) &&
		m->change_at >= 0 && m->change_at < RESPONSE_MINUTES && (m->change_at > 0) == (m->change_by != 0) &&
		m->change_by >= -RESPONSE_MAX_OFFSET && m->change_by <= RESPONSE_MAX_OFFSET;
}

bool
response_is_visit(const ResponseVisit *v)
{
	return v->offset >= -RESPONSE_MAX_OFFSET && v->offset <= RESPONSE_MAX_OFFSET &&
		v->hour >= RESPONSE_MIN_MINUTE / 60 - 24 && v->hour <= RESPONSE_END_MINUTE / 60 + 24 &&
		response_visit_minute(v) >= RESPONSE_MIN_MINUTE && response_visit_minute(v) < RESPONSE_END_MINUTE;
}

/* A number that is no more than `most`, or the reader is bad. */
static int64_t
get_up_to(WireReader *r, uint64_t most)
{
	uint64_t	v = wire_get_varint(r);

	if (v > most)
		r->bad = true;
	return r->bad ? 0 : (int64_t) v;
}

static int32_t
get_offset(WireReader *r)
{
	return (int32_t) wire_unzigzag((uint64_t) get_up_to(r, 2 * RESPONSE_MAX_OFFSET));
}

static int32_t
get_time(uint64_t gap, const int32_t *before)
{
	return before == NULL ? (int32_t) wire_unzigzag(gap) : (int32_t) (*before - (int64_t) gap);
}

/* Whatever was put, checked as if a stranger had written it. */
static void
get_message(WireReader *r, ResponseMessage *m, const ResponseMessage *before)
{
	uint64_t	code = (uint64_t) get_up_to(r, (UINT64_C(1) << 33) - 1);
	uint64_t	outcome;

	m->minute = get_time(code >> 2, before == NULL ? NULL : &before->minute);
	m->offset = before == NULL ? 0 : before->offset;
	if (code & NEW_OFFSET)
		m->offset = (int16_t) get_offset(r);
	m->change_at = code & HAS_CHANGE ? (int16_t) get_up_to(r, RESPONSE_MINUTES - 1) : 0;
	m->change_by = code & HAS_CHANGE ? (int16_t) get_offset(r) : 0;
	outcome = (uint64_t) get_up_to(r, RESPONSE_MINUTES * 4 + 3);
	m->opened = (int16_t) ((int) (outcome >> 2) - 1);
	m->clicked = outcome & HAS_CLICK ? (int16_t) (m->opened + get_up_to(r, RESPONSE_MINUTES)) : RESPONSE_NONE;
	m->machine = outcome & BY_MACHINE;
	if (!response_is_message(m) || (before != NULL && m->minute > before->minute))
		r->bad = true;
}

static void
get_visit(WireReader *r, ResponseVisit *v, const ResponseVisit *before)
{
	uint64_t	code = (uint64_t) get_up_to(r, (UINT64_C(1) << 32) - 1);

	v->hour = get_time(code >> 1, before == NULL ? NULL : &before->hour);
	v->offset = before == NULL ? 0 : before->offset;
	if (code & NEW_OFFSET)
		v->offset = get_offset(r);
	if (r->bad || !response_is_visit(v) || (before != NULL && v->hour > before->hour))
		r->bad = true;
}

static void
get_messages(Env *env, WireReader *r, ResponseHours *h)
{
	uint32_t	n = (uint32_t) get_up_to(r, RESPONSE_MESSAGES);
	ResponseMessage before;
	ResponseMessage m;

	for (uint32_t i = 0; i < n && !r->bad; i++)
	{
		get_message(r, &m, i == 0 ? NULL : &before);
		if (!r->bad)
			push_message(env, h, m);
		before = m;
	}
}

static void
get_visits(Env *env, WireReader *r, ResponseHours *h)
{
	uint32_t	n = (uint32_t) get_up_to(r, RESPONSE_VISITS);
	ResponseVisit before;
	ResponseVisit v;

	for (uint32_t i = 0; i < n && !r->bad; i++)
	{
		get_visit(r, &v, i == 0 ? NULL : &before);
		if (!r->bad)
			response_add_visit(env, h, v);
		before = v;
	}
}

bool
response_decode(Env *env, const void *bytes, size_t size, ResponseHours *h)
{
	WireReader	r = wire_reader(bytes, size);
	const unsigned char *version = wire_get_bytes(&r, 1);
	int32_t		before = h->first;

	if (version == NULL || *version != RESPONSE_VERSION)
		return false;
	h->count += (uint64_t) get_up_to(&r, RESPONSE_MAX_COUNT);
	h->first = RESPONSE_END_MINUTE;
	get_messages(env, &r, h);
	get_visits(env, &r, h);
	if (h->first != RESPONSE_END_MINUTE)
	{
		uint64_t	gap = wire_get_varint(&r);

		if (gap > (uint64_t) ((int64_t) h->first - RESPONSE_MIN_MINUTE))
			r.bad = true;
		h->first -= r.bad ? 0 : (int32_t) gap;
	}
	if (before < h->first)
		h->first = before;
	return !r.bad && r.at == r.end;
}

/* What has been dropped leaves as many as are kept, and nothing is first that was not there. */
static bool
is_sound(const ResponseHours *h)
{
	bool		dropped = h->num_messages == RESPONSE_MESSAGES || h->num_visits == RESPONSE_VISITS;

	if (h->count < h->num_messages || (h->count > h->num_messages && h->num_messages < RESPONSE_MESSAGES))
		return false;
	return dropped || h->first == oldest(h);
}

bool
response_is_canonical(Env *env, const void *bytes, size_t size)
{
	ResponseHours h;
	unsigned char *again;
	size_t		again_size;
	bool		same;

	response_init(&h);
	if (!response_decode(env, bytes, size, &h))
	{
		response_release(env, &h);
		return false;
	}
	response_fold(&h);
	again = response_encode(env, &h, 0, &again_size);
	same = is_sound(&h) && again_size == size && memcmp(again, bytes, size) == 0;
	env_release(env, again);
	response_release(env, &h);
	return same;
}
