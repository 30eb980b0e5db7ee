# SPDX-License-Identifier: MIT
import handlers
import server
from calculator import calculator

arguments = server.parse("calculator", "The example service calculator")
server.serve(arguments, calculator.Processor(handlers.Calculator()))
