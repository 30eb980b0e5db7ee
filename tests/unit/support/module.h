// SPDX-License-Identifier: MIT
// The modules of tests/module.
#pragma once

#include <string>

// These fail the test when they cannot.
void load_test_module(const std::string &name);
void unload_test_module(const std::string &name);
void set_module_parameter(const std::string &module, const std::string &name, long value);
