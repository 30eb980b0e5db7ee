// SPDX-License-Identifier: MIT
/* Adds, subtracts, multiplies, divides; what has no 32-bit result is an application exception */
#include "gen/calculator.h"
#include "server.h"

typedef calculatorHandler ServedCalculator;
typedef calculatorHandlerClass ServedCalculatorClass;

GType served_calculator_get_type(void);
G_DEFINE_TYPE(ServedCalculator, served_calculator, TYPE_CALCULATOR_HANDLER)

static gboolean answer(gint32 *_return, gint64 result, GError **error)
{
	if (result < G_MININT32 || result > G_MAXINT32)
		return call_fails(error, "%" G_GINT64_FORMAT " is not a 32-bit number", result);
	*_return = (gint32)result;
	return TRUE;
}

static gboolean add(calculatorIf *iface, gint32 *_return, const gint32 arg1, const gint32 arg2,
		    GError **error)
{
	(void)iface;
	return answer(_return, (gint64)arg1 + arg2, error);
}

static gboolean subtract(calculatorIf *iface, gint32 *_return, const gint32 arg1, const gint32 arg2,
			 GError **error)
{
	(void)iface;
	return answer(_return, (gint64)arg1 - arg2, error);
}

static gboolean multiply(calculatorIf *iface, gint32 *_return, const gint32 arg1, const gint32 arg2,
			 GError **error)
{
	(void)iface;
	return answer(_return, (gint64)arg1 * arg2, error);
}

static gboolean divide(calculatorIf *iface, gint32 *_return, const gint32 arg1, const gint32 arg2,
		       GError **error)
{
	(void)iface;
	if (!arg2)
		return call_fails(error, "division by zero");
	return answer(_return, (gint64)arg1 / arg2, error);
}

static void served_calculator_class_init(ServedCalculatorClass *class)
{
	example_handler_answers(EXAMPLE_HANDLER_CLASS(class));
	class->add = add;
	class->subtract = subtract;
	class->multiply = multiply;
	class->divide = divide;
}

static void served_calculator_init(ServedCalculator *handler)
{
	(void)handler;
}

int main(int argc, char **argv)
{
	return server_main(argc, argv, "calculator", TYPE_CALCULATOR_PROCESSOR,
			   served_calculator_get_type());
}
