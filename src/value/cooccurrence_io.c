/*
 * cooccurrence_io.c
 *		The type's text and binary forms.
 *
 *	bigint: {1,2,3}x2 {4}
 *	text weighted damping 0.5: {"a"*2,"b"}
 *	integer: [10,20,30] \x0101...			(the same, where there are many entries)
 *
 * Both ways in end in the builder, so whatever comes in is canonical afterwards.  The
 * text form is for people while it is short, and for dumps; the binary form is what drivers
 * and COPY BINARY pass.
 */
#include "base/compat.h"

#include <errno.h>

#include "common/hashfn.h"
#include "common/shortest_dec.h"
#include "libpq/pqformat.h"
#include "mb/pg_wchar.h"
#include "utils/builtins.h"
#include "utils/memutils.h"
#include "utils/uuid.h"

#include "base/guards.h"
#include "value/cooccurrence.h"

/* Entries up to which the text form is for people; a larger one would repeat long keys too often to be dumped. */
#define READABLE_ENTRIES 10000

/* --- text out ----------------------------------------------------------- */

/* What is 1 is left out: most weights and repeats are, and reading supplies it. */
static void
append_list(StringInfo out, const CooccurrenceKind *kind, const Keyset *keys, const Baskets *b, uint64 list)
{
	appendStringInfoString(out, " {");
	for (uint64 e = b->start[list]; e < b->start[list + 1]; e++)
	{
		if (e > b->start[list])
			appendStringInfoChar(out, ',');
		key_append_text(out, keys, kind->key_type, b->item[e]);
		if (b->weight && b->weight[e] > 1)
			appendStringInfo(out, "*%u", b->weight[e]);
	}
	appendStringInfoChar(out, '}');
	if (b->repeat[list] > 1)
		appendStringInfo(out, "x%u", b->repeat[list]);
}

static void
append_lists(StringInfo out, const Cooccurrence *m, const Keyset *keys, Env *env)
{
	CooccurrenceKind kind = cooccurrence_kind(m);
	Baskets		baskets;

	cooccurrence_read_baskets(env, m, &baskets);
	for (uint64 l = 0; l < baskets.num_lists; l++)
		append_list(out, &kind, keys, &baskets, l);
}

/* The stored bytes of the lists, in hexadecimal digits; keys stay texts, which are converted on their way. */
static void
append_packed(StringInfo out, const Cooccurrence *m, const Keyset *keys)
{
	static const char digits[] = "0123456789abcdef";
	const unsigned char *lists = (const unsigned char *) m->data + m->keys_size;
	Size		size = VARSIZE(m) - offsetof(Cooccurrence, data) - m->keys_size;

	appendStringInfoString(out, " [");
	for (uint32 r = 0; r < keys->size; r++)
	{
		if (r > 0)
			appendStringInfoChar(out, ',');
		key_append_text(out, keys, m->key_type, r);
	}
	appendStringInfoString(out, "] \\x");
	if (size > (MaxAllocSize - out->len) / 2 - 1)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("text form of a co-occurrence matrix of %zu MB exceeds 1 GB", (Size) VARSIZE(m) / 1024 / 1024),
				 errhint("Use the binary form: COPY ... (FORMAT binary).")));
	enlargeStringInfo(out, size * 2 + 1);
	for (Size i = 0; i < size; i++)
	{
		if (i % (1024 * 1024) == 0)
			CHECK_FOR_INTERRUPTS();
		out->data[out->len++] = digits[lists[i] >> 4];
		out->data[out->len++] = digits[lists[i] & 15];
	}
	out->data[out->len] = '\0';
}

/* In canonical order, so that equal values have equal texts, too. */
PG_FUNCTION_INFO_V1(personalize_cooccurrence_out);
Datum
personalize_cooccurrence_out(PG_FUNCTION_ARGS)
{
	Cooccurrence *m = PG_GETARG_COOCCURRENCE(0);
	CooccurrenceKind kind = cooccurrence_kind(m);
	ServerEnv	server;
	Keyset		keys;
	StringInfoData out;

	server_env_init(&server, CurrentMemoryContext);
	cooccurrence_read_keys(&server.env, m, &keys);
	initStringInfo(&out);
	appendStringInfoString(&out, key_type_name(kind.key_type));
	if (kind.weighted)
		appendStringInfoString(&out, " weighted");
	if (kind.damping != 0)
	{
		/* the shortest digits that read back as the same number, whatever extra_float_digits says */
		char		number[DOUBLE_SHORTEST_DECIMAL_LEN];

		double_to_shortest_decimal_buf(kind.damping, number);
		appendStringInfo(&out, " damping %s", number);
	}
	appendStringInfoChar(&out, ':');
	if (m->num_entries > READABLE_ENTRIES)
		append_packed(&out, m, &keys);
	else
		append_lists(&out, m, &keys, &server.env);
	PG_RETURN_CSTRING(out.data);
}

