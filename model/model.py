#!/usr/bin/env python3
"""Exhaustive model check of the conversation log: append, retry, edit, delete, react, subscribe, read,
removal and addition.

The search explores every interleaving of a few small processes. It is breadth-first, so the first
counter-example is a shortest one. Each request to the database is one step; between any two steps
any other step may happen.

Faults, each within a budget:
  kill      a function dies between two steps; its put may be in flight and land later, or never
  sdk       a put takes effect but its answer is lost; the SDK repeats the same put

A Query is not a snapshot: other writes may happen between its two halves (read-committed).
An edit and a deletion are sends whose put is a transaction of the entry and the item of their target
message, which alone has a body. Such entries hold none: a reader fills them from the target.
A reaction is a transaction of the entry and a row, on the condition that the row does not exist (exists,
to withdraw it). That its message is not deleted is no condition: its writer reads the message after the
tail, and looks for a deletion in every entry that it reads.
A change of participants is a transaction of an entry and a row: all or nothing, but one becomes
visible before the other. The number of participants, a third item of it, only adds a condition, and
is not modelled; nor are the places of a connection, which no reader of the log looks at.

Every entry carries a counter: the number of messages up to and including it. Its writer takes it
from the entry before, which it has read: the last of its tail, or the winner of a lost position.

Checked in every state   DENSE  the log is 1, 2, 3 ... without a hole
                         ONCE   a (sender, id) is stored at most once
                         COUNT  the counter of every entry is the number of messages up to it
                         ACKED  an acknowledged message stays at its acknowledged position
                         LIVING no reaction is stored behind the deletion of its message
                         FENCE  no entry that is stored after an answered removal is sent by, or
                                reaches, the removed user, until they are added again
Checked at the end       FOLD   every message is the fold of its entries: a deletion wins for ever,
                                and between edits the log's order decides; the rows of reactions are
                                what their entries leave, and each is given and withdrawn in turn
                         AGREE  the participant row agrees with the newest change in the log
                         SEEN   the subscriber has every acknowledged message (acknowledged = fanned
                                out); a message that was stored and never acknowledged may be
                                missing: as a gap, or at the end, where only ping shows it
                         PICTURE  a subscriber that has seen the whole log shows every message and reaction
                                as it is stored, whatever way the entries and pages of history came
                         LIVE   without kill and rejection, every send is acknowledged

    python3 model.py            the design in all scenarios, then every mutant
    python3 model.py NAME       one mutant, with its trace
"""
import sys
import time
from collections import namedtuple, deque
from concurrent.futures import ProcessPoolExecutor

# log: tuple of entries (None = hole). counts: their counters. subs: users with a subscription row.
# seen: entries that reached the watched user.
# items: (message, seq of its newest edit, or GONE) for messages that were edited or deleted.
# facts: what the watched client knows of messages: (message, seq of an edit whose text it has, or GONE).
# rows: (message, user, seq of the entry) for reactions. given: those that pages of history showed the
# watched client.
State = namedtuple("State", "log counts subs members procs wire seen joined acks answered kills sdk items facts rows given")
GONE = 999                                     # wins over every edit
WATCHED = "a"                                  # the client whose received entries are checked; "b" is everyone else


def at(log, seq):
    return log[seq - 1] if 0 < seq <= len(log) else None


def is_message(entry):
    return entry[0] not in ("removed", "added") and not is_change(entry[1])


def count_at(s, seq):
    """Returns the counter of the entry at this position, 0 before the first."""
    return at(s.counts, seq) or 0


def put(s, seq, entry, rule, before):
    """PutItem on condition that the item does not exist. Returns (new state, the existing item or None).

    `before` is the counter of the previous entry, as the writer knows it."""
    old = at(s.log, seq)
    if old is not None and "no_condition" not in rule:
        return s, old
    missing = [None] * (seq - len(s.log))
    log, counts = list(s.log) + missing, list(s.counts) + missing
    log[seq - 1], counts[seq - 1] = entry, before + is_message(entry)
    return s._replace(log=tuple(log), counts=tuple(counts)), None


def position(s):
    """Returns how far the watched client has seen the log without a gap."""
    got, n = dict(s.seen), 0
    while n + 1 in got:
        n += 1
    return n


def removed(entry, user):
    return entry == ("removed", user)


def newest_change(entries, user):
    """Returns the newest of these entries that adds or removes this user, or None."""
    changes = [e for e in entries if e in (("removed", user), ("added", user))]
    return changes[-1] if changes else None


def locked(s, seq=None, user=None, item=None):
    """Whether an unfinished transaction holds this position of the log, this user's row, or this item."""
    return any(p[0] in ("tx_entry", "tx_row") and (p[3] == seq or p[2] == user)
               or p[0] in HALVES and (p[3] == seq or item_of(p[1], p[2]) == item) for p in s.procs)


# --- edit, delete and react: the client id is (kind, target, name). The put is a transaction of two items.
HALVES = ("change_entry", "change_item")


def is_change(cid):
    return isinstance(cid, tuple)


def is_reaction(cid):
    return is_change(cid) and cid[0] in ("on", "off")


