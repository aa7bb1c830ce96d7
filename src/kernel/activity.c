/*
 * activity.c
 *		Events of one customer: in order, compacted, as bytes.
 */
#include <stdlib.h>

#include "kernel/activity.h"

/* flags of a kind's body */
#define WHOLE_SECONDS	1
#define HAS_AMOUNTS		2
#define WHOLE_CENTS		4
#define ALL_FLAGS		7

#define CENT (ACTIVITY_AMOUNT_UNIT / 100)

/* --- names ------------------------------------------------------------------ */

ActivityNames *
activity_names_create(Env *env)
{
	ActivityNames *names = env_alloc0(env, 1, sizeof(ActivityNames));

	names->env = env;
	return names;
}

void
activity_names_release(ActivityNames *names)
{
	for (uint32_t i = 0; i < names->n; i++)
		env_release(names->env, (char *) names->names[i].bytes);
	env_release(names->env, names);
}

/* As "C" sorts: by bytes, a prefix first. */
int
activity_name_compare(ActivityName a, ActivityName b)
{
	int			order = memcmp(a.bytes, b.bytes, a.size < b.size ? a.size : b.size);

	return order != 0 ? order : (a.size > b.size) - (a.size < b.size);
}

static bool
is_name(ActivityName name, const char *bytes, uint32_t size)
{
	return name.size == size && memcmp(name.bytes, bytes, size) == 0;
}

/* FNV-1a: names are short, and nothing depends on the hash but time. */
static uint32_t
hash_name(const char *bytes, uint32_t size)
{
	uint32_t	h = 2166136261u;

	for (uint32_t i = 0; i < size; i++)
		h = (h ^ (unsigned char) bytes[i]) * 16777619u;
	return h ^ (h >> 15);
}

/* The table has twice as many slots as there may be names, so a probe finds a free one soon. */
int
activity_name(ActivityNames *names, const char *bytes, uint32_t size)
{
	uint32_t	slot = hash_name(bytes, size) % 2048;
	char	   *copy;

	for (; names->slots[slot] != 0; slot = (slot + 1) % 2048)
		if (is_name(names->names[names->slots[slot] - 1], bytes, size))
			return names->slots[slot] - 1;
	if (names->n == ACTIVITY_MAX_KINDS)
		return -1;
	copy = env_alloc(names->env, size, 1);
	memcpy(copy, bytes, size);
	names->names[names->n] = (ActivityName) {copy, size};
	names->slots[slot] = ++names->n;
	return names->n - 1;
}

/* --- reading ---------------------------------------------------------------- */

bool
activity_open(ActivityReader *r, const void *bytes, size_t size)
{
	const unsigned char *version;

	r->in = wire_reader(bytes, size);
	version = wire_get_bytes(&r->in, 1);
	r->left = version == NULL || *version != ACTIVITY_VERSION ? 0 : wire_get_varint(&r->in);
	if (version == NULL || *version != ACTIVITY_VERSION || r->left > ACTIVITY_MAX_KINDS)
		r->in.bad = true;
	return !r->in.bad;
}

/* What leads a body; events that are compacted have a part of their own behind the others. */
static void
open_body(ActivityKind *k, const unsigned char *body, size_t size)
{
	const unsigned char *flags;

	k->in = wire_reader(body, size);
	flags = wire_get_bytes(&k->in, 1);
	k->count = wire_get_varint(&k->in);
	if (flags == NULL || *flags > ALL_FLAGS || k->count == 0 || k->count > ACTIVITY_MAX_EVENTS)
	{
		k->in.bad = true;
		k->left = k->older = 0;
		return;
	}
	k->unit = *flags & WHOLE_SECONDS ? ACTIVITY_SECOND : 1;
	k->cents = !(*flags & HAS_AMOUNTS) ? 0 : *flags & WHOLE_CENTS ? CENT : 1;
	k->left = k->count < ACTIVITY_EXACT ? k->count : ACTIVITY_EXACT;
	k->older = k->count - k->left;
	k->time = ACTIVITY_END_TIME;
	k->compact = false;
}

