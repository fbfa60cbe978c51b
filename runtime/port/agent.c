/* agent.c -- the device's side of PROTOCOL.md, over the byte functions of port.h */
#include "agent.h"

#include "port.h"

#ifndef EK_AGENT_PAYLOAD
#define EK_AGENT_PAYLOAD 1024
#endif

enum { HELLO = 1, WRITE, READ, RESET, RUN, CONTINUE, ANSWER = 0x80, ERROR = 0xFF };
enum { ERROR_TYPE = 1, ERROR_SIZE, ERROR_RANGE, ERROR_STATE, ERROR_FAULT };
enum { EVENT_END, EVENT_STEP };
enum { VERSION = 1, HEAD = 6, CRC = 4, CLOSED = -1 };

static uint8_t frame[HEAD + EK_AGENT_PAYLOAD + CRC]; /* bytes received, a frame first */
static uint32_t have;
static int paused, stopping;
/* The last RUN or CONTINUE and its answer, for a host that asks again. */
static int executed = CLOSED;
static uint8_t event[5];

static uint32_t crc_add(uint32_t crc, uint8_t byte)
{
    static const uint32_t table[16] = {
        0x00000000u, 0x1db71064u, 0x3b6e20c8u, 0x26d930acu, 0x76dc4190u, 0x6b6b51f4u,
        0x4db26158u, 0x5005713cu, 0xedb88320u, 0xf00f9344u, 0xd6d6a3e8u, 0xcb61b38cu,
        0x9b64c2b0u, 0x86d3d2d4u, 0xa00ae278u, 0xbdbdf21cu,
    };
    crc ^= byte;
    crc = (crc >> 4) ^ table[crc & 15u];
    return (crc >> 4) ^ table[crc & 15u];
}

static uint32_t get(const uint8_t *from, int bytes)
{
    uint32_t value = 0;
    while (bytes-- > 0)
        value = (value << 8) | from[bytes];
    return value;
}

static void put(uint8_t *to, uint32_t value, int bytes)
{
    for (int i = 0; i < bytes; i++)
        to[i] = (uint8_t)(value >> (8 * i));
}

static void send(uint8_t type, uint8_t sequence, const uint8_t *payload, uint32_t bytes)
{
    uint8_t head[HEAD] = {'E', 'K', type, sequence, (uint8_t)bytes, (uint8_t)(bytes >> 8)};
    uint8_t tail[CRC];
    uint32_t crc = 0xffffffffu;
    for (int i = 0; i < HEAD; i++) {
        if (i >= 2)
            crc = crc_add(crc, head[i]);
        port_write(head[i]);
    }
    for (uint32_t i = 0; i < bytes; i++) {
        crc = crc_add(crc, payload[i]);
        port_write(payload[i]);
    }
    put(tail, ~crc, CRC);
    for (int i = 0; i < CRC; i++)
        port_write(tail[i]);
    port_flush();
}

static void send_error(uint8_t sequence, uint8_t code, uint32_t detail)
{
    uint8_t payload[5] = {code};
    put(payload + 1, detail, 4);
    send(ERROR, sequence, payload, sizeof payload);
}

static void drop(uint32_t bytes)
{
    have -= bytes;
    for (uint32_t i = 0; i < have; i++)
        frame[i] = frame[i + bytes];
}

/* Drops what cannot begin a frame. */
static void seek(uint32_t from)
{
    while (from < have &&
           (frame[from] != 'E' || (from + 1 < have && frame[from + 1] != 'K')))
        from++;
    drop(from);
}

static int sound(uint32_t payload)
{
    uint32_t crc = 0xffffffffu;
    for (uint32_t i = 2; i < HEAD + payload; i++)
        crc = crc_add(crc, frame[i]);
    return get(frame + HEAD + payload, CRC) == ~crc;
}

/* Waits for a sound frame and leaves it at the start of `frame`; its payload's size, or CLOSED. */
static int32_t receive(void)
{
    for (;;) {
        uint32_t bytes = have < HEAD ? 0 : get(frame + 4, 2);
        uint32_t want = have < HEAD ? HEAD : HEAD + bytes + CRC;
        if (bytes > EK_AGENT_PAYLOAD) {
            seek(1);
        } else if (have < want) {
            int byte = port_read();
            if (byte < 0)
                return CLOSED;
            frame[have++] = (uint8_t)byte;
            if (have <= 2)
                seek(0);
        } else if (sound(bytes)) {
            return (int32_t)bytes;
        } else {
            seek(1);
        }
    }
}

