// trustd doctor: what keeps this trustd from its work, as people ask for it.

#ifndef ANCHORAGE_TRUSTD_DOCTOR_COMMAND_H_
#define ANCHORAGE_TRUSTD_DOCTOR_COMMAND_H_

#include <CLI/CLI.hpp>
#include <string>

namespace anchorage::trustd {

struct DoctorFlags {
  std::string output = "text";
  bool strict = false;
};

// Adds the command to `app` and returns it; --config is that of `app`.
CLI::App* AddDoctor(CLI::App& app, DoctorFlags& flags);

// Diagnoses the trustd of the configuration at `config_path`, prints a line for
// each check, and returns the exit code.
int RunDoctor(const std::string& config_path, const DoctorFlags& flags);

}  // namespace anchorage::trustd

#endif  // ANCHORAGE_TRUSTD_DOCTOR_COMMAND_H_