bool
activity_next_kind(ActivityReader *r, ActivityKind *k)
{
	const unsigned char *body;
	size_t		size;

	if (r->left == 0 || r->in.bad)
		return false;
	r->left--;
	size = wire_get_varint(&r->in);
	k->name = (ActivityName) {(const char *) wire_get_bytes(&r->in, size), (uint32_t) size};
	size = wire_get_varint(&r->in);
	body = wire_get_bytes(&r->in, size);
	if (body == NULL || k->name.size == 0 || k->name.size > ACTIVITY_MAX_NAME)
	{
		r->in.bad = true;
		return false;
	}
	open_body(k, body, size);
	r->in.bad |= k->in.bad;
	return !k->in.bad;
}

bool
activity_find(const void *bytes, size_t size, const char *name, uint32_t name_size, ActivityKind *kind)
{
	ActivityReader r;

	activity_open(&r, bytes, size);
	while (activity_next_kind(&r, kind))
		if (is_name(kind->name, name, name_size))
			return true;
	return false;
}

/* Times never ascend in a walk, and a distance that leaves the years is no distance. */
static int64_t
get_time(ActivityKind *k, int64_t unit)
{
	uint64_t	gap = wire_get_varint(&k->in);

	if (gap > (uint64_t) (k->time - ACTIVITY_MIN_TIME) / unit)
	{
		k->in.bad = true;
		return k->time;
	}
	return k->time -= (int64_t) gap * unit;
}

static int64_t
get_amount(ActivityKind *k)
{
	uint64_t	coded = k->cents == 0 ? 0 : wire_get_varint(&k->in);
	int64_t		amount;

	if (coded == 0)
		return ACTIVITY_NO_AMOUNT;
	amount = wire_unzigzag(coded - 1);
	if (amount > ACTIVITY_MAX_AMOUNT / k->cents || amount < -(ACTIVITY_MAX_AMOUNT / k->cents))
	{
		k->in.bad = true;
		return 0;
	}
	return amount * k->cents;
}

static bool
enter_compact(ActivityKind *k)
{
	if (k->compact || k->older == 0 || k->in.bad)
		return false;
	k->compact = true;
	k->time = ACTIVITY_END_TIME;
	k->first = get_time(k, 1);
	k->left = wire_get_varint(&k->in);
	k->time = ACTIVITY_END_TIME;
	if (k->left == 0 || k->left > k->older || k->left > wire_left(&k->in))
		k->in.bad = true;
	return !k->in.bad;
}

bool
activity_next_event(ActivityKind *k, ActivityEvent *e)
{
	if (k->left == 0 && !enter_compact(k))
		return false;
	k->left--;
	e->time = get_time(k, k->compact ? ACTIVITY_DAY : k->unit);
	e->amount = get_amount(k);
	e->form = k->compact ? ACTIVITY_COMPACT : ACTIVITY_EVENT;
	e->count = 1;
	if (k->compact)
	{
		uint64_t	more = wire_get_varint(&k->in);

		if (more >= k->older)
			k->in.bad = true;
		e->count = (uint32_t) (more + 1);
		k->older -= more + 1;
		/* each entry that is left stands for an event at least, and the last for all that are */
		if (k->left > k->older || (k->left == 0 && k->older != 0))
			k->in.bad = true;
	}
	return !k->in.bad;
}

/* --- making ----------------------------------------------------------------- */

void
activity_add(Env *env, ActivityEvents *a, ActivityEvent event)
{
	if (a->n == a->capacity)
	{
		a->capacity = a->capacity == 0 ? 8 : 2 * a->capacity;
		a->events = env_resize(env, a->events, a->capacity, sizeof(ActivityEvent));
	}
	a->events[a->n++] = event;
}

/* By kind; then what is exact, compacted, the first time; then latest first; then by amount. */
static inline bool
is_after(const ActivityEvent *a, const ActivityEvent *b)
{
	if (a->kind != b->kind)
		return a->kind > b->kind;
	if (a->form != b->form)
		return a->form > b->form;
	if (a->time != b->time)
		return a->time < b->time;
	return a->amount < b->amount;
}

static void
insertion_sort(ActivityEvent *e, uint64_t n)
{
	for (uint64_t i = 1; i < n; i++)
	{
		ActivityEvent event = e[i];
		uint64_t	j = i;

		for (; j > 0 && is_after(&e[j - 1], &event); j--)
			e[j] = e[j - 1];
		e[j] = event;
	}
}