def item_of(sender, cid):
    """Returns the item that a change writes: the message, or the row of the sender's reaction to it."""
    return (cid[1], sender) if is_reaction(cid) else cid[1]


def has_row(s, target, user):
    return any(row[:2] == (target, user) for row in s.rows)


def has_effect(s, sender, cid, rule):
    """Returns whether the condition of a change's item holds."""
    kind, target, _ = cid
    if is_reaction(cid):
        return has_row(s, target, sender) != (kind == "on") or "doubled_reaction" in rule
    return of_target(s, target) != GONE or "edit_revives" in rule and kind == "edit"


def with_reaction(rows, sender, cid, n):
    kind, target, _ = cid
    others = frozenset(row for row in rows if row[:2] != (target, sender))
    return others | {(target, sender, n)} if kind == "on" else others


def folded_rows(log):
    """Returns the rows that follow from the log alone, or None if an entry has no effect."""
    rows = frozenset()
    for n, entry in enumerate(log, 1):
        if entry and is_reaction(entry[1]):
            kind, target, _ = entry[1]
            if any(row[:2] == (target, entry[0]) for row in rows) == (kind == "on"):
                return None
            rows = with_reaction(rows, entry[0], entry[1], n)
    return rows


def deletes(entry, target):
    return bool(entry) and is_change(entry[1]) and entry[1][:2] == ("delete", target)


def of_target(s, target):
    """Returns the seq of the newest edit in a message's item, GONE, or 0 for the original text."""
    return dict(s.items).get(target, 0)


def with_item(s, sender, cid, n):
    kind, target, _ = cid
    if is_reaction(cid):
        return s._replace(rows=with_reaction(s.rows, sender, cid, n))
    new = GONE if kind == "delete" else n
    return s._replace(items=frozenset(x for x in s.items if x[0] != target) | {(target, new)})


def folded(log):
    """Returns the items that follow from the log alone."""
    items = {}
    for n, entry in enumerate(log, 1):
        if entry and is_change(entry[1]) and not is_reaction(entry[1]):
            kind, target, _ = entry[1]
            if items.get(target) != GONE:
                items[target] = GONE if kind == "delete" else n
    return frozenset(items.items())


def facts_of(s, n, entry):
    """Returns what an entry tells a reader that reads its target now."""
    if not entry or entry[0] in ("removed", "added"):
        return frozenset()
    if not is_change(entry[1]):
        return frozenset({(n, of_target(s, n))})
    kind, target, _ = entry[1]
    if kind == "delete":
        return frozenset({(target, GONE)})
    if is_reaction(entry[1]):                   # its entry says everything
        return frozenset()
    # The text of an edit, unless a later edit or a deletion has replaced it.
    return frozenset({(target, n)}) if of_target(s, target) == n else frozenset()


def settled(s, entries):
    """Whether every edit among these entries shows in its target, which may become visible later."""
    return all(of_target(s, e[1][1]) >= n for n, e in entries if e and is_change(e[1]) and not is_reaction(e[1]))


def two_writes(cid, rule):
    return ("reaction_in_two_writes" if is_reaction(cid) else "edit_in_two_writes") in rule


def step_change_message(s, me, p, rule):
    """Puts a change and its item, or completes it. Yields nothing while a transaction holds one of the items."""
    pc, sender, cid, n, before = p[:5]
    kind, target, _ = cid
    orphan = pc != "put" and p[5]
    if pc in HALVES:
        t = put(s, n, (sender, cid), (), before)[0] if pc == "change_entry" else with_item(s, sender, cid, n)
        yield "%s of %s at %d: %s" % (kind, target, n, pc[7:]), move(t, me, ("dead",) if orphan else ("subs", sender, cid, n))
        if two_writes(cid, rule) and s.kills:
            yield "%s of %s is killed between its writes" % (kind, target), move(s._replace(kills=s.kills - 1), me, ("dead",))
        return
    if locked(s, seq=n, item=item_of(sender, cid)):    # refused because of a conflicting transaction, and repeated
        return
    if at(s.log, n) is not None:               # only the transaction of a dead function
        yield "the late %s of %s loses %d" % (kind, target, n), move(s, me, ("dead",))
        return
    if not has_effect(s, sender, cid, rule):
        yield "%s of %s has no effect" % (kind, target), move(s, me, ("dead",) if orphan else ("rejected",))
        return
    yield "%s of %s at %d, the entry is visible first" % (kind, target, n), move(
        put(s, n, (sender, cid), (), before)[0], me, ("change_item", sender, cid, n, before, orphan))
    if two_writes(cid, rule):                  # the entry, and then the item
        return
    yield "%s of %s at %d, the item is visible first" % (kind, target, n), move(
        with_item(s, sender, cid, n), me, ("change_entry", sender, cid, n, before, orphan))
    if not orphan:
        if s.sdk:
            t = with_item(put(s, n, (sender, cid), (), before)[0], sender, cid, n)
            yield "%s of %s at %d, the answer is lost, the SDK retries" % (kind, target, n), t._replace(sdk=s.sdk - 1)
        if s.kills:
            yield "killed, the %s of %s at %d is in flight" % (kind, target, n), move(
                s._replace(kills=s.kills - 1), me, ("flying", sender, cid, n, before, True))