/* --- what both ways in share --------------------------------------------- */

/* Takes lists in their stored form, over the keys already there; returns what is wrong with them, or NULL. */
static const char *
take_lists(CooccurrenceBuilder *builder, const void *bytes, Size size)
{
	Env		   *env = &builder->server.env;
	WireReader	lists = wire_reader(bytes, size);
	uint64	   *degree;

	/* no entry takes less than a byte */
	cooccurrence_check_build(builder, 0, size);
	builder->baskets.num_items = builder->keys.size;
	if (!baskets_decode(env, &lists, &builder->baskets))
		return "Its baskets are damaged.";
	/* an item without a basket would make values unequal that hold the same baskets */
	degree = baskets_degrees(env, &builder->baskets);
	for (uint32 i = 0; i < builder->keys.size; i++)
		if (degree[i] == 0)
			return "An item is in no basket.";
	env_release(env, degree);
	return NULL;
}

/* --- text in ------------------------------------------------------------ */

/*
 * Read by descent, a function for each part, without a look back:
 *
 *	matrix:	type ["weighted"] ["damping" number] ":" list ...
 *	list:	"{" item ["*" weight] {"," item ["*" weight]} "}" ["x" repeat]
 *
 * Blanks may stand between the parts, but not before "x", nor behind "x" or "*".
 */
typedef struct Parser
{
	const char *start;
	const char *at;
	CooccurrenceBuilder *builder;
	uint64	   *seen;			/* by code: the list it was last seen in, plus one */
	uint32		seen_room;
	uint64		lists;
} Parser;

/* Shows where it stopped, cut at a character: half of one would make the message itself invalid. */
static void
syntax_error(const Parser *p, const char *expected)
{
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_TEXT_REPRESENTATION),
			 errmsg("invalid input syntax for type personalize.cooccurrence"),
			 errdetail("Expected %s at character %d, found \"%.*s\".", expected, (int) (p->at - p->start) + 1,
					   pg_mbcliplen(p->at, strlen(p->at), 20), p->at)));
}

/* Only blanks that every locale agrees on. */
static void
skip_space(Parser *p)
{
	while (*p->at == ' ' || *p->at == '\t' || *p->at == '\n' || *p->at == '\r')
		p->at++;
}

/* Leaves the place as it is, but for blanks, where something else stands there. */
static bool
parse_token(Parser *p, const char *token)
{
	skip_space(p);
	if (strncmp(p->at, token, strlen(token)) != 0)
		return false;
	p->at += strlen(token);
	return true;
}

static uint32
parse_count(Parser *p, const char *expected)
{
	char	   *end;
	unsigned long long value;

	errno = 0;
	/* strtoull would take a sign and blanks: the digit is looked for below */
	value = strtoull(p->at, &end, 10);
	if (*p->at < '0' || *p->at > '9' || errno != 0 || value < 1 || value > UINT32_MAX)
		syntax_error(p, expected);
	p->at = end;
	return (uint32) value;
}

/* Before the builder is made, which has to know it. */
static CooccurrenceKind
parse_kind(Parser *p)
{
	CooccurrenceKind kind = {0};

	for (KeyType k = KEY_INT2; k <= KEY_TYPE_MAX && kind.key_type == 0; k++)
		if (parse_token(p, key_type_name(k)))
			kind.key_type = k;
	if (kind.key_type == 0)
		syntax_error(p, "smallint, integer, bigint, uuid or text");
	kind.weighted = parse_token(p, "weighted");
	if (parse_token(p, "damping"))
	{
		char	   *end;

		skip_space(p);
		kind.damping = strtod(p->at, &end);
		if (end == p->at)
			syntax_error(p, "a number");
		/* strtod reads NaN and infinities, which this turns away */
		guard_float_range("damping", kind.damping, 0, COOCCURRENCE_MAX_DAMPING);
		p->at = end;
	}
	if (!parse_token(p, ":"))
		syntax_error(p, "\":\"");
	return kind;
}

