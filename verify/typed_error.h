// Errors that carry one of a closed list of reasons.
//
//   struct Row {
//     BootReason value;
//     std::string_view name;
//     absl::StatusCode code;
//   };
//   constexpr Row kRows[] = {{BootReason::kNoDisk, "NO_DISK", kNotFound}, ...};
//   constexpr char kPayload[] = "anchorage.dev/boot-reason";
//   using BootErrors = TypedErrors<kRows, kPayload>;
//
//   return BootErrors::Make(BootReason::kNoDisk, "there is no disk");
//
// A room declares its enum and functions of its own in a header, and these are
// how it defines them. Safe to call from any number of threads.

#ifndef ANCHORAGE_VERIFY_TYPED_ERROR_H_
#define ANCHORAGE_VERIFY_TYPED_ERROR_H_

#include <optional>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/strings/cord.h"
#include "absl/strings/str_cat.h"
#include "verify/enum_table.h"
#include "verify/printable.h"

namespace anchorage::verify {

template <const auto& kRows, const auto& kPayload>
class TypedErrors : public EnumTable<kRows> {
 public:
  using Table = EnumTable<kRows>;
  using Reason = typename Table::Enum;

  // Returns a non-OK status that carries `reason` for machines and says
  // "NAME: detail" to people. `detail` may contain what others wrote: it is
  // made one line by Printable().
  static absl::Status Make(Reason reason, std::string_view detail) {
    const auto& row = Table::Of(reason);
    const std::string name(row.name);
    absl::Status status(
        row.code,
        Printable(absl::StrCat(name, ": ",
                               absl::string_view(detail.data(), detail.size())),
                  kMaxSentenceBytes));
    status.SetPayload(kPayload, absl::Cord(name));
    return status;
  }

  // Returns the reason that Make() put in `status`; nullopt for an OK status
  // and for a status that it did not make.
  static std::optional<Reason> ReasonOf(const absl::Status& status) {
    const auto payload = status.GetPayload(kPayload);
    if (!payload.has_value()) return std::nullopt;
    return Table::Named(std::string(*payload));
  }

  static constexpr std::string_view NameOf(Reason reason) {
    return Table::Of(reason).name;
  }
};

}  // namespace anchorage::verify

#endif  // ANCHORAGE_VERIFY_TYPED_ERROR_H_