# --- send: launch > tail (> torn tail, > rest of the tail) (> the message of a reaction) > put, put ...
#     > subs > push + acknowledge
NEAR = 2                                        # entries that are read in parallel with the sender's row


def after_of(s, p, rule):
    """Returns the `after` of this attempt, or False if the client knows that the message is stored and does not send."""
    _, sender, cid, policy = p
    if policy == "position":
        if sender == WATCHED and (sender, cid) in dict(s.seen).values():
            return False
        return position(s)
    if policy == "head":                        # a client that trusts `head` without having seen the entries
        return len(s.log)
    return policy                               # a number, or None: no `after` at all


def tail_read(s, after, low=None):
    first = after if low is None else low
    return {n: e for n, e in enumerate(s.log, 1) if e and n >= first}


def near(got, after):
    """Returns the first page of these entries. The sender is known to be a participant before the rest is read."""
    return {n: e for n, e in got.items() if n < max(after, 1) + NEAR}


def after_tail(s, me, sender, cid, after, got, rule):
    """Decides what the function does with the answer of its tail query."""
    if "after_unverified" in rule:              # exclusive and trusted: nothing proves that `after` exists
        got = {n: e for n, e in got.items() if n > after}
        head = max(got, default=after)
    elif after and after not in got:
        return move(s, me, ("rejected",))
    elif "torn_max" in rule:                    # the newest seq of the answer, although it may have a hole
        head = max(got, default=after)
    else:                                       # the dense run that starts at `after`
        head = after
        while head + 1 in got:
            head += 1
    for n, e in sorted(got.items()):
        if e == (sender, cid) and "no_tail_check" not in rule:
            return duplicate(s, me, sender, cid, n, rule)
    fence = "no_fence_of_reactions" if is_reaction(cid) else "no_fence_of_edits" if is_change(cid) else "no_fence"
    if removed(newest_change([e for _, e in sorted(got.items())], sender), sender) and fence not in rule:
        return move(s, me, ("rejected",))
    if is_reaction(cid):
        if any(deletes(e, cid[1]) for e in got.values()) and "no_fence_of_targets" not in rule:
            return move(s, me, ("rejected",))
        return move(s, me, ("look", sender, cid, head + 1, count_at(s, head)))
    return move(s, me, ("put", sender, cid, head + 1, count_at(s, head)))


def duplicate(s, me, sender, cid, seq, rule):
    if "silent_duplicate" in rule:              # answers with the seq, without repeating the push
        return move(s._replace(acks=s.acks | {(sender, cid, seq)}), me, ("done",))
    return move(s, me, ("subs", sender, cid, seq))


def move(s, me, p):
    return s._replace(procs=s.procs[:me] + (p,) + s.procs[me + 1:])


def deliver(s, entries, facts=frozenset()):
    return s._replace(seen=s.seen | frozenset(entries), facts=s.facts | facts)