/* A wrong form and a number that does not fit are different mistakes, with different SQLSTATEs. */
static uint32
parse_number(Parser *p, KeyType type)
{
	char	   *end;
	long long	value;

	errno = 0;
	value = strtoll(p->at, &end, 10);
	if (end == p->at)
		syntax_error(p, "an item");
	if (errno != 0 || !key_number_fits(type, value))
		ereport(ERROR,
				(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
				 errmsg("item %.*s is out of range for type %s", (int) (end - p->at), p->at, key_type_name(type))));
	p->at = end;
	return keyset_add_number(&p->builder->server.env, &p->builder->keys, value);
}

/* Every form that uuid_in knows is good, so only the end of it is found here. */
static uint32
parse_uuid(Parser *p)
{
	size_t		size = strcspn(p->at, ",}]* \t\r\n");
	char	   *text = pnstrdup(p->at, size);
	Datum		uuid = DirectFunctionCall1(uuid_in, CStringGetDatum(text));
	uint32		code = key_add(&p->builder->server.env, &p->builder->keys, KEY_UUID, uuid);

	p->at += size;
	pfree(DatumGetPointer(uuid));
	pfree(text);
	return code;
}

/* Quoted always, so that no text can be taken for syntax; two characters need a backslash. */
static uint32
parse_text(Parser *p)
{
	StringInfoData text;
	uint32		code;

	if (*p->at != '"')
		syntax_error(p, "a text in double quotes");
	initStringInfo(&text);
	for (p->at++; *p->at != '"'; p->at++)
	{
		if (*p->at == '\\')
			p->at++;
		if (*p->at == '\0')
			syntax_error(p, "a closing double quote");
		appendStringInfoCharMacro(&text, *p->at);
	}
	p->at++;
	code = keyset_add_bytes(&p->builder->server.env, &p->builder->keys, text.data, text.len);
	pfree(text.data);
	return code;
}

static uint32
parse_key(Parser *p)
{
	KeyType		type = p->builder->kind.key_type;

	skip_space(p);
	return key_is_number(type) ? parse_number(p, type) : type == KEY_UUID ? parse_uuid(p) : parse_text(p);
}

/* An item may stand once in a list. */
static void
check_new(Parser *p, const char *item, uint32 code)
{
	if (code >= p->seen_room)
	{
		uint32		room = Max(code + 1, p->seen_room * 2);

		p->seen = env_resize(&p->builder->server.env, p->seen, room, sizeof(uint64));
		memset(p->seen + p->seen_room, 0, (room - p->seen_room) * sizeof(uint64));
		p->seen_room = room;
	}
	if (p->seen[code] == p->lists + 1)
	{
		/* the message should point to the item, not behind it */
		p->at = item;
		syntax_error(p, "an item that the basket does not hold yet");
	}
	p->seen[code] = p->lists + 1;
}

static void
parse_list(Parser *p)
{
	CooccurrenceBuilder *builder = p->builder;
	Baskets    *b = &builder->baskets;
	uint64		size = 0;
	uint32		repeat = 1;

	if (!parse_token(p, "{"))
		syntax_error(p, "\"{\"");
	do
	{
		uint32		weight = 1;
		uint32		code;
		const char *item;

		skip_space(p);
		item = p->at;
		code = parse_key(p);
		check_new(p, item, code);
		if (builder->kind.weighted && parse_token(p, "*"))
			weight = parse_count(p, "a weight from 1 to 4294967295");
		/* one item more each time: how long the list is shows at its end */
		cooccurrence_builder_reserve(builder, size + 1);
		b->item[b->start[b->num_lists] + size] = code;
		if (b->weight)
			b->weight[b->start[b->num_lists] + size] = weight;
		size++;
	} while (parse_token(p, ","));
	if (!parse_token(p, "}"))
		syntax_error(p, "\",\" or \"}\"");
	if (*p->at == 'x')
	{
		p->at++;
		repeat = parse_count(p, "a repeat count from 1 to 4294967295");
	}
	cooccurrence_builder_close(builder, size, repeat);
	p->lists++;
}