static void
merge_halves(ActivityEvent *e, ActivityEvent *scratch, uint64_t middle, uint64_t n)
{
	uint64_t	i = 0;
	uint64_t	j = middle;
	uint64_t	k = 0;

	/* only the left half moves away: places before j are free by then */
	memcpy(scratch, e, middle * sizeof(ActivityEvent));
	while (i < middle)
		if (j < n && is_after(&scratch[i], &e[j]))
			e[k++] = e[j++];
		else
			e[k++] = scratch[i++];
}

/* A merge sort, because rows arrive in order as a rule, of one kind or of all, and qsort would take memory of its own. */
static void
merge_sort(ActivityEvent *e, ActivityEvent *scratch, uint64_t n)
{
	if (n <= 24)
	{
		insertion_sort(e, n);
		return;
	}
	merge_sort(e, scratch, n / 2);
	merge_sort(e + n / 2, scratch, n - n / 2);
	if (is_after(&e[n / 2 - 1], &e[n / 2]))
		merge_halves(e, scratch, n / 2, n);
}

static void
sort_events(Env *env, ActivityEvent *e, uint64_t n)
{
	ActivityEvent *scratch;

	if (n <= 24)
	{
		insertion_sort(e, n);
		return;
	}
	scratch = env_alloc(env, n / 2 + 1, sizeof(ActivityEvent));
	merge_sort(e, scratch, n);
	env_release(env, scratch);
}

static int64_t
day_start(int64_t time)
{
	int64_t		past = time % ACTIVITY_DAY;

	return time - (past < 0 ? past + ACTIVITY_DAY : past);
}

/*
 * Events of one kind, in order: those after the latest become entries of days, and make the least time the first.  There is room for the mark
 * of the first time where the last of two or more events turn into entries, or there was one before; the caller sees to the one case left.
 */
static int64_t
compact_kind(ActivityEvent *e, uint64_t n)
{
	int64_t		first = ACTIVITY_END_TIME;
	uint64_t	exact = 0;

	while (exact < n && e[exact].form == ACTIVITY_EVENT)
		exact++;
	for (uint64_t i = ACTIVITY_EXACT; i < exact; i++)
	{
		if (e[i].time < first)
			first = e[i].time;
		e[i].form = ACTIVITY_COMPACT;
		e[i].time = day_start(e[i].time);
	}
	for (uint64_t i = exact; i < n; i++)
		if (e[i].form == ACTIVITY_FIRST && e[i].time < first)
			first = e[i].time;
	return first;
}

/* Entries of one kind, sorted again: equal days and amounts become one.  Returns how many are left; UINT64_MAX if they count too much. */
static uint64_t
fold_entries(ActivityEvent *e, uint64_t n)
{
	uint64_t	kept = 0;
	uint64_t	total = 0;

	for (uint64_t i = 0; i < n && e[i].form != ACTIVITY_FIRST; i++)
	{
		total += e[i].count;
		if (total > ACTIVITY_MAX_EVENTS)
			return UINT64_MAX;
		if (kept > 0 && e[i].form == ACTIVITY_COMPACT && e[kept - 1].form == ACTIVITY_COMPACT &&
			e[i].time == e[kept - 1].time && e[i].amount == e[kept - 1].amount)
			e[kept - 1].count += e[i].count;
		else
			e[kept++] = e[i];
	}
	return kept;
}

static uint64_t
kind_length(const ActivityEvent *e, uint64_t n)
{
	uint64_t	length = 1;

	while (length < n && e[length].kind == e[0].kind)
		length++;
	return length;
}

/* Kinds that need no compacting, which most are, only move up. */
bool
activity_fold(Env *env, ActivityEvents *a)
{
	ActivityEvents out = {NULL, 0, 0};

	sort_events(env, a->events, a->n);
	if (a->n <= ACTIVITY_EXACT && (a->n == 0 || a->events[0].form == ACTIVITY_EVENT))
	{
		bool		plain = true;

		for (uint64_t i = 0; i < a->n; i++)
			plain &= a->events[i].form == ACTIVITY_EVENT;
		if (plain)
			return true;
	}
	for (uint64_t i = 0, length; i < a->n; i += length)
	{
		ActivityEvent *e = a->events + i;
		int64_t		first;
		uint64_t	kept;

		env_check(env, 0, 0);
		length = kind_length(e, a->n - i);
		first = compact_kind(e, length);
		sort_events(env, e, length);
		kept = fold_entries(e, length);
		if (kept == UINT64_MAX)
		{
			env_release(env, out.events);
			return false;
		}
		for (uint64_t j = 0; j < kept; j++)
			activity_add(env, &out, e[j]);
		if (first != ACTIVITY_END_TIME)
			activity_add(env, &out, (ActivityEvent) {first, 0, 0, e[0].kind, ACTIVITY_FIRST});
	}
	env_release(env, a->events);
	*a = out;
	return true;
}