def step_send(s, me, p, rule, window):
    pc = p[0]
    if pc == "send":
        _, sender, cid, policy = p
        after = after_of(s, p, rule)
        if after is False:
            yield "%s/%s needs no retry" % (sender, cid), move(s, me, ("done",))
        elif sender not in s.members:
            yield "%s/%s is refused" % (sender, cid), move(s, me, ("rejected",))
        elif "subs_before_put" in rule:
            yield "subscriptions are read early", move(s, me, ("tail", sender, cid, after, WATCHED in s.subs))
        else:
            yield "%s/%s starts, after=%s" % (sender, cid, after), move(s, me, ("tail", sender, cid, after))
    elif pc == "tail":
        _, sender, cid, after = p[:4]
        early = p[4:]
        if after is None:                       # a window, newest first: a descending read of a log is dense
            after = max(0, len(s.log) - window)
            got = {n: e for n, e in tail_read(s, after).items() if n > after}
            t = after_tail(s, me, sender, cid, 0 if after == 0 else min(got), got, rule)
        else:
            got = tail_read(s, after)
            t = after_tail(s, me, sender, cid, after, got, rule)
            first = near(got, after)
            if len(first) < len(got) and not early:     # or a page of it, and the rest later
                yield "%s/%s reads the tail up to %d" % (sender, cid, max(first)), move(
                    s, me, ("torn", sender, cid, after, max(first), tuple(first.items())))
        if early and t.procs[me][0] == "put":
            t = move(t, me, t.procs[me] + early)
        yield "%s/%s reads the tail up to %d" % (sender, cid, len(s.log)), t
        if p[3] is not None:
            yield "%s/%s begins to read the tail (%d is absent)" % (sender, cid, len(s.log) + 1), move(
                s, me, ("torn", sender, cid, after, len(s.log) + 1, tuple(tail_read(s, after).items())))
    elif pc == "torn":
        _, sender, cid, after, edge, got = p
        got = dict(got)
        got.update(tail_read(s, after, edge + 1))
        yield "%s/%s finishes reading the tail at %d" % (sender, cid, len(s.log)), after_tail(
            s, me, sender, cid, after, got, rule)
    elif pc == "look":                          # the message and the row, in one round
        _, sender, cid, n, before = p
        if of_target(s, cid[1]) == GONE or has_row(s, cid[1], sender) == (cid[0] == "on"):
            yield "%s/%s finds no message, or it is so already" % (sender, cid), move(s, me, ("rejected",))
        else:
            yield "%s/%s finds the message" % (sender, cid), move(s, me, ("put", sender, cid, n, before))
    elif pc == "put":
        _, sender, cid, n, before = p[:5]
        early = p[5:]
        if locked(s, seq=n):                    # refused because of a conflicting transaction, and repeated
            return
        if is_change(cid) and at(s.log, n) is None:
            yield from step_change_message(s, me, p, rule)
            return
        t, old = put(s, n, (sender, cid), rule, before)
        if old is None:
            done = ("push", sender, cid, n, early[0]) if early else ("subs", sender, cid, n)
            yield "%s/%s is put at %d" % (sender, cid, n), move(t, me, done)
            if s.sdk:
                yield "%s/%s is put at %d, the answer is lost, the SDK retries" % (sender, cid, n), t._replace(sdk=s.sdk - 1)
        elif old == (sender, cid) and "own_item_is_foreign" not in rule:
            yield "%s/%s finds itself at %d" % (sender, cid, n), duplicate(s, me, sender, cid, n, rule)
        elif is_reaction(cid) and deletes(old, cid[1]) and "no_fence_of_targets" not in rule:
            yield "%s/%s loses %d to the deletion of its message" % (sender, cid, n), move(s, me, ("rejected",))
        elif "reread" in rule or removed(old, sender) and not {"no_fence", "no_fence_of_edits", "no_fence_of_reactions"} & set(rule):
            # the contention rule: read the tail again from the lost position; a sender that meets
            # its own removal does the same, since it may have been added again after it
            yield "%s/%s loses %d, rereads" % (sender, cid, n), move(s, me, ("tail", sender, cid, n) + early)
        else:
            winners = before if "stale_counter" in rule else count_at(s, n)
            yield "%s/%s loses %d" % (sender, cid, n), move(s, me, ("put", sender, cid, n + 1, winners) + early)
        if s.kills and old is None:
            yield "%s/%s is killed, its put at %d is in flight" % (sender, cid, n), move(
                s._replace(kills=s.kills - 1, wire=s.wire | {(n, (sender, cid), before)}), me, ("dead",))
    elif pc == "subs":                          # one range query: participants, then subscriptions; it may be torn in between
        _, sender, cid, n = p
        member = WATCHED in s.members or "subs_only" in rule
        yield "%s/%s reads participants and subscriptions" % (sender, cid), move(
            s, me, ("push", sender, cid, n, member and WATCHED in s.subs))
        yield "%s/%s reads participants" % (sender, cid), move(s, me, ("subs_rest", sender, cid, n, member))
        if s.kills:
            yield "%s/%s is killed before the fan-out" % (sender, cid), move(s._replace(kills=s.kills - 1), me, ("dead",))
    elif pc == "subs_rest":
        _, sender, cid, n, member = p
        yield "%s/%s reads subscriptions" % (sender, cid), move(s, me, ("push", sender, cid, n, member and WATCHED in s.subs))
    elif pc == "push":
        _, sender, cid, n, wanted = p
        # A fresh edit is pushed with its own text; this one may have been replaced since, and the fold
        # of the client does not depend on the order.
        fresh = is_change(cid) and not is_reaction(cid)
        facts = frozenset({(cid[1], GONE if cid[0] == "delete" else n)}) if fresh else facts_of(s, n, (sender, cid))
        t = deliver(s, [(n, (sender, cid))], facts) if wanted else s
        yield "%s/%s is %spushed, acknowledged at %d" % (sender, cid, "" if wanted else "not ", n), move(
            t._replace(acks=t.acks | {(sender, cid, n)}), me, ("done",))


# --- subscribe: in parallel, write the row (inert without a participant row) and check the
#     participant; read the entries, check the participant again, reply
def step_subscribe(s, me, p, rule):
    pc, user = p[0], p[1]
    row = s.subs | {user}
    if pc == "subscribe":
        if "read_before_row" in rule:
            yield "%s reads %d entries first" % (user, len(s.log)), move(s, me, ("late_row", user, s.log))
        else:
            yield "%s subscribes" % user, move(s._replace(subs=row), me, ("first_check", user))
            yield "%s is checked, %s" % (user, user in s.members), move(s, me, ("row_after_check", user, user in s.members))
    elif pc == "first_check":
        yield "%s is checked, %s" % (user, user in s.members), move(s, me, ("read", user) if user in s.members else ("drop", user))
    elif pc == "row_after_check":
        yield "%s subscribes" % user, move(s._replace(subs=row), me, ("read", user) if p[2] else ("drop", user))
    elif pc == "drop":
        yield "%s may not subscribe" % user, move(s._replace(subs=s.subs - {user}), me, ("done",))
    elif pc == "late_row":
        t = deliver(s._replace(subs=row, joined=True), enumerate(p[2], 1))
        yield "%s subscribes, reply" % user, move(t, me, ("done",))
    elif pc == "read":
        rows = [(n, e) for n, e in enumerate(s.log, 1) if e and not is_change(e[1])]
        read = frozenset().union(*(facts_of(s, n, e) for n, e in rows))
        changes = any(e and is_change(e[1]) for e in s.log)
        then = ("fill", user, s.log, read) if changes else ("check", user, s.log, read)
        yield "%s reads %d entries" % (user, len(s.log)), move(s, me, then)
        if s.kills:
            yield "%s's subscribe is killed" % user, move(s._replace(kills=s.kills - 1), me, ("dead",))
    elif pc == "fill":                          # the targets of edits, until each shows its edit
        entries = list(enumerate(p[2], 1))
        if settled(s, entries) or "half_fill" in rule:
            read = p[3].union(*(facts_of(s, n, e) for n, e in entries if e and is_change(e[1])))
            yield "%s reads the targets of edits" % user, move(s, me, ("check", user, p[2], read))
    elif pc == "check":
        if user in s.members:
            yield "%s is a participant, reply" % user, move(
                deliver(s._replace(joined=True), ((n, e) for n, e in enumerate(p[2], 1) if e), p[3]), me, ("done",))
        else:
            yield "%s may not subscribe" % user, move(s._replace(subs=s.subs - {user}), me, ("done",))