/* Not bounded beforehand: the value cannot come to much more than its text. */
static int
hex_digit(const Parser *p)
{
	char		c = *p->at;

	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	syntax_error(p, "a hexadecimal digit");
	return 0;
}

/* Keys once, behind their opening bracket, then the lists as digits. */
static void
parse_packed(Parser *p)
{
	char	   *bytes;
	Size		size = 0;
	uint32		keys = 0;
	const char *problem;

	do
	{
		const char *key = p->at;

		if (parse_key(p) != keys++)
		{
			p->at = key;
			syntax_error(p, "an item that is not there yet");
		}
	} while (parse_token(p, ","));
	if (!parse_token(p, "]") || !parse_token(p, "\\x"))
		syntax_error(p, "\"] \\x\"");
	bytes = MemoryContextAllocHuge(CurrentMemoryContext, strlen(p->at) / 2 + 1);
	while (*p->at != '\0' && *p->at != ' ')
	{
		int			high = hex_digit(p);

		p->at++;
		bytes[size++] = (char) (high << 4 | hex_digit(p));
		p->at++;
	}
	problem = take_lists(p->builder, bytes, size);
	if (problem)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_TEXT_REPRESENTATION),
				 errmsg("invalid input syntax for type personalize.cooccurrence"),
				 errdetail("%s", problem)));
	pfree(bytes);
}

PG_FUNCTION_INFO_V1(personalize_cooccurrence_in);
Datum
personalize_cooccurrence_in(PG_FUNCTION_ARGS)
{
	const char *text = PG_GETARG_CSTRING(0);
	CooccurrenceBuilder builder;
	Parser		p = {.start = text, .at = text, .builder = &builder};

	cooccurrence_builder_init(&builder, parse_kind(&p));
	if (parse_token(&p, "["))
		parse_packed(&p);
	for (;;)
	{
		skip_space(&p);
		if (*p.at == '\0')
			break;
		if (p.lists % 4096 == 0)
			CHECK_FOR_INTERRUPTS();
		parse_list(&p);
	}
	PG_RETURN_POINTER(cooccurrence_builder_finish(&builder));
}

/* --- binary ------------------------------------------------------------- */

/*
 * Version, key type, flags, damping, the keys by rank, then the lists as in the value.  Only
 * the keys are spelled out, since texts are the one thing that depends on an encoding.
 */

/* Numbers in 8 bytes, texts converted to the client's encoding, as their own types do it. */
static void
send_key(StringInfo out, const Keyset *keys, KeyType type, uint32 code)
{
	size_t		size;
	const char *bytes;

	if (key_is_number(type))
	{
		pq_sendint64(out, keys->number[code]);
		return;
	}
	bytes = keyset_bytes(keys, code, &size);
	if (type == KEY_UUID)
		pq_sendbytes(out, (char *) bytes, size);
	else
		compat_sendcountedtext(out, bytes, size);
}

/* The lists go as they are stored: varints are the same on all machines, and small. */
PG_FUNCTION_INFO_V1(personalize_cooccurrence_send);
Datum
personalize_cooccurrence_send(PG_FUNCTION_ARGS)
{
	Cooccurrence *m = PG_GETARG_COOCCURRENCE(0);
	Size		lists = VARSIZE(m) - offsetof(Cooccurrence, data) - m->keys_size;
	ServerEnv	server;
	Keyset		keys;
	StringInfoData out;

	server_env_init(&server, CurrentMemoryContext);
	cooccurrence_read_keys(&server.env, m, &keys);
	pq_begintypsend(&out);
	pq_sendbyte(&out, m->version);
	pq_sendbyte(&out, m->key_type);
	pq_sendbyte(&out, m->flags);
	pq_sendfloat8(&out, m->damping);
	pq_sendint32(&out, m->num_items);
	for (uint32 r = 0; r < keys.size; r++)
		send_key(&out, &keys, m->key_type, r);
	pq_sendint32(&out, lists);
	pq_sendbytes(&out, m->data + m->keys_size, lists);
	PG_RETURN_BYTEA_P(pq_endtypsend(&out));
}

/* A detail each, since whoever writes this form by program has nothing else to go by. */
static void
invalid_binary(const char *what)
{
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_BINARY_REPRESENTATION),
			 errmsg("invalid binary form of personalize.cooccurrence"),
			 errdetail("%s", what)));
}

