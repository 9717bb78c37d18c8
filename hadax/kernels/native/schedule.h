// How the rows of an array are shared among threads.

#ifndef HADAX_NATIVE_SCHEDULE_H_
#define HADAX_NATIVE_SCHEDULE_H_

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <memory>
#include <thread>
#include <utility>
#include <vector>

#include "native/kernels.h"

namespace hadax {

// Waits for what another thread is about to finish: busily at first, since that is mostly at once.
class Wait {
 public:
  void once() {
    if (++times_ > kBusy) return std::this_thread::yield();
#if defined(__x86_64__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    asm volatile("yield");
#endif
  }

 private:
  static constexpr int kBusy = 1 << 12;
  int times_ = 0;
};

// The transform of all rows as a list of tasks, which the threads take in order, the caller's among
// them. Many rows are shared whole. Of a few long ones the blocks are shared, and then the columns (or
// first these): they wait for the first phase of their row, which comes before them in the list, so
// that a thread is at work on each, and nothing waits for a thread that the pool has not started.
template <class Row>
class Job {
 public:
  Job(const KernelsOf<Row>& kernels, const Row& row, const void* in, void* out, int64_t rows, int64_t threads)
      : kernels_(kernels), row_(row), in_((const char*)in), out_((char*)out) {
    const int64_t n = row.size();
    if (rows >= 4 * threads || n < kSplit) {
      const int64_t small = std::max<int64_t>(1, kChunk / n);
      const int64_t chunk = std::max(small, std::min(rows / (8 * threads), 32 * kChunk / n));
      const int64_t together = row.together(kernels.work_bytes);
      add({kWhole, rows, (chunk + together - 1) / together * together}, 0);
    } else {
      split(rows, threads);
    }
  }

  Job(const Job&) = delete;
  ~Job() { std::free(work_); }

  // Pool has Schedule(f), as xla::ffi::ThreadPool.
  template <class Pool>
  static bool run(std::shared_ptr<Job> job, Pool& pool, int64_t threads) {
    const int64_t tasks = job->tasks_.size();
    for (int64_t i = 1; i < std::min(threads, tasks); i++) pool.Schedule([job] { job->take(); });
    job->take();
    for (Wait wait; job->done_.load(std::memory_order_acquire) < tasks;) wait.once();
    // Threads that the pool starts later find no task, but they keep the job.
    std::free(std::exchange(job->work_, nullptr));
    return !job->failed_.load(std::memory_order_relaxed);
  }

  static bool worth_sharing(int64_t elements) { return elements >= kShared; }

 private:
  enum Kind { kWhole, kBlocks, kColumns };
  struct Task {
    Kind kind;
    int64_t row, begin, end;
  };
  struct Phase {
    Kind kind;
    int64_t size, step;
  };
  // In elements. Below kShared, waking a thread costs more than it saves.
  static constexpr int64_t kShared = 1 << 16, kSplit = 1 << 15, kChunk = 1 << 14, kBlock = 1 << 18;
  static constexpr int kMaxTop = 6;

  void add(const Phase& phase, int64_t row) {
    for (int64_t i = 0; i < phase.size; i += phase.step)
      tasks_.push_back({phase.kind, row, i, std::min(phase.size, i + phase.step)});
  }

  void split(int64_t rows, int64_t threads) {
    const int64_t n = row_.size();
    if (row_.m == 1) {  // blocks that a core's own cache holds, and enough of them
      while (top_ < kMaxTop && ((n >> top_) > kBlock || (1 << top_) < 4 * threads)) top_++;
    }
    const int64_t blocks = row_.m << top_, width = n / blocks;
    const int64_t together = std::max<int64_t>(1, blocks / (8 * threads));
    // Whole vectors and panels of columns, whatever the number of threads: no two tasks share one.
    const int64_t strips = std::max<int64_t>(1, width / (8 * threads) / kStrip);
    const int64_t strip = std::min(width, strips * kStrip);
    if (kernels_.work_bytes != kernels_.storage_bytes) {
      work_ = (char*)std::malloc(rows * n * kernels_.work_bytes);
      if (!work_) throw OutOfMemory{};
    }
    const Phase by_blocks{kBlocks, blocks, together}, by_columns{kColumns, width, strip};
    const Phase& first = kernels_.columns_first ? by_columns : by_blocks;
    const Phase& second = kernels_.columns_first ? by_blocks : by_columns;
    for (int64_t r = 0; r < rows; r++) add(first, r);
    tasks_left_ = std::vector<std::atomic<int64_t>>(rows);
    for (auto& left : tasks_left_) left = tasks_.size() / rows;
    for (int64_t r = 0; r < rows; r++) add(second, r);
  }

  void take() {
    for (size_t t; (t = next_.fetch_add(1, std::memory_order_relaxed)) < tasks_.size();) {
      try {
        perform(tasks_[t]);
      } catch (const OutOfMemory&) {
        failed_.store(true, std::memory_order_relaxed);
      }
      done_.fetch_add(1, std::memory_order_release);
    }
  }

  void perform(const Task& task) {
    if (task.kind == kWhole) return kernels_.rows(row_, in_, out_, task.begin, task.end);
    const int64_t first = task.row * row_.size();
    char* out = out_ + first * kernels_.storage_bytes;
    char* work = work_ ? work_ + first * kernels_.work_bytes : out;
    auto& left = tasks_left_[task.row];
    const bool is_first = (task.kind == kColumns) == kernels_.columns_first;
    if (!is_first)
      for (Wait wait; left.load(std::memory_order_acquire) > 0;) wait.once();
    const auto work_on = task.kind == kBlocks ? kernels_.blocks : kernels_.columns;
    const char* in = in_ + first * kernels_.storage_bytes;
    work_on(row_, top_, is_first ? in : work, is_first ? work : out, task.begin, task.end);
    if (is_first) left.fetch_sub(1, std::memory_order_release);
  }

  static constexpr int64_t kStrip = 256;
  const KernelsOf<Row> kernels_;
  const Row row_;
  const char* const in_;
  char* const out_;
  int top_ = 0;
  char* work_ = nullptr;
  std::vector<Task> tasks_;
  std::vector<std::atomic<int64_t>> tasks_left_;  // of the first phase, by row
  std::atomic<size_t> next_{0};
  std::atomic<int64_t> done_{0};
  std::atomic<bool> failed_{false};
};

// Whether there was memory enough to do it.
template <class Row, class Pool>
bool transform(const KernelsOf<Row>& kernels, const Row& row, const void* in, void* out, int64_t rows,
               Pool& pool, int64_t threads) {
  try {
    if (threads > 1 && Job<Row>::worth_sharing(rows * row.size()))
      return Job<Row>::run(std::make_shared<Job<Row>>(kernels, row, in, out, rows, threads), pool,
                           threads);
    kernels.rows(row, in, out, 0, rows);
    return true;
  } catch (const OutOfMemory&) {
    return false;
  }
}

}  // namespace hadax

#endif  // HADAX_NATIVE_SCHEDULE_H_
