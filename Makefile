EXTENSION    = personalize
EXTVERSION   = $(shell sed -n "s/^default_version *= *'\(.*\)'/\1/p" $(EXTENSION).control)
MODULE_big   = $(EXTENSION)

OBJS         = $(patsubst %.c,%.o,$(sort $(wildcard src/*/*.c)))
SQL_PARTS    = $(sort $(wildcard src/sql/*.sql))
INSTALL_SQL  = $(EXTENSION)--$(EXTVERSION).sql

DATA_built   = $(INSTALL_SQL)
DATA         = $(wildcard update/$(EXTENSION)--*--*.sql)
DOCS         = $(wildcard doc/*.md doc/*.svg)
REGRESS      = $(patsubst sql/%.sql,%,$(sort $(wildcard sql/*.sql)))
REGRESS_OPTS = --load-extension=$(EXTENSION)
EXTRA_CLEAN  = $(INSTALL_SQL) test/unit/unit test/fuzz/fuzz test/bench/kernel src/*/*.bc

PG_CPPFLAGS  = -I$(CURDIR)/src
comma       := ,
# Contraction to fused multiply-add would make scores differ between machines.
PG_CFLAGS    = -ffp-contract=off -fno-math-errno -Wextra -Wno-unused-parameter -Wno-missing-field-initializers -Wno-sign-compare
SHLIB_LINK   = -lm

PG_CONFIG   ?= pg_config
# Bitcode only serves to inline into JIT-compiled expressions; nothing here gains from it, and it would need clang.
override with_llvm = no
PGXS        := $(shell $(PG_CONFIG) --pgxs)
include $(PGXS)
# Names of ours stay ours, also where a library of the server has them: libkeyutils, which comes with Kerberos, has a request_key.
SHLIB_LINK  += $(if $(filter linux freebsd netbsd openbsd,$(PORTNAME)),-Wl$(comma)-Bsymbolic)
# The pages have names like measure.md: a folder of their own, beside those of other extensions.
docmoduledir := $(EXTENSION)
# PGXS looks for them under the names that they have here.
uninstall: uninstall-pages
.PHONY: uninstall-pages
uninstall-pages:
	rm -rf '$(DESTDIR)$(docdir)/$(docmoduledir)'

$(OBJS): $(wildcard src/*/*.h)
src/kernel/%.o: CFLAGS += -O3

$(INSTALL_SQL): $(SQL_PARTS) $(EXTENSION).control
	{ printf '%s\n' '\echo Use "CREATE EXTENSION $(EXTENSION)" to load this file. \quit'; cat $(SQL_PARTS); } > $@

# --- kernels without a server ------------------------------------------------
KERNEL_SRC   = $(sort $(wildcard src/kernel/*.c))
UNIT_SRC     = $(sort $(wildcard test/unit/*.c))
KERNEL_FLAGS = -std=gnu11 -g -O2 -Wall -Wextra -Wno-unused-parameter -Wno-sign-compare -Wno-missing-field-initializers -ffp-contract=off -fno-math-errno -Isrc

test/unit/unit: $(KERNEL_SRC) $(UNIT_SRC) $(wildcard src/base/*.h src/kernel/*.h test/unit/*.h)
	$(CC) $(KERNEL_FLAGS) $(UNIT_CFLAGS) -o $@ $(KERNEL_SRC) $(UNIT_SRC) -lm

test/bench/kernel: test/bench/kernel.c $(KERNEL_SRC) $(wildcard src/base/*.h src/kernel/*.h test/bench/*.h)
	$(CC) $(KERNEL_FLAGS) -O3 -o $@ test/bench/kernel.c $(KERNEL_SRC) -lm

unit: test/unit/unit
	./test/unit/unit

.PHONY: test demo unit
test:
	test/run
demo:
	test/demo/run
