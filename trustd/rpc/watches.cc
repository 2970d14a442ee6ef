#include "trustd/rpc/watches.h"

#include <utility>

#include "anchors/base/no_throw.h"
#include "trustd/rpc/rpc_status.h"

namespace anchorage::trustd {
namespace {

grpc::Status ShuttingDown() {
  return RpcError(grpc::StatusCode::UNAVAILABLE, kShuttingDown,
                  "the server stops");
}

}  // namespace

void NewsStream::Continue() {
  const absl::MutexLock lock(&mutex_);
  if (!ended_ && !writing_) WriteNext();
}

void NewsStream::OnWriteDone(bool ok) {
  const absl::MutexLock lock(&mutex_);
  writing_ = false;
  if (!ok) return EndLocked(grpc::Status::CANCELLED);
  if (!ended_) WriteNext();
}

void NewsStream::OnDone() { watches_->Forget(*this); }

std::function<void()> NewsStream::Waker() {
  return [weak = weak_from_this()] {
    (void)anchors::NoThrow([&] {
      if (const auto self = weak.lock()) self->Continue();
      return absl::OkStatus();
    });
  };
}

void NewsStream::End(const grpc::Status& status) {
  const absl::MutexLock lock(&mutex_);
  EndLocked(status);
}

void NewsStream::WriteNext() {
  const grpc::ByteBuffer* message = nullptr;
  const grpc::Status status = Next(message);
  if (!status.ok()) return EndLocked(status);
  if (message == nullptr) return;
  writing_ = true;
  StartWrite(message);
}

void NewsStream::EndLocked(const grpc::Status& status) {
  if (!std::exchange(ended_, true)) Finish(status);
}

grpc::Status Watches::Open(const Caller& caller,
                           std::shared_ptr<NewsStream> watch,
                           std::shared_ptr<ServerStream>& stream) {
  if (places_.Admit(caller.address, watch->place_) != Refusal::kNone) {
    return RpcError(grpc::StatusCode::RESOURCE_EXHAUSTED, kTooManyWatchers,
                    full_);
  }
  watch->watches_ = this;
  const absl::MutexLock lock(&mutex_);
  if (shutting_down_) return ShuttingDown();
  open_.insert(watch);
  stream = std::move(watch);
  return grpc::Status::OK;
}

void Watches::Forget(NewsStream& watch) {
  const std::shared_ptr<NewsStream> last = watch.shared_from_this();
  const absl::MutexLock lock(&mutex_);
  open_.erase(last);
}

std::vector<std::shared_ptr<NewsStream>> Watches::All() {
  const absl::MutexLock lock(&mutex_);
  return {open_.begin(), open_.end()};
}

void Watches::Continue() {
  for (const auto& watch : All()) watch->Continue();
}

void Watches::Shutdown() {
  {
    const absl::MutexLock lock(&mutex_);
    shutting_down_ = true;
  }
  for (const auto& watch : All()) watch->End(ShuttingDown());
}

}  // namespace anchorage::trustd
