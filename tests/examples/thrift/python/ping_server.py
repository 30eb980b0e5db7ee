# SPDX-License-Identifier: MIT
import handlers
import server
from ping import ping

arguments = server.parse("ping", "The example service ping")
server.serve(arguments, ping.Processor(handlers.Ping(arguments.quiet)))