# --- history: check the participant; read the newest entry, which need not be the reader's own
#     removal; check the participant again, reply
def step_history(s, me, p, rule):
    pc, user = p[0], p[1]
    if pc == "history":
        then = "history_late" if "check_before_read" in rule else "history_read"
        yield ("%s is a participant" % user, move(s, me, (then, user))) if user in s.members else (
            "%s may not read" % user, move(s, me, ("rejected",)))
    elif pc == "history_read":
        yield "%s reads the newest of %d" % (user, len(s.log)), move(s, me, ("history_check", user, newest(s)))
    elif pc == "history_late":
        yield "%s reads the newest of %d, reply" % (user, len(s.log)), move(deliver(s, newest(s)), me, ("done",))
    elif pc == "history_check":
        yield ("%s is a participant, reply" % user, move(deliver(s, p[2]), me, ("done",))) if user in s.members else (
            "%s may not read" % user, move(s, me, ("rejected",)))


# --- page: the rows of reactions, as a page of history has them. Participants may read it at any time.
def step_page(s, me, p, rule):
    if p[0] == "page":
        yield "%s reads the rows of reactions" % p[1], move(s, me, ("page_reply", p[1], s.rows))
    else:
        # A client that is not told their positions takes them for the newest that it knows.
        late = len(s.log) if "state_without_seq" in rule else 0
        rows = frozenset((target, user, max(n, late)) for target, user, n in p[2])
        yield "%s receives %d reactions" % (p[1], len(p[2])), move(s._replace(given=s.given | rows), me, ("done",))


def shown_reactions(s):
    """Returns the reactions that the watched client shows: for each, the newest that it knows decides."""
    known = {}
    for n, (sender, cid) in sorted(s.seen):
        if is_reaction(cid):
            known[cid[1], sender] = (n, cid[0] == "on")
    for target, user, n in s.given:
        known[target, user] = max(known.get((target, user), (0, False)), (n, True))
    gone = {target for target, n in s.items if n == GONE}
    return {key for key, (_, on) in known.items() if on and key[0] not in gone}


def newest(s):
    return tuple((n, e) for n, e in list(enumerate(s.log, 1))[-1:] if e)


# --- remove and add: entry and row in one transaction, answer; then delete the inert
#     subscription rows
def step_change(s, me, p, rule):
    pc, user = p[0], p[1]
    if pc in ("removed", "added"):
        head = len(s.log)
        yield "request: %s %s, log read up to %d" % (user, pc, head), move(
            s, me, ("tx", pc, user, head + 1, False, count_at(s, head)))
    elif pc == "tx":
        yield from step_transaction(s, me, p, rule)
    elif pc in ("tx_entry", "tx_row"):
        _, kind, user, n, orphan, before = p
        t = with_row(s, kind, user) if pc == "tx_row" else put(s, n, (kind, user), (), before)[0]
        yield "%s %s: %s" % (user, kind, pc[3:]), move(t, me, ("dead",) if orphan else answer_of(kind, user, n))
    elif pc == "late_row_change":               # only in mutants that write the row by itself
        _, kind, user, n, then = p
        yield "%s %s: row by itself" % (user, kind), move(with_row(s, kind, user), me, then)
        if s.kills and then[0] == "tx":
            yield "the function is killed", move(s._replace(kills=s.kills - 1), me, ("dead",))
    elif pc == "answer":
        _, user, n = p
        yield "the removal of %s is answered" % user, move(s._replace(answered=s.answered | {(n, len(s.log))}), me, ("clean_up", user))
    elif pc == "clean_up":
        members = s.members - {user} if "answer_before_row" in rule else s.members
        yield "%s's rows are deleted" % user, move(s._replace(subs=s.subs - {user}, members=members), me, ("done",))
        if s.kills:
            yield "the removal is killed before the clean-up", move(s._replace(kills=s.kills - 1), me, ("dead",))


