// SPDX-License-Identifier: MIT
#include "runs.h"

#include <algorithm>

namespace bench
{

Spread spreadOf(std::vector<double> values)
{
	std::sort(values.begin(), values.end());

	const std::size_t middle = values.size() / 2;
	const double median =
		values.size() % 2 ? values[middle] : (values[middle - 1] + values[middle]) / 2;

	return {median, values.front(), values.back()};
}

namespace
{

template <typename Figure> double medianOf(const std::vector<Outcome> &runs, const Figure &figure)
{
	std::vector<double> values;

	for (const Outcome &run : runs)
		values.push_back(figure(run));
	return spreadOf(values).median;
}

} // namespace

Outcome together(const std::vector<Outcome> &runs)
{
	Outcome all = runs.front();

	for (const Outcome &run : runs)
		if (!run.supported)
			return run;
	all.cost = medianOf(runs, [](const Outcome &run) { return run.cost; });
	for (std::size_t at = 0; at < all.batches.size(); at++)
		all.batches[at] =
			medianOf(runs, [at](const Outcome &run) { return run.batches[at]; });
	if (all.busy)
		all.busy = medianOf(runs, [](const Outcome &run) { return *run.busy; });
	all.runs.clear();
	for (const Outcome &run : runs)
		all.runs.push_back(run.cost);
	return all;
}

Spread ratioOf(const Outcome &figure, const Outcome &reference)
{
	std::vector<double> ratios;

	for (std::size_t run = 0; run < figure.runs.size() && run < reference.runs.size(); run++)
		ratios.push_back(figure.runs[run] / reference.runs[run]);
	return spreadOf(ratios);
}

} // namespace bench
