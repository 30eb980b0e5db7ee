# SPDX-License-Identifier: MIT
import handlers
import server
from example import example

arguments = server.parse("example", "The example service example")
server.serve(arguments, example.Processor(handlers.Example("example")))