def step_transaction(s, me, p, rule):
    _, kind, user, n, orphan, before = p
    if locked(s, seq=n, user=user):             # refused because of a conflicting transaction, and repeated
        return
    unchanged = (user in s.members) == (kind == "added")
    if "row_then_entry" in rule:                # two writes instead of one, the row first
        if unchanged and not orphan:
            yield "%s already is %s" % (user, kind), move(s, me, unchanged_answer(s, kind, user))
        elif orphan:
            t, old = put(s, n, (kind, user), rule, before)
            nxt = answer_of(kind, user, n) if old is None else ("tx", kind, user, n + 1, True, count_at(s, n))
            yield "%s %s at %d%s" % (user, kind, n, "" if old is None else ": position lost"), move(t, me, nxt)
        else:
            then = ("tx", kind, user, n, True, before)
            yield from step_change(s, me, ("late_row_change", kind, user, n, then), rule)
    elif at(s.log, n) is not None:
        yield "the change of %s loses %d" % (user, n), move(
            s, me, ("dead",) if orphan else ("tx", kind, user, n + 1, False, count_at(s, n)))
    elif unchanged:
        yield "%s already is %s" % (user, kind), move(s, me, ("dead",) if orphan else unchanged_answer(s, kind, user))
    elif "answer_before_row" in rule and kind == "removed":
        yield "the removal of %s is put at %d" % (user, n), move(
            put(s, n, (kind, user), rule, before)[0], me, answer_of(kind, user, n))
    else:
        rest = (kind, user, n, orphan, before)
        yield "%s %s at %d, the entry is visible first" % (user, kind, n), move(
            put(s, n, (kind, user), (), before)[0], me, ("tx_row",) + rest)
        yield "%s %s at %d, the row is visible first" % (user, kind, n), move(with_row(s, kind, user), me, ("tx_entry",) + rest)
        if s.kills and not orphan:
            yield "killed, the change of %s at %d is in flight" % (user, n), move(
                s._replace(kills=s.kills - 1), me, ("tx", kind, user, n, True, before))


def with_row(s, kind, user):
    return s._replace(members=s.members - {user} if kind == "removed" else s.members | {user})


def answer_of(kind, user, n):
    return ("answer", user, n) if kind == "removed" else ("done",)


def unchanged_answer(s, kind, user):
    """Answers a removal without effect with the position of the previous removal, whose entry may not be visible yet."""
    hidden = [p[3] for p in s.procs if p[:3] == ("tx_entry", "removed", user)]
    return answer_of(kind, user, max(hidden + [n for n, e in enumerate(s.log, 1) if removed(e, user)], default=0))


STEPS = {"subscribe": step_subscribe, "fill": step_subscribe, "check": step_subscribe,
         "flying": step_change_message, "change_entry": step_change_message, "change_item": step_change_message, "late_row": step_subscribe, "read": step_subscribe,
         "first_check": step_subscribe, "row_after_check": step_subscribe, "drop": step_subscribe,
         "history": step_history, "history_read": step_history, "history_late": step_history, "history_check": step_history,
         "page": step_page, "page_reply": step_page,
         "removed": step_change, "added": step_change, "tx": step_change, "tx_entry": step_change, "tx_row": step_change,
         "late_row_change": step_change, "answer": step_change, "clean_up": step_change}


def successors(s, rule, window):
    for me, p in enumerate(s.procs):
        if p[0] in STEPS:
            yield from STEPS[p[0]](s, me, p, rule)
        elif p[0] not in ("done", "dead", "rejected"):
            yield from step_send(s, me, p, rule, window)
    for item in s.wire:                         # the put of a dead function lands
        if locked(s, seq=item[0]):
            continue
        t, _ = put(s, item[0], item[1], rule, item[2])
        yield "late put %s/%s at %d lands" % (item[1] + (item[0],)), t._replace(wire=s.wire - {item})


def broken(s):
    stored = [e for e in s.log if e]
    if len(stored) != len(s.log):
        return "DENSE"
    sent = [e for e in stored if e[0] not in ("removed", "added")]                      # a change may be stored repeatedly, each time under another name
    if len(set(sent)) != len(sent):
        return "ONCE"
    if any(at(s.log, n) != (sender, cid) for sender, cid, n in s.acks):
        return "ACKED"
    # after an answered removal, only entries after a new addition are allowed
    for gone, head in s.answered:
        back = [n for n, e in enumerate(s.log, 1) if n > gone and e == ("added", WATCHED)]
        later = [(n, e) for n, e in enumerate(s.log, 1) if n > head and (not back or n < back[0])]
        # A user who was added again sees the whole log, with the entries stored in between.
        if any(e[0] == WATCHED for _, e in later) or not back and any(x in s.seen for x in later):
            return "FENCE"
    if folded_rows(stored) is None:
        return "FOLD"
    for n, entry in enumerate(stored, 1):
        if is_reaction(entry[1]) and any(deletes(e, entry[1][1]) for e in stored[:n]):
            return "LIVING"
    if any(count != sum(map(is_message, s.log[:n])) for n, count in enumerate(s.counts, 1)):
        return "COUNT"
    return None


