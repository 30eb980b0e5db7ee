# SPDX-License-Identifier: MIT
import handlers
import server
from timer import timer

arguments = server.parse("timer", "The example service timer")
server.serve(arguments, timer.Processor(handlers.Timer()))
