/* The search of edgekit/plan/canonical.py, which explains it: same nodes, same order, same answer.
 *
 * A program for the machine that plans, not for the device. It reads
 *     blocks sections capacity limit dynamic
 * and for each block, in order of its start,
 *     start end size align preference
 * and prints "status nodes next", then the offset of each block; status 0: none, 1: found, 2: limit. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

typedef int64_t num;
enum { NONE, FOUND, LIMIT };

static num blocks, sections, capacity, limit, dynamic;
static num nodes, least_excess = INT64_MAX;
/* of a block; index `blocks` closes the list of open blocks */
static num *start, *end, *size, *align, *preference, *rank, *next, *prev, *open, *low, *offset, *load;
static num **near, *degree;
/* of a section */
static num *rest, *across, *base;

typedef struct {
    num *cell, value;
} change;
static change *changes;
static size_t change_count, change_room;

static void *room(size_t count, size_t width)
{
    void *memory = calloc(count, width);
    if (memory == NULL)
        exit(3);
    return memory;
}

static void set(num *cell, num value)
{
    if (change_count == change_room) {
        change_room = 2 * change_room + 4096;
        changes = realloc(changes, change_room * sizeof *changes);
        if (changes == NULL)
            exit(3);
    }
    changes[change_count].cell = cell;
    changes[change_count++].value = *cell;
    *cell = value;
}

static void undo(size_t mark)
{
    while (change_count > mark) {
        change_count--;
        *changes[change_count].cell = changes[change_count].value;
    }
}

static num round_up(num value, num multiple)
{
    return (value + multiple - 1) / multiple * multiple;
}

static void place(num p)
{
    num top = low[p] + size[p];
    offset[p] = low[p];
    set(&open[p], 0);
    set(&next[prev[p]], next[p]);
    set(&prev[next[p]], prev[p]);
    for (num s = start[p]; s < end[p]; s++)
        set(&rest[s], rest[s] - size[p]);
    for (num s = start[p] + 1; s < end[p]; s++)
        set(&across[s], across[s] - 1);
    for (num k = 0; k < degree[p]; k++) {
        num i = near[p][k];
        if (open[i] && low[i] < top)
            set(&low[i], round_up(top, align[i]));
    }
}

/* Where a block whose turn has passed can still go, -1 where nowhere. */
static num lifted(num i, num at)
{
    num lift = -1;
    for (num k = 0; k < degree[i]; k++) {
        num j = near[i][k];
        if (!open[j])
            continue;
        if (lift < 0)
            lift = round_up(at + size[j], align[i]);
        if (low[j] < low[i] + size[i])
            return lift;
    }
    return -1;
}

static int fits(num first, num stop, num at, num turn)
{
    for (num s = start[first]; s < stop; s++)
        base[s] = INT64_MAX;
    for (num i = first; start[i] < stop; i = next[i]) {
        num least = low[i];
        if (least < at || (least == at && rank[i] < turn))
            least = lifted(i, at);
        if (least < 0)
            return 0;
        for (num s = start[i]; s < end[i]; s++)
            if (least < base[s])
                base[s] = least;
    }
    for (num s = start[first]; s < stop; s++)
        if (rest[s] && base[s] + rest[s] > capacity) {
            if (base[s] + rest[s] < least_excess)
                least_excess = base[s] + rest[s];
            return 0;
        }
    return 1;
}

static int by_load(const void *x, const void *y)
{
    num a = *(const num *)x, b = *(const num *)y;
    if (load[a] != load[b])
        return load[a] > load[b] ? -1 : 1;
    return preference[a] < preference[b] ? -1 : 1;
}

static void rerank(num first, num stop)
{
    num count = 0, *order = room((size_t)blocks, sizeof *order);
    for (num i = first; start[i] < stop; i = next[i]) {
        load[i] = 0;
        for (num s = start[i]; s < end[i]; s++)
            load[i] = rest[s] > load[i] ? rest[s] : load[i];
        order[count++] = i;
    }
    qsort(order, (size_t)count, sizeof *order, by_load);
    for (num k = 0; k < count; k++)
        set(&rank[order[k]], k);
    free(order);
}

static int search(num first, num stop, num at, num turn);