/* What is compacted is older than ACTIVITY_EXACT events, and the first of all happened on the oldest day. */
static bool
is_sound_kind(const ActivityEvent *e, uint64_t n)
{
	uint64_t	exact = 0;

	while (exact < n && e[exact].form == ACTIVITY_EVENT)
		exact++;
	if (exact == n)
		return n <= ACTIVITY_EXACT;
	if (exact != ACTIVITY_EXACT || n < exact + 2 || e[n - 1].form != ACTIVITY_FIRST || e[n - 2].time != day_start(e[n - 1].time))
		return false;
	if (e[exact].time > e[exact - 1].time || e[n - 1].time > e[exact - 1].time)
		return false;
	for (uint64_t i = exact; i < n - 1; i++)
		if (e[i].form != ACTIVITY_COMPACT || e[i].time != day_start(e[i].time))
			return false;
	return true;
}

bool
activity_is_sound(const ActivityEvents *a)
{
	for (uint64_t i = 0, length; i < a->n; i += length)
	{
		length = kind_length(a->events + i, a->n - i);
		if (!is_sound_kind(a->events + i, length))
			return false;
	}
	return true;
}

/* --- bytes ------------------------------------------------------------------ */

static unsigned
flags_of(const ActivityEvent *e, uint64_t n)
{
	unsigned	flags = WHOLE_SECONDS | WHOLE_CENTS;

	for (uint64_t i = 0; i < n; i++)
	{
		if (e[i].form == ACTIVITY_EVENT && e[i].time % ACTIVITY_SECOND != 0)
			flags &= ~WHOLE_SECONDS;
		if (e[i].form == ACTIVITY_FIRST || e[i].amount == ACTIVITY_NO_AMOUNT)
			continue;
		flags |= HAS_AMOUNTS;
		if (e[i].amount % CENT != 0)
			flags &= ~WHOLE_CENTS;
	}
	return flags & HAS_AMOUNTS ? flags : flags & ~WHOLE_CENTS;
}

static unsigned char *
put_amount(unsigned char *out, unsigned flags, int64_t amount)
{
	if (!(flags & HAS_AMOUNTS))
		return out;
	if (amount == ACTIVITY_NO_AMOUNT)
		return wire_put_varint(out, 0);
	return wire_put_varint(out, wire_zigzag(flags & WHOLE_CENTS ? amount / CENT : amount) + 1);
}

/* The mark of the first time is the last of them, and is written ahead of the entries. */
static unsigned char *
put_compact(unsigned char *out, unsigned flags, const ActivityEvent *e, uint64_t n)
{
	int64_t		before = ACTIVITY_END_TIME;

	out = wire_put_varint(out, ACTIVITY_END_TIME - e[n - 1].time);
	out = wire_put_varint(out, n - 1);
	for (uint64_t i = 0; i < n - 1; i++)
	{
		out = wire_put_varint(out, (before - e[i].time) / ACTIVITY_DAY);
		out = put_amount(out, flags, e[i].amount);
		out = wire_put_varint(out, e[i].count - 1);
		before = e[i].time;
	}
	return out;
}

static unsigned char *
put_body(unsigned char *out, const ActivityEvent *e, uint64_t n)
{
	unsigned	flags = flags_of(e, n);
	int64_t		unit = flags & WHOLE_SECONDS ? ACTIVITY_SECOND : 1;
	int64_t		before = ACTIVITY_END_TIME;
	uint64_t	count = 0;
	uint64_t	i;

	for (i = 0; i < n; i++)
		count += e[i].count;
	*out++ = (unsigned char) flags;
	out = wire_put_varint(out, count);
	for (i = 0; i < n && e[i].form == ACTIVITY_EVENT; i++)
	{
		out = wire_put_varint(out, (before - e[i].time) / unit);
		out = put_amount(out, flags, e[i].amount);
		before = e[i].time;
	}
	return i < n ? put_compact(out, flags, e + i, n - i) : out;
}

