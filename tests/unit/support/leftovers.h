// SPDX-License-Identifier: MIT
// No test leaves an object of the module behind: one that does fails.
#pragma once

void leftovers_watch();
