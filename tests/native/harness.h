// What the checks of both transforms need: threads, and memory of the exact size.

#ifndef HADAX_TESTS_NATIVE_HARNESS_H_
#define HADAX_TESTS_NATIVE_HARNESS_H_

#include <algorithm>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

namespace harness {

// What the handler of XLA gives: threads that take up work when they like.
class Pool {
 public:
  explicit Pool(int size) {
    for (int i = 0; i < size; i++) threads_.emplace_back([this] { serve(); });
  }
  ~Pool() {
    {
      std::lock_guard<std::mutex> lock(mutex_);
      closed_ = true;
    }
    changed_.notify_all();
    for (auto& thread : threads_) thread.join();
  }
  void Schedule(std::function<void()> work) {
    {
      std::lock_guard<std::mutex> lock(mutex_);
      waiting_.push_back(std::move(work));
    }
    changed_.notify_one();
  }

 private:
  void serve() {
    while (true) {
      std::unique_lock<std::mutex> lock(mutex_);
      changed_.wait(lock, [this] { return closed_ || !waiting_.empty(); });
      if (waiting_.empty()) return;
      auto work = std::move(waiting_.front());
      waiting_.pop_front();
      lock.unlock();
      work();
    }
  }

  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<std::function<void()>> waiting_;
  bool closed_ = false;
  std::vector<std::thread> threads_;
};

// How many calls were right so far.
inline int64_t cases = 0;

template <class S>
std::unique_ptr<S[]> copy(const std::vector<S>& from) {
  std::unique_ptr<S[]> to(new S[from.size()]);
  std::copy(from.begin(), from.end(), to.get());
  return to;
}

}  // namespace harness

#endif  // HADAX_TESTS_NATIVE_HARNESS_H_