typedef struct Group
{
	ActivityName name;
	const ActivityEvent *events;
	uint64_t	n;
} Group;

static uint32_t
groups_by_name(const ActivityEvents *a, const ActivityNames *names, Group *groups)
{
	uint32_t	n = 0;

	for (uint64_t i = 0; i < a->n; i += groups[n++].n)
		groups[n] = (Group) {names->names[a->events[i].kind], a->events + i, kind_length(a->events + i, a->n - i)};
	for (uint32_t i = 1; i < n; i++)
	{
		Group		group = groups[i];
		uint32_t	j = i;

		for (; j > 0 && activity_name_compare(groups[j - 1].name, group.name) > 0; j--)
			groups[j] = groups[j - 1];
		groups[j] = group;
	}
	return n;
}

/* An upper bound, so that nothing has to be measured before it is written. */
static size_t
room_for(const ActivityEvents *a, const Group *groups, uint32_t n)
{
	size_t		room = 1 + WIRE_MAX_VARINT + a->n * 3 * WIRE_MAX_VARINT;

	for (uint32_t i = 0; i < n; i++)
		room += groups[i].name.size + 6 * WIRE_MAX_VARINT;
	return room;
}

static uint32_t
count_groups(const ActivityEvents *a)
{
	uint32_t	n = 0;

	for (uint64_t i = 0; i < a->n; i++)
		n += i == 0 || a->events[i].kind != a->events[i - 1].kind;
	return n;
}

unsigned char *
activity_encode(Env *env, const ActivityEvents *a, const ActivityNames *names, size_t reserve, size_t *size)
{
	Group	   *groups = env_alloc(env, count_groups(a) + 1, sizeof(Group));
	uint32_t	n = groups_by_name(a, names, groups);
	unsigned char *bytes = env_alloc(env, reserve + room_for(a, groups, n), 1);
	unsigned char *out = bytes + reserve;

	*out++ = ACTIVITY_VERSION;
	out = wire_put_varint(out, n);
	for (uint32_t i = 0; i < n; i++)
	{
		unsigned char *body;
		size_t		body_size;

		out = wire_put_varint(out, groups[i].name.size);
		memcpy(out, groups[i].name.bytes, groups[i].name.size);
		out += groups[i].name.size;
		/* the size is known when the body is written, and then put before it */
		body = out + WIRE_MAX_VARINT;
		body_size = put_body(body, groups[i].events, groups[i].n) - body;
		out = wire_put_varint(out, body_size);
		memmove(out, body, body_size);
		out += body_size;
	}
	env_release(env, groups);
	*size = out - bytes;
	return bytes;
}

static bool
decode_kind(Env *env, ActivityKind *k, int kind, ActivityEvents *events)
{
	ActivityEvent e;

	while (activity_next_event(k, &e))
	{
		e.kind = (uint16_t) kind;
		activity_add(env, events, e);
	}
	if (k->compact)
		activity_add(env, events, (ActivityEvent) {k->first, 0, 0, (uint16_t) kind, ACTIVITY_FIRST});
	return !k->in.bad && wire_left(&k->in) == 0;
}

/* Numbers may have been given in another order than this value's, so what was read is sorted again by the fold that follows. */
bool
activity_decode(Env *env, const void *bytes, size_t size, ActivityNames *names, ActivityEvents *events)
{
	ActivityReader r;
	ActivityKind k;

	if (!activity_open(&r, bytes, size))
		return false;
	while (activity_next_kind(&r, &k))
	{
		int			kind = activity_name(names, k.name.bytes, k.name.size);

		if (kind < 0 || !decode_kind(env, &k, kind, events))
			return false;
	}
	return !r.in.bad && wire_left(&r.in) == 0;
}

bool
activity_is_canonical(Env *env, const void *bytes, size_t size)
{
	ActivityNames *names = activity_names_create(env);
	ActivityEvents events = {NULL, 0, 0};
	bool		same = false;

	if (activity_decode(env, bytes, size, names, &events) && activity_fold(env, &events) && activity_is_sound(&events))
	{
		size_t		again_size;
		unsigned char *again = activity_encode(env, &events, names, 0, &again_size);

		same = again_size == size && memcmp(again, bytes, size) == 0;
		env_release(env, again);
	}
	env_release(env, events.events);
	activity_names_release(names);
	return same;
}