static void hello(uint8_t sequence)
{
    uint8_t payload[26] = {0};
    put(payload, VERSION, 2);
#ifdef EK_TRACE_HOOK
    payload[2] = (uint8_t)(1 | (paused << 1));
#endif
    put(payload + 4, EK_AGENT_PAYLOAD, 2);
    for (int i = 0; i < 3; i++)
        put(payload + 6 + 4 * i, ek_spaces[i].bytes, 4);
    for (int i = 0; i < 8; i++)
        payload[18 + i] = ek_model_hash[i];
    executed = CLOSED;
    send(HELLO | ANSWER, sequence, payload, sizeof payload);
}

static void transfer(uint8_t type, uint8_t sequence, const uint8_t *payload, uint32_t bytes)
{
    uint32_t space, offset, length;
    if (bytes < 5 || (type == READ && bytes != 7)) {
        send_error(sequence, ERROR_SIZE, bytes);
        return;
    }
    space = payload[0];
    offset = get(payload + 1, 4);
    length = type == READ ? get(payload + 5, 2) : bytes - 5;
    if (space > 2 || offset > ek_spaces[space].bytes ||
        length > ek_spaces[space].bytes - offset || length > EK_AGENT_PAYLOAD) {
        send_error(sequence, ERROR_RANGE, offset);
        return;
    }
    if (type == READ) {
        send(READ | ANSWER, sequence, ek_spaces[space].base + offset, length);
        return;
    }
    for (uint32_t i = 0; i < length; i++)
        ek_spaces[space].base[offset + i] = payload[5 + i];
    send(WRITE | ANSWER, sequence, payload, 0);
}

/* Answers requests up to the next one that executes; 0, or CLOSED. */
static int serve(void)
{
    for (;;) {
        int32_t bytes = receive();
        uint8_t type = frame[2], sequence = frame[3];
        const uint8_t *payload = frame + HEAD;
        if (bytes < 0)
            return CLOSED;
        if (type == HELLO) {
            hello(sequence);
        } else if (type < HELLO || type > CONTINUE) {
            send_error(sequence, ERROR_TYPE, type);
        } else if (type >= RUN && sequence == executed) {
            send(type | ANSWER, sequence, event, sizeof event);
        } else if (type != READ && paused != (type == CONTINUE)) {
            send_error(sequence, ERROR_STATE, 0);
        } else if (type == READ || type == WRITE) {
            transfer(type, sequence, payload, (uint32_t)bytes);
        } else if (bytes != (type >= RUN)) {
            send_error(sequence, ERROR_SIZE, (uint32_t)bytes);
        } else if (type == RESET) {
            ek_model_reset();
            send(RESET | ANSWER, sequence, payload, 0);
        } else {
            stopping = payload[0];
            executed = sequence;
            drop((uint32_t)bytes + HEAD + CRC);
            return 0;
        }
        drop((uint32_t)bytes + HEAD + CRC);
    }
}

static void report(uint8_t kind, int value)
{
    event[0] = kind;
    put(event + 1, (uint32_t)value, 4);
    send((uint8_t)((paused ? CONTINUE : RUN) | ANSWER), (uint8_t)executed, event, sizeof event);
}

#ifdef EK_TRACE_HOOK
void ek_trace(int step);

void ek_trace(int step)
{
    if (!stopping)
        return;
    report(EVENT_STEP, step);
    paused = 1;
    if (serve() == CLOSED)
        stopping = 0;
}
#endif

void ek_agent_fault(uint32_t pc)
{
    send_error((uint8_t)executed, ERROR_FAULT, pc);
    for (;;)
        (void)port_read();
}

int main(void)
{
    port_open();
    while (serve() != CLOSED) {
        int result = ek_model_run();
        report(EVENT_END, result);
        paused = 0;
    }
    return 0;
}