def explore(scenario, rule=(), limit=3_000_000):
    """Returns (states, None) or (states, (property, trace))."""
    log, procs, kills, sdk, window = scenario
    wanted = {p[1:3] for p in procs if p[0] == "send"}
    counts = tuple(sum(map(is_message, log[:n])) for n in range(1, len(log) + 1))
    start = State(log, counts, frozenset(), frozenset("ab"), procs, frozenset(), frozenset(), False, frozenset(), frozenset(), kills, sdk,
                  frozenset(), frozenset(), frozenset(), frozenset())
    parent, queue = {start: None}, deque([start])
    while queue:
        s = queue.popleft()
        nexts = [(label, t) for label, t in successors(s, rule, window)]
        bad = broken_final(s, wanted, rule) if not nexts else broken(s)
        if bad:
            trace, at_ = [], s
            while parent[at_]:
                label, before = parent[at_]
                trace.append(label)
                at_ = before
            return len(parent), (bad, trace[::-1])
        for label, t in nexts:
            if t not in parent:
                parent[t] = (label, s)
                queue.append(t)
        if len(parent) > limit:
            raise SystemExit("more than %d states: make the scenario smaller" % limit)
    return len(parent), None


def broken_final(s, wanted, rule):
    bad = broken(s)
    if bad:
        return bad
    if (WATCHED in s.members) == removed(newest_change(s.log, WATCHED), WATCHED):
        return "AGREE"
    if s.items != folded(s.log) or s.rows != folded_rows(s.log):
        return "FOLD"
    undisturbed = newest_change(s.log, WATCHED) is None     # a user who was removed subscribes again
    if s.joined and undisturbed and any((n, (u, c)) not in s.seen for u, c, n in s.acks):
        return "SEEN"
    if s.joined and undisturbed and position(s) == len(s.log):
        known = {}
        for target, fact in s.facts:
            known[target] = max(fact, known.get(target, 0))
        if any(known.get(target, 0) != of_target(s, target) for target in range(1, len(s.log) + 1)):
            return "PICTURE"
        gone = {target for target, n in s.items if n == GONE}
        if shown_reactions(s) != {row[:2] for row in s.rows if row[0] not in gone}:
            return "PICTURE"
    if s.joined and "no_ping" in rule and len(s.log) > max((n for n, _ in s.seen), default=0):
        return "GAP"
    clean = not any(p[0] in ("dead", "rejected") for p in s.procs)
    known = {a[:2] for a in s.acks} | {e for _, e in s.seen}
    if clean and undisturbed and not wanted <= known:
        return "LIVE"
    return None


