# SPDX-License-Identifier: MIT
# server, client1 and client2; the library is linked in, so they run wherever they are copied

B ?= build

CLIENT_SERVER := $(addprefix $(B)/bin/,server client1 client2)
ALL += client-server

.PHONY: client-server
client-server: $(CLIENT_SERVER)

$(B)/bin/server: $(addprefix $(B)/client-server/,server.o transfers.o common.o)
$(B)/bin/server: CLIENT_SERVER_LIBS := -lcrypto
$(B)/bin/client1: $(addprefix $(B)/client-server/,client1.o common.o)
$(B)/bin/client2: $(addprefix $(B)/client-server/,client2.o progress.o sums.o common.o)

$(CLIENT_SERVER): $(B)/lib/libstplr.a
	@mkdir -p $(@D)
	$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $(filter %.o,$^) $(B)/lib/libstplr.a $(CLIENT_SERVER_LIBS)

$(B)/client-server/%.o: tests/client-server/%.c $(wildcard tests/client-server/*.h) \
		lib/stplr.h include/uapi/linux/stplr.h
	@mkdir -p $(@D)
	$(CC) -std=c11 $(CFLAGS) -I include/uapi -I lib $(CPPFLAGS) -c -o $@ $<

# They are run by their test.
$(B)/tests/client_server_test: | $(CLIENT_SERVER)
