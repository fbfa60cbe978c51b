/* The search of edgekit/plan/ejection.py, which explains it: same moves, same answer.
 *
 * A program for the machine that plans, not for the device. It reads
 *     groups capacity moves seed tries
 * for each group
 *     start extent align conflicts
 * and for each of its conflicts, by the other group,
 *     other low high
 * and prints "found moves", then the offset of each group; found 0: not by any of the tries. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

typedef int64_t num;
typedef struct {
    num other, low, high;
} conflict;

static num groups, capacity, moves, seed, tries;
static num *start, *offset, *extent, *align, *degree, *hardness, *queue, head, waiting;
static conflict **conflicts;
/* Ends of intervals, each with the hardness of its group in the lower bits. */
static num *opens, *closes;
static num *places, *least;
enum { HARDNESS_BITS = 24 };

static void *room(num count, size_t width)
{
    void *memory = calloc((size_t)count + 1, width);
    if (memory == NULL)
        exit(3);
    return memory;
}

/* The generator of ejection.py: a multiplier of Steele and Vigna, the upper bits. */
static uint64_t state;

static num below(num count)
{
    state = state * UINT64_C(0xd1342543de82ef95) + 1;
    return (num)((state >> 33) % (uint64_t)count);
}

static num floor_to(num value, num multiple)
{
    num rest = value % multiple;
    return value - (rest < 0 ? rest + multiple : rest);
}

/* Shell sort, gaps by Ciura: few numbers, and many times. */
static void sort(num *a, num count)
{
    static const num gaps[] = {701, 301, 132, 57, 23, 10, 4, 1};
    for (size_t g = 0; g < sizeof gaps / sizeof *gaps; g++)
        for (num i = gaps[g]; i < count; i++) {
            num value = a[i], k = i;
            for (; k >= gaps[g] && a[k - gaps[g]] > value; k -= gaps[g])
                a[k] = a[k - gaps[g]];
            a[k] = value;
        }
}

static num end_of(num at, num group)
{
    return at * (1 << HARDNESS_BITS) + hardness[group];
}

static void wait(num i)
{
    offset[i] = -1;
    queue[(head + waiting++) % groups] = i;
}

/* The places of group i, and in `least` the hardness in the way of each. */
static num weigh(num i)
{
    num top = floor_to(capacity - extent[i], align[i]), edges = 0, count = 0, found = 0;
    places[count++] = 0;
    places[count++] = top;
    for (num k = 0; k < degree[i]; k++) {
        conflict c = conflicts[i][k];
        if (offset[c.other] < 0)
            continue;
        num low = offset[c.other] + c.low, high = offset[c.other] + c.high;
        opens[edges] = end_of(low, c.other);
        closes[edges++] = end_of(high, c.other);
        low = floor_to(low, align[i]);
        high = floor_to(high + align[i] - 1, align[i]);
        if (low >= 0 && low <= top)
            places[count++] = low;
        if (high >= 0 && high <= top)
            places[count++] = high;
    }
    sort(places, count);
    sort(opens, edges);
    sort(closes, edges);
    const num mask = (1 << HARDNESS_BITS) - 1;
    num opened = 0, closed = 0, weight = 0;
    for (num k = 0; k < count; k++) {
        if (k && places[k] == places[k - 1])
            continue;
        num limit = places[k] * (1 << HARDNESS_BITS);
        for (; opened < edges && opens[opened] < limit; opened++)
            weight += opens[opened] & mask;
        for (; closed < edges && closes[closed] <= (limit | mask); closed++)
            weight -= closes[closed] & mask;
        places[found] = places[k];
        least[found++] = weight;
    }
    return found;
}

static void place(num i)
{
    num count = weigh(i), best = least[0], ties = 0;
    for (num k = 0; k < count; k++)
        best = least[k] < best ? least[k] : best;
    for (num k = 0; k < count; k++)
        if (least[k] == best)
            places[ties++] = places[k];
    num at = places[below(ties)];
    for (num k = 0; k < degree[i]; k++) {
        conflict c = conflicts[i][k];
        num other = offset[c.other];
        if (other >= 0 && other + c.low < at && at < other + c.high)
            wait(c.other);
    }
    hardness[i] += best > 0;
    offset[i] = at;
}

static int read_groups(void)
{
    num most = 0;
    num **columns[] = {&start, &offset, &extent, &align, &degree, &hardness, &queue};
    for (size_t c = 0; c < sizeof columns / sizeof *columns; c++)
        *columns[c] = room(groups, sizeof(num));
    conflicts = room(groups, sizeof *conflicts);
    for (num i = 0; i < groups; i++) {
        if (scanf("%" SCNd64 "%" SCNd64 "%" SCNd64 "%" SCNd64, &start[i], &extent[i], &align[i],
                  &degree[i]) != 4)
            return 0;
        conflicts[i] = room(degree[i], sizeof **conflicts);
        for (num k = 0; k < degree[i]; k++)
            if (scanf("%" SCNd64 "%" SCNd64 "%" SCNd64, &conflicts[i][k].other,
                      &conflicts[i][k].low, &conflicts[i][k].high) != 3)
                return 0;
        most = degree[i] > most ? degree[i] : most;
    }
    opens = room(most, sizeof *opens);
    closes = room(most, sizeof *closes);
    places = room(2 * most + 2, sizeof *places);
    least = room(2 * most + 2, sizeof *least);
    return 1;
}

/* One try; returns its moves. */
static num search(void)
{
    num made = 0;
    state = (uint64_t)seed++;
    head = waiting = 0;
    for (num i = 0; i < groups; i++) {
        hardness[i] = 1;
        offset[i] = start[i];
        if (start[i] + extent[i] > capacity)
            wait(i);
    }
    for (; waiting > 0 && made < moves; made++) {
        num i = queue[head];
        head = (head + 1) % groups;
        waiting--;
        place(i);
    }
    return made;
}

int main(void)
{
    if (scanf("%" SCNd64 "%" SCNd64 "%" SCNd64 "%" SCNd64 "%" SCNd64, &groups, &capacity, &moves,
              &seed, &tries) != 5 || groups < 1 || !read_groups())
        return 2;
    num made = 0;
    do
        made += search();
    while (waiting > 0 && --tries > 0);
    printf("%d %" PRId64 "\n", waiting == 0, made);
    for (num i = 0; i < groups; i++)
        printf("%" PRId64 "\n", offset[i]);
    return 0;
}