/* In the order of the fields, each judged before the next is read with its help. */
static CooccurrenceKind
receive_kind(StringInfo in)
{
	CooccurrenceKind kind;
	int			version = pq_getmsgbyte(in);
	int			flags;

	if (version != COOCCURRENCE_VERSION)
		invalid_binary("Its version is unknown.");
	kind.key_type = pq_getmsgbyte(in);
	if (kind.key_type < KEY_INT2 || kind.key_type > KEY_TYPE_MAX)
		invalid_binary("Its key type is unknown.");
	flags = pq_getmsgbyte(in);
	if (flags & ~COOCCURRENCE_WEIGHTED)
		invalid_binary("It has unknown flags.");
	kind.weighted = flags != 0;
	kind.damping = guard_float_range("damping", pq_getmsgfloat8(in), 0, COOCCURRENCE_MAX_DAMPING);
	return kind;
}

/* Nothing about the message is trusted: it may come from any client. */
static void
receive_key(StringInfo in, Env *env, Keyset *keys, KeyType type)
{
	if (key_is_number(type))
	{
		int64		number = pq_getmsgint64(in);

		if (!key_number_fits(type, number))
			invalid_binary("An item is out of range for its type.");
		keyset_add_number(env, keys, number);
	}
	else if (type == KEY_UUID)
		keyset_add_bytes(env, keys, pq_getmsgbytes(in, UUID_LEN), UUID_LEN);
	else
	{
		int			size = pq_getmsgint(in, 4);
		char	   *text;

		if (size < 0 || size > in->len - in->cursor)
			invalid_binary("A text is longer than the message.");
		text = pq_getmsgtext(in, size, &size);
		keyset_add_bytes(env, keys, text, size);
		pfree(text);
	}
}

/* Read one by one: a wrong count ends with the message, before it can ask for memory. */
static void
receive_keys(StringInfo in, CooccurrenceBuilder *builder)
{
	uint32		n = pq_getmsgint(in, 4);

	for (uint32 i = 0; i < n; i++)
	{
		receive_key(in, &builder->server.env, &builder->keys, builder->kind.key_type);
		if (builder->keys.size != i + 1)
			invalid_binary("An item stands in it twice.");
	}
}

static void
receive_baskets(StringInfo in, CooccurrenceBuilder *builder)
{
	int			size = pq_getmsgint(in, 4);
	const char *problem;

	if (size < 0 || size != in->len - in->cursor)
		invalid_binary("Its baskets do not end where the message does.");
	problem = take_lists(builder, pq_getmsgbytes(in, size), size);
	if (problem)
		invalid_binary(problem);
}

PG_FUNCTION_INFO_V1(personalize_cooccurrence_recv);
Datum
personalize_cooccurrence_recv(PG_FUNCTION_ARGS)
{
	StringInfo	in = (StringInfo) PG_GETARG_POINTER(0);
	CooccurrenceBuilder builder;

	cooccurrence_builder_init(&builder, receive_kind(in));
	receive_keys(in, &builder);
	receive_baskets(in, &builder);
	pq_getmsgend(in);
	PG_RETURN_POINTER(cooccurrence_builder_finish(&builder));
}

/* --- equality: canonical values are equal when their bytes are --- */

static bool
same_bytes(FunctionCallInfo fcinfo)
{
	Cooccurrence *a = PG_GETARG_COOCCURRENCE(0);
	Cooccurrence *b = PG_GETARG_COOCCURRENCE(1);

	return VARSIZE(a) == VARSIZE(b) && memcmp(a, b, VARSIZE(a)) == 0;
}

PG_FUNCTION_INFO_V1(personalize_cooccurrence_eq);
Datum
personalize_cooccurrence_eq(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(same_bytes(fcinfo));
}

PG_FUNCTION_INFO_V1(personalize_cooccurrence_ne);
Datum
personalize_cooccurrence_ne(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(!same_bytes(fcinfo));
}

PG_FUNCTION_INFO_V1(personalize_cooccurrence_hash);
Datum
personalize_cooccurrence_hash(PG_FUNCTION_ARGS)
{
	Cooccurrence *m = PG_GETARG_COOCCURRENCE(0);

	return hash_any((const unsigned char *) m, VARSIZE(m));
}
