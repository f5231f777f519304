// A verilated Ranvier core on a serial port, its pins wired to a pseudo-terminal: what a USB serial adapter and a board would
// be. The baud rate is the one that the host sets on the terminal, so a wrong one garbles the bits as it would on a wire.
#include "Vranvier_serial.h"
#include "verilated.h"

#include <asm/termbits.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <chrono>
#include <cstdint>

namespace {

using Wall = std::chrono::steady_clock;

constexpr int kDataBits = 8;
constexpr int kPollEvery = 64;      // clocks between two polls for bytes from the host
constexpr int kNapsPerSecond = 500;  // how often time is compared with the clock on the wall while nothing happens

// The host's half of the wire, from and to the terminal `fd`.
class Adapter {
public:
    Adapter(int fd, double clock) : fd_(fd), clock_(clock) {}

    // Level of the wire to the core at `now` (in clocks), given the level of the one from it.
    int step(uint64_t now, int from_core) {
        receive(now, from_core);
        return send(now);
    }

    bool idle() const { return !sending_ && !receiving_ && next_ == filled_; }
    bool gone() const { return gone_; }

private:
    double bit_clocks() const {
        termios2 settings;
        if (ioctl(fd_, TCGETS2, &settings) || !settings.c_ospeed) return clock_;
        return clock_ / settings.c_ospeed;
    }

    int send(uint64_t now) {
        if (!sending_ && !take(now)) return 1;
        const int bit = static_cast<int>((now - sent_from_) / sent_bit_);
        if (bit > kDataBits + 1) {
            sending_ = false;
            return send(now);
        }
        return (frame_ >> bit) & 1;
    }

    bool take(uint64_t now) {
        if (next_ == filled_) {
            if (now % kPollEvery) return false;
            const ssize_t got = read(fd_, buffer_, sizeof buffer_);
            gone_ |= got == 0 || (got < 0 && errno != EAGAIN && errno != EINTR);
            if (got <= 0) return false;
            next_ = 0;
            filled_ = static_cast<int>(got);
        }
        frame_ = 1u << (kDataBits + 1) | static_cast<unsigned>(buffer_[next_++]) << 1;
        sent_bit_ = bit_clocks();
        sent_from_ = now;
        return sending_ = true;
    }

    void receive(uint64_t now, int level) {
        if (!receiving_) {
            if (was_ && !level) {
                receiving_ = true;
                received_bit_ = bit_clocks();
                received_from_ = now;
                received_ = bits_ = 0;
            }
        } else if (now >= received_from_ + received_bit_ * (bits_ + 0.5)) {
            if (bits_ > 0 && bits_ <= kDataBits) received_ |= static_cast<unsigned>(level) << (bits_ - 1);
            if (bits_++ == kDataBits + 1) {
                const auto byte = static_cast<unsigned char>(received_);
                receiving_ = false;
                if (write(fd_, &byte, 1) < 0) gone_ |= errno != EAGAIN && errno != EINTR;  // nobody reads: lost
            }
        }
        was_ = level;
    }

    const int fd_;
    const double clock_;
    unsigned char buffer_[4096];
    int next_ = 0, filled_ = 0;
    bool gone_ = false, sending_ = false, receiving_ = false;
    unsigned frame_ = 0, received_ = 0;
    int bits_ = 0, was_ = 1;
    uint64_t sent_from_ = 0, received_from_ = 0;
    double sent_bit_ = 1, received_bit_ = 1;
};

struct Board {
    VerilatedContext context;
    Vranvier_serial top{&context};
    std::atomic<uint64_t> cycles{0};
    std::atomic<bool> stop{false};

    void tick() {
        top.clk = 0;
        top.eval();
        top.clk = 1;
        top.eval();
        cycles.store(cycles.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);  // one writer
    }
};

}  // namespace

extern "C" {

Board *serial_open() {
    auto *board = new Board;
    board->top.rx = 1;
    board->top.rst = 1;
    for (int i = 0; i < 2; ++i) board->tick();
    board->top.rst = 0;
    return board;
}

void serial_close(Board *board) { delete board; }

uint64_t serial_cycles(const Board *board) { return board->cycles; }

// Ends `serial_run`, from another thread.
void serial_stop(Board *board) { board->stop = true; }

// Let the board run with a clock of `clock` Hz on the terminal `fd` until `serial_stop`, or until the terminal is gone (1).
// While there is something on the wires it runs as fast as it can, otherwise no faster than a real one.
int serial_run(Board *board, int fd, double clock) {
    Adapter adapter(fd, clock);
    const auto nap = static_cast<uint64_t>(clock / kNapsPerSecond) + 1;
    auto since = Wall::now();
    uint64_t idle_from = board->cycles;
    while (!board->stop && !adapter.gone()) {
        const uint64_t now = board->cycles;
        board->top.rx = adapter.step(now, board->top.tx);
        board->tick();
        if (!adapter.idle()) {
            idle_from = now;
        } else if (now == idle_from + 1) {
            since = Wall::now();
        } else if ((now - idle_from) % nap == 0) {
            const auto due = since + std::chrono::duration<double>((now - idle_from) / clock);
            const auto left = std::chrono::duration<double, std::milli>(due - Wall::now()).count();
            pollfd waited{fd, POLLIN, 0};
            if (left > 0) poll(&waited, 1, static_cast<int>(left) + 1);
        }
    }
    return adapter.gone();
}

}  // extern "C"