OLD = (("b", "1"), ("b", "2"))                  # the log at the start
OWN = (("a", "1"),)                             # the same, with a message of the watched user
EDIT, DELETE = ("edit", 1, "x"), ("delete", 1, "y")
ON, AGAIN, OFF = ("on", 1, "p"), ("on", 1, "q"), ("off", 1, "r")
# name: (log, processes, kills, SDK retries, window when there is no `after`)
SCENARIOS = {
    # the same message three times: an old `after`, a fresh `after`, the client's current position
    "retries": (OLD, (("send", "a", "x", 1), ("send", "a", "x", 2), ("send", "a", "x", "position"),
                      ("send", "b", "y", 0)), 1, 1, 9),
    "retries+subscribe": (OLD, (("send", "a", "x", 1), ("send", "a", "x", "position"), ("send", "b", "y", 2),
                                ("subscribe", "a")), 2, 1, 9),
    "crowd": (OLD[:1], (("send", "a", "x", 1), ("send", "a", "x", "position"), ("send", "b", "y", 1),
                        ("send", "b", "z", 0), ("subscribe", "a")), 1, 0, 9),
    "no after": (OLD, (("send", "a", "x", None), ("send", "a", "x", 1), ("send", "b", "y", None),
                       ("subscribe", "a")), 1, 1, 9),
    "invented after": (OLD, (("send", "a", "x", 4), ("send", "b", "y", 1)), 1, 1, 9),
    "empty log": ((), (("send", "a", "x", 0), ("send", "a", "x", "position"), ("send", "b", "y", 0),
                       ("subscribe", "a")), 1, 1, 9),
    "removal": (OLD[:1], (("send", "a", "x", 0), ("subscribe", "a"), ("removed", "a"), ("send", "b", "y", 1)), 2, 0, 9),
    "removal+addition": (OLD[:1], (("removed", "a"), ("added", "a"), ("send", "a", "x", 0), ("send", "b", "y", 1)), 1, 0, 9),
    "changes": (OLD[:1], (("removed", "a"), ("removed", "a"), ("added", "a"), ("added", "a"), ("send", "a", "x", 0)), 1, 0, 9),
    "edit+delete": (OWN, (("send", "a", EDIT, 1), ("send", "a", EDIT, "position"), ("send", "b", DELETE, 1),
                          ("subscribe", "a")), 1, 1, 9),
    "edits": (OWN, (("send", "a", EDIT, 1), ("send", "a", ("edit", 1, "z"), 0), ("send", "b", "y", 1), ("subscribe", "a")), 1, 0, 9),
    "removal+edit": (OWN, (("send", "a", EDIT, 0), ("removed", "a"), ("send", "b", DELETE, 1)), 1, 0, 9),
    # a double click of b, on two devices; b withdraws; a page of history
    "reactions": (OWN, (("send", "b", ON, 1), ("send", "b", AGAIN, 1), ("send", "b", OFF, 0), ("subscribe", "a"), ("page", "a")), 1, 1, 9),
    "react+delete": (OWN, (("send", "b", ON, 1), ("send", "b", OFF, 0), ("send", "a", DELETE, 1), ("subscribe", "a")), 1, 1, 9),
    "removal+react": (OWN, (("send", "a", ON, 0), ("removed", "a"), ("send", "b", AGAIN, 1)), 1, 0, 9),
    "removal+history": (OLD[:1], (("history", "a"), ("removed", "a"), ("send", "b", "y", 1)), 2, 0, 9),
}
# name: (scenario, what the mutant does)
MUTANTS = {
    "no_condition": ("retries", "the put has no condition"),
    "after_unverified": ("invented after", "the tail is read after-exclusive and `after` is trusted"),
    "read_before_row": ("retries+subscribe", "subscribe reads the entries before it writes its row"),
    "subs_before_put": ("retries+subscribe", "send reads the subscriptions before it puts the entry"),
    "own_item_is_foreign": ("retries", "the item that took the position is not compared with the own one"),
    "no_tail_check": ("retries", "the tail gives only the head; duplicates are found only by the put"),
    "silent_duplicate": ("retries+subscribe", "a duplicate is answered without a new push"),
    "torn_max": ("crowd", "head = the newest seq of the answer, although a torn Query may have a hole"),
    "position_head": ("position_head", "the client raises `after` to `head` without having seen the entries"),
    "small_window": ("small_window", "no `after`, and more entries than the window since the first attempt"),
    "subs_only": ("removal", "fan-out reads only the subscriptions, so a row without a participant is live"),
    "no_fence": ("removal", "no sender looks for its own removal in the tail"),
    "no_fence_of_edits": ("removal+edit", "no sender of an edit looks for its own removal in the tail"),
    "no_fence_of_reactions": ("removal+react", "no sender of a reaction looks for its own removal in the tail"),
    "no_fence_of_targets": ("react+delete", "no sender of a reaction looks for the deletion of its message in the tail"),
    "doubled_reaction": ("reactions", "a reaction is stored without the condition that it does not exist"),
    "reaction_in_two_writes": ("reactions", "the entry and the row of a reaction are written separately"),
    "state_without_seq": ("reactions", "a client takes the reactions of a page for newer than every entry that it has seen"),
    "edit_revives": ("edit+delete", "an edit is stored without the condition that its target is not deleted"),
    "edit_in_two_writes": ("edits", "the entry of an edit and the item of its target are written separately"),
    "half_fill": ("edits", "a reader takes a target that does not show the edit yet for one that was edited later"),
    "check_before_read": ("removal+history", "the reader is checked only before the read, and removed in between"),
    "answer_before_row": ("removal", "the removal is answered before the participant row is deleted"),
    "row_then_entry": ("removal+addition", "row and entry of a change of participants are written separately"),
    "stale_counter": ("crowd", "a writer that lost its position counts from the entry that it read first"),
    "no_ping": ("retries+subscribe", "only gaps show what is missing, so the newest entry can stay unseen"),
}
SPECIAL = {
    "position_head": (OLD[:1], (("send", "a", "x", 1), ("send", "a", "x", "head"), ("send", "b", "y", 1)), 1, 0, 9),
    "small_window": ((), (("send", "a", "x", None), ("send", "a", "x", None), ("send", "b", "y", 0),
                          ("send", "b", "z", 0)), 1, 0, 2),
}


def check(task):
    """Explores a scenario by its name. Returns what `explore` returns, and the seconds that it took."""
    scenario, rule = task
    began = time.time()
    return *explore(SPECIAL.get(scenario) or SCENARIOS[scenario], rule), time.time() - began


def main():
    if len(sys.argv) > 1:
        name = sys.argv[1]
        states, found, _ = check((MUTANTS[name][0], (name,)))
        print(states, "states;", found[0] if found else "nothing found")
        print("\n".join("  " + line for line in found[1]) if found else "")
        return
    total, wrong = 0, 0
    designs = [(name, rule) for rule in ((), ("reread",)) for name in SCENARIOS]
    mutants = [(scenario, (name,)) for name, (scenario, _) in MUTANTS.items()]
    with ProcessPoolExecutor() as processes:
        designs_checked, mutants_checked = processes.map(check, designs), processes.map(check, mutants)
        for (name, rule), (states, found, seconds) in zip(designs, designs_checked):
            total += states
            wrong += bool(found)
            print("%-9s %-20s %8d states %5.1f s  %s" % (
                "design" if not rule else rule[0], name, states, seconds, found[0] if found else "ok"), flush=True)
            if found:
                print("\n".join("    " + line for line in found[1]))
        print("design: %d states in all\n" % total)
        for (name, (_, what)), (states, found, _) in zip(MUTANTS.items(), mutants_checked):
            print("%-20s %s in %d steps (%d states): %s" % (
                name, "found by " + found[0] if found else "NOT FOUND", len(found[1]) if found else 0, states, what), flush=True)
            wrong += not found
    sys.exit(bool(wrong))


if __name__ == "__main__":
    main()