/* Solve what is left of [start[first], stop) after `p`; apart, where nothing open crosses any more. */
static int descend(num p, num first, num stop, num at, num turn)
{
    num all = first;
    for (num s = start[p] + 1;; s++) {
        while (s < end[p] && across[s])
            s++;
        num cut = s < end[p] ? s : stop, after = first;
        while (start[after] < cut)
            after = next[after];
        if (after != first) {
            if (dynamic && (first != all || start[after] < stop)) {
                rerank(first, cut);
                turn = -1;
            }
            int status = search(first, cut, at, turn);
            if (status != FOUND)
                return status;
        }
        if (cut == stop)
            return FOUND;
        first = after;
    }
}

/* The open block whose (low, rank) comes next after (at, turn) and lies below `ceiling`; -1: none. */
static num pick(num first, num stop, num at, num turn, num ceiling)
{
    num best = -1;
    for (num i = first; start[i] < stop; i = next[i]) {
        if (low[i] < at || (low[i] == at && rank[i] <= turn) || low[i] >= ceiling)
            continue;
        if (best < 0 || low[i] < low[best] || (low[i] == low[best] && rank[i] < rank[best]))
            best = i;
    }
    return best;
}

static int search(num first, num stop, num at, num turn)
{
    if (++nodes > limit)
        return LIMIT;
    num most = 0, ceiling = INT64_MAX;
    for (num s = start[first]; s < stop; s++)
        most = rest[s] > most ? rest[s] : most;
    for (num i = first; start[i] < stop; i = next[i])
        ceiling = low[i] + size[i] < ceiling ? low[i] + size[i] : ceiling;
    for (;;) {
        num p = pick(first, stop, at, turn, ceiling);
        if (p < 0)
            return NONE;
        at = low[p];
        turn = rank[p];
        if (at + most > capacity) {
            least_excess = at + most < least_excess ? at + most : least_excess;
            return NONE;
        }
        size_t mark = change_count;
        place(p);
        num left = first == p ? next[p] : first;
        if (start[left] >= stop)
            return FOUND;
        int status = fits(left, stop, at, turn) ? descend(p, left, stop, at, turn) : NONE;
        if (status != NONE)
            return status;
        undo(mark);
    }
}

static int by_size(const void *x, const void *y)
{
    num a = *(const num *)x, b = *(const num *)y;
    if (size[a] != size[b])
        return size[a] < size[b] ? -1 : 1;
    return a < b ? -1 : 1;
}

static void prepare(num i)
{
    num *found = room((size_t)blocks, sizeof *found);
    for (num j = 0; j < blocks; j++)
        if (j != i && start[j] < end[i] && start[i] < end[j])
            found[degree[i]++] = j;
    qsort(found, (size_t)degree[i], sizeof *found, by_size);
    near[i] = found;
    rank[i] = preference[i];
    open[i] = 1;
    for (num s = start[i]; s < end[i]; s++)
        rest[s] += size[i];
    for (num s = start[i] + 1; s < end[i]; s++)
        across[s]++;
}

static int read_blocks(void)
{
    num **columns[] = {&start, &end, &size, &align, &preference, &rank,   &next,
                       &prev,  &open, &low, &offset, &load, &degree};
    for (size_t c = 0; c < sizeof columns / sizeof *columns; c++)
        *columns[c] = room((size_t)blocks + 1, sizeof(num));
    near = room((size_t)blocks, sizeof *near);
    rest = room((size_t)sections, sizeof *rest);
    across = room((size_t)sections, sizeof *across);
    base = room((size_t)sections, sizeof *base);
    for (num i = 0; i < blocks; i++)
        if (scanf("%" SCNd64 "%" SCNd64 "%" SCNd64 "%" SCNd64 "%" SCNd64, &start[i], &end[i],
                  &size[i], &align[i], &preference[i]) != 5)
            return 0;
    start[blocks] = sections;
    for (num i = 0; i <= blocks; i++) {
        next[i] = i < blocks ? i + 1 : 0;
        prev[i] = i > 0 ? i - 1 : blocks;
    }
    return 1;
}

int main(void)
{
    if (scanf("%" SCNd64 "%" SCNd64 "%" SCNd64 "%" SCNd64 "%" SCNd64, &blocks, &sections,
              &capacity, &limit, &dynamic) != 5 || blocks < 1 || !read_blocks())
        return 2;
    for (num i = 0; i < blocks; i++)
        prepare(i);
    int status = search(0, sections, 0, -1);
    printf("%d %" PRId64 " %" PRId64 "\n", status, nodes, least_excess);
    for (num i = 0; i < blocks; i++)
        printf("%" PRId64 "\n", offset[i]);
    return 0;
}
