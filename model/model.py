#!/usr/bin/env python3
"""Exhaustive model check of the conversation log: append, retry, subscribe, removal and adding again.

Every interleaving of a few small processes is explored, breadth first, so the first counter-example is
a shortest one. Each request to the database is one step; between any two steps anything else may happen.
What may go wrong, each within a budget:
  kill      a function dies between two steps; its put may be on the wire and land later, or never
  sdk       a put is applied but its answer is lost; the SDK repeats the same put by itself
A Query is not a snapshot: it may be torn in two, with other writes in between (read-committed).
A change of participants is a transaction of an entry and a row: all or nothing, but seen one after the other.

Checked in every state   DENSE  the log is 1, 2, 3 ... without a hole
                         ONCE   a (sender, id) is stored at most once
                         ACKED  an acknowledgement names the place where that event is, for ever
                         FENCE  nothing stored after an answered removal is by, or reaches, the removed until he is added again
Checked at the end       AGREE  somebody has a participant row if the last that the log says of him is not his removal
                         SEEN   the subscriber has every acknowledged event (acknowledged = fanned out); one that was
                                stored and never acknowledged may be missing: a gap, or the newest, which only ping shows
                         LIVE   no kill, no rejection: every send was acknowledged

    python3 model.py            the design in all scenarios, then every seeded mistake
    python3 model.py NAME       one mistake, with its trace
"""
import sys
import time
from collections import namedtuple, deque
from concurrent.futures import ProcessPoolExecutor

# log: tuple of entries (None = hole). subs: user -> has a subscription row. seen: what reached the watched user.
State = namedtuple("State", "log subs members procs wire seen joined acks answered kills sdk")
WATCHED = "a"                                  # the one client whose screen we look at; "b" is everybody else


def at(log, seq):
    return log[seq - 1] if 0 < seq <= len(log) else None


def put(s, seq, entry, rule):
    """PutItem on condition that it does not exist. Returns (new state, the item that was in the way)."""
    old = at(s.log, seq)
    if old is not None and "no_condition" not in rule:
        return s, old
    log = list(s.log) + [None] * (seq - len(s.log))
    log[seq - 1] = entry
    return s._replace(log=tuple(log)), None


def position(s):
    """How far the watched client has seen the log without a gap."""
    got, n = dict(s.seen), 0
    while n + 1 in got:
        n += 1
    return n


def removed(entry, user):
    return entry == ("removed", user)


def last_word(entries, user):
    """The last of these that tells of a change of this user's participation, or None."""
    told = [e for e in entries if e in (("removed", user), ("added", user))]
    return told[-1] if told else None


def locked(s, seq=None, user=None):
    """Whether a transaction has taken this place of the log, or this user's row, and is not done with it."""
    return any(p[0] in ("tx_entry", "tx_row") and (p[3] == seq or p[2] == user) for p in s.procs)


# --- send: launch > tail (> torn tail) > put, put ... > subs > push + acknowledge ----------------------------
def after_of(s, p, rule):
    """The `after` that this attempt carries, or False when the client would not send (it knows it is stored)."""
    _, sender, cid, policy = p
    if policy == "position":
        if sender == WATCHED and (sender, cid) in dict(s.seen).values():
            return False
        return position(s)
    if policy == "head":                        # a client that trusts `head` without having seen the events
        return len(s.log)
    return policy                               # a number, or None: no `after` at all


def tail_read(s, after, low=None):
    first = after if low is None else low
    return {n: e for n, e in enumerate(s.log, 1) if e and n >= first}


def after_tail(s, me, sender, cid, after, got, rule):
    """What the function does with the answer of its tail query."""
    if "after_unverified" in rule:              # exclusive, and believed: nothing proves that `after` exists
        got = {n: e for n, e in got.items() if n > after}
        head = max(got, default=after)
    elif after and after not in got:
        return move(s, me, ("rejected",))
    elif "torn_max" in rule:                    # newest seq in the answer, though the answer may have a hole
        head = max(got, default=after)
    else:                                       # the dense run that starts at `after`
        head = after
        while head + 1 in got:
            head += 1
    for n, e in sorted(got.items()):
        if e == (sender, cid) and "no_tail_check" not in rule:
            return duplicate(s, me, sender, cid, n, rule)
    if removed(last_word([e for _, e in sorted(got.items())], sender), sender) and "no_fence" not in rule:
        return move(s, me, ("rejected",))
    return move(s, me, ("put", sender, cid, head + 1))


def duplicate(s, me, sender, cid, seq, rule):
    if "silent_duplicate" in rule:              # answers the seq, does not repeat the push
        return move(s._replace(acks=s.acks | {(sender, cid, seq)}), me, ("done",))
    return move(s, me, ("subs", sender, cid, seq))


def move(s, me, p):
    return s._replace(procs=s.procs[:me] + (p,) + s.procs[me + 1:])


def deliver(s, events):
    return s._replace(seen=s.seen | frozenset(events))


def step_send(s, me, p, rule, window):
    pc = p[0]
    if pc == "send":
        _, sender, cid, policy = p
        after = after_of(s, p, rule)
        if after is False:
            yield "%s/%s needs no retry" % (sender, cid), move(s, me, ("done",))
        elif sender not in s.members:
            yield "%s/%s refused" % (sender, cid), move(s, me, ("rejected",))
        elif "subs_before_put" in rule:
            yield "subs read early", move(s, me, ("tail", sender, cid, after, WATCHED in s.subs))
        else:
            yield "%s/%s launched, after=%s" % (sender, cid, after), move(s, me, ("tail", sender, cid, after))
    elif pc == "tail":
        _, sender, cid, after = p[:4]
        early = p[4:]
        if after is None:                       # newest first, a window: a descending read of a log is dense
            after = max(0, len(s.log) - window)
            got = {n: e for n, e in tail_read(s, after).items() if n > after}
            t = after_tail(s, me, sender, cid, 0 if after == 0 else min(got), got, rule)
        else:
            t = after_tail(s, me, sender, cid, after, tail_read(s, after), rule)
        if early and t.procs[me][0] == "put":
            t = move(t, me, t.procs[me] + early)
        yield "%s/%s tail read up to %d" % (sender, cid, len(s.log)), t
        if p[3] is not None:
            yield "%s/%s tail read begun (%d absent)" % (sender, cid, len(s.log) + 1), move(
                s, me, ("torn", sender, cid, after, len(s.log) + 1, tuple(tail_read(s, after).items())))
    elif pc == "torn":
        _, sender, cid, after, edge, got = p
        got = dict(got)
        got.update(tail_read(s, after, edge + 1))
        yield "%s/%s tail read finished at %d" % (sender, cid, len(s.log)), after_tail(
            s, me, sender, cid, after, got, rule)
    elif pc == "put":
        _, sender, cid, n = p[:4]
        early = p[4:]
        if locked(s, seq=n):                    # refused as in conflict with a transaction, and repeated
            return
        t, old = put(s, n, (sender, cid), rule)
        if old is None:
            done = ("push", sender, cid, n, early[0]) if early else ("subs", sender, cid, n)
            yield "%s/%s put at %d" % (sender, cid, n), move(t, me, done)
            if s.sdk:
                yield "%s/%s put at %d, answer lost, SDK retries" % (sender, cid, n), t._replace(sdk=s.sdk - 1)
        elif old == (sender, cid) and "own_item_is_foreign" not in rule:
            yield "%s/%s finds itself at %d" % (sender, cid, n), duplicate(s, me, sender, cid, n, rule)
        elif "reread" in rule or removed(old, sender) and "no_fence" not in rule:
            # the contention rule: read the tail again from the place lost; so does who has met his own removal, since he
            # may have been added again behind it
            yield "%s/%s lost %d, rereads" % (sender, cid, n), move(s, me, ("tail", sender, cid, n) + early)
        else:
            yield "%s/%s lost %d" % (sender, cid, n), move(s, me, ("put", sender, cid, n + 1) + early)
        if s.kills and old is None:
            yield "%s/%s killed, put at %d on the wire" % (sender, cid, n), move(
                s._replace(kills=s.kills - 1, wire=s.wire | {(n, (sender, cid))}), me, ("dead",))
    elif pc == "subs":                          # one range query: participants, then subscriptions; it may be torn between
        _, sender, cid, n = p
        member = WATCHED in s.members or "subs_only" in rule
        yield "%s/%s reads participants and subscriptions" % (sender, cid), move(
            s, me, ("push", sender, cid, n, member and WATCHED in s.subs))
        yield "%s/%s reads participants" % (sender, cid), move(s, me, ("subs_rest", sender, cid, n, member))
        if s.kills:
            yield "%s/%s killed before fan-out" % (sender, cid), move(s._replace(kills=s.kills - 1), me, ("dead",))
    elif pc == "subs_rest":
        _, sender, cid, n, member = p
        yield "%s/%s reads subscriptions" % (sender, cid), move(s, me, ("push", sender, cid, n, member and WATCHED in s.subs))
    elif pc == "push":
        _, sender, cid, n, wanted = p
        t = deliver(s, [(n, (sender, cid))]) if wanted else s
        yield "%s/%s pushed%s, acknowledged at %d" % (sender, cid, "" if wanted else " to nobody", n), move(
            t._replace(acks=t.acks | {(sender, cid, n)}), me, ("done",))


# --- subscribe: write the row (inert without a participant row), read the events, check the participant, reply ----
def step_subscribe(s, me, p, rule):
    pc, user = p[0], p[1]
    row = s.subs | {user}
    if pc == "subscribe":
        if "read_before_row" in rule:
            yield "%s reads %d events first" % (user, len(s.log)), move(s, me, ("late_row", user, s.log))
        else:
            yield "%s subscribes" % user, move(s._replace(subs=row), me, ("read", user))
    elif pc == "late_row":
        t = deliver(s._replace(subs=row, joined=True), enumerate(p[2], 1))
        yield "%s subscribes, reply" % user, move(t, me, ("done",))
    elif pc == "read":
        yield "%s reads %d events" % (user, len(s.log)), move(s, me, ("check", user, s.log))
        if s.kills:
            yield "%s's subscribe killed" % user, move(s._replace(kills=s.kills - 1), me, ("dead",))
    elif pc == "check":
        if user in s.members:
            yield "%s is a participant, reply" % user, move(
                deliver(s._replace(joined=True), ((n, e) for n, e in enumerate(p[2], 1) if e)), me, ("done",))
        else:
            yield "%s may not subscribe" % user, move(s._replace(subs=s.subs - {user}), me, ("done",))


# --- history: read the newest event, which need not be one's own removal; check the participant, reply ----------------
def step_history(s, me, p, rule):
    pc, user = p[0], p[1]
    if pc == "history" and "check_before_read" in rule:
        yield ("%s is a participant" % user, move(s, me, ("history_late", user))) if user in s.members else (
            "%s may not read" % user, move(s, me, ("rejected",)))
    elif pc == "history":
        yield "%s reads the newest of %d" % (user, len(s.log)), move(s, me, ("history_check", user, newest(s)))
    elif pc == "history_late":
        yield "%s reads the newest of %d, reply" % (user, len(s.log)), move(deliver(s, newest(s)), me, ("done",))
    elif pc == "history_check":
        yield ("%s is a participant, reply" % user, move(deliver(s, p[2]), me, ("done",))) if user in s.members else (
            "%s may not read" % user, move(s, me, ("rejected",)))


def newest(s):
    return tuple((n, e) for n, e in list(enumerate(s.log, 1))[-1:] if e)


# --- remove and add: entry and row in one transaction, answer; subscription rows are inert and go afterwards ---------
def step_change(s, me, p, rule):
    pc, user = p[0], p[1]
    if pc in ("removed", "added"):
        yield "%s is to be %s, log read up to %d" % (user, pc, len(s.log)), move(s, me, ("tx", pc, user, len(s.log) + 1, False))
    elif pc == "tx":
        yield from step_transaction(s, me, p, rule)
    elif pc in ("tx_entry", "tx_row"):
        _, kind, user, n, orphan = p
        t = with_row(s, kind, user) if pc == "tx_row" else put(s, n, (kind, user), ())[0]
        yield "%s %s: %s" % (user, kind, pc[3:]), move(t, me, ("dead",) if orphan else answer_of(kind, user, n))
    elif pc == "late_row_change":               # only in the mistakes that write the row by itself
        _, kind, user, n, then = p
        yield "%s %s: row by itself" % (user, kind), move(with_row(s, kind, user), me, then)
        if s.kills and then[0] == "tx":
            yield "killed", move(s._replace(kills=s.kills - 1), me, ("dead",))
    elif pc == "answer":
        _, user, n = p
        yield "removal of %s answered" % user, move(s._replace(answered=s.answered | {(n, len(s.log))}), me, ("clean_up", user))
    elif pc == "clean_up":
        members = s.members - {user} if "answer_before_row" in rule else s.members
        yield "%s's rows deleted" % user, move(s._replace(subs=s.subs - {user}, members=members), me, ("done",))
        if s.kills:
            yield "removal killed before the clean-up", move(s._replace(kills=s.kills - 1), me, ("dead",))


def step_transaction(s, me, p, rule):
    _, kind, user, n, orphan = p
    if locked(s, seq=n, user=user):             # in conflict with another transaction, and repeated
        return
    needless = (user in s.members) == (kind == "added")
    if "row_then_entry" in rule:                # two writes, the row first, as they were before they became one
        if needless and not orphan:
            yield "%s needs not be %s" % (user, kind), move(s, me, needless_answer(s, kind, user))
        elif orphan:
            t, old = put(s, n, (kind, user), rule)
            nxt = answer_of(kind, user, n) if old is None else ("tx", kind, user, n + 1, True)
            yield "%s %s at %d%s" % (user, kind, n, "" if old is None else " lost"), move(t, me, nxt)
        else:
            yield from step_change(s, me, ("late_row_change", kind, user, n, ("tx", kind, user, n, True)), rule)
    elif at(s.log, n) is not None:
        yield "change of %s lost %d" % (user, n), move(s, me, ("dead",) if orphan else ("tx", kind, user, n + 1, False))
    elif needless:
        yield "%s needs not be %s" % (user, kind), move(s, me, ("dead",) if orphan else needless_answer(s, kind, user))
    elif "answer_before_row" in rule and kind == "removed":
        yield "removal of %s at %d" % (user, n), move(put(s, n, (kind, user), rule)[0], me, answer_of(kind, user, n))
    else:
        rest = (kind, user, n, orphan)
        yield "%s %s at %d, entry seen first" % (user, kind, n), move(put(s, n, (kind, user), ())[0], me, ("tx_row",) + rest)
        yield "%s %s at %d, row seen first" % (user, kind, n), move(with_row(s, kind, user), me, ("tx_entry",) + rest)
        if s.kills and not orphan:
            yield "killed, change of %s at %d on the wire" % (user, n), move(
                s._replace(kills=s.kills - 1), me, ("tx", kind, user, n, True))


def with_row(s, kind, user):
    return s._replace(members=s.members - {user} if kind == "removed" else s.members | {user})


def answer_of(kind, user, n):
    return ("answer", user, n) if kind == "removed" else ("done",)


def needless_answer(s, kind, user):
    """A removal that finds nobody comes right after the one before it, whose entry may be just about to be seen."""
    hidden = [p[3] for p in s.procs if p[:3] == ("tx_entry", "removed", user)]
    return answer_of(kind, user, max(hidden + [n for n, e in enumerate(s.log, 1) if removed(e, user)], default=0))


STEPS = {"subscribe": step_subscribe, "check": step_subscribe, "late_row": step_subscribe, "read": step_subscribe,
         "history": step_history, "history_late": step_history, "history_check": step_history,
         "removed": step_change, "added": step_change, "tx": step_change, "tx_entry": step_change, "tx_row": step_change,
         "late_row_change": step_change, "answer": step_change, "clean_up": step_change}


def successors(s, rule, window):
    for me, p in enumerate(s.procs):
        if p[0] in STEPS:
            yield from STEPS[p[0]](s, me, p, rule)
        elif p[0] not in ("done", "dead", "rejected"):
            yield from step_send(s, me, p, rule, window)
    for item in s.wire:                         # a put of a dead function lands
        if locked(s, seq=item[0]):
            continue
        t, _ = put(s, item[0], item[1], rule)
        yield "late put %s/%s at %d lands" % (item[1] + (item[0],)), t._replace(wire=s.wire - {item})


def broken(s):
    stored = [e for e in s.log if e]
    if len(stored) != len(s.log):
        return "DENSE"
    sent = [e for e in stored if e[0] not in ("removed", "added")]   # a change may come again, each time by another name
    if len(set(sent)) != len(sent):
        return "ONCE"
    if any(at(s.log, n) != (sender, cid) for sender, cid, n in s.acks):
        return "ACKED"
    for gone, head in s.answered:               # what may be behind an answered removal: only what is behind a new adding
        back = [n for n, e in enumerate(s.log, 1) if n > gone and e == ("added", WATCHED)]
        later = [(n, e) for n, e in enumerate(s.log, 1) if n > head and (not back or n < back[0])]
        # Who is back sees all of the log, also what was stored while he was away.
        if any(e[0] == WATCHED for _, e in later) or not back and any(x in s.seen for x in later):
            return "FENCE"
    return None


def explore(scenario, rule=(), limit=3_000_000):
    """Returns (states, None) or (states, (property, trace))."""
    log, procs, kills, sdk, window = scenario
    wanted = {p[1:3] for p in procs if p[0] == "send"}
    start = State(log, frozenset(), frozenset("ab"), procs, frozenset(), frozenset(), False, frozenset(), frozenset(), kills, sdk)
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
    if (WATCHED in s.members) == removed(last_word(s.log, WATCHED), WATCHED):
        return "AGREE"
    undisturbed = last_word(s.log, WATCHED) is None     # who was away subscribes again
    if s.joined and undisturbed and any((n, (u, c)) not in s.seen for u, c, n in s.acks):
        return "SEEN"
    if s.joined and "no_ping" in rule and len(s.log) > max((n for n, _ in s.seen), default=0):
        return "GAP"
    clean = not any(p[0] in ("dead", "rejected") for p in s.procs)
    known = {a[:2] for a in s.acks} | {e for _, e in s.seen}
    if clean and undisturbed and not wanted <= known:
        return "LIVE"
    return None


OLD = (("b", "1"), ("b", "2"))                  # what the log holds at the start
# name: (log, processes, kills, SDK retries, window when there is no `after`)
SCENARIOS = {
    # the same message three times: old `after`, fresh `after`, and whatever the client's position is by then
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
    "removal+adding": (OLD[:1], (("removed", "a"), ("added", "a"), ("send", "a", "x", 0), ("send", "b", "y", 1)), 1, 0, 9),
    "changes": (OLD[:1], (("removed", "a"), ("removed", "a"), ("added", "a"), ("added", "a"), ("send", "a", "x", 0)), 1, 0, 9),
    "removal+history": (OLD[:1], (("history", "a"), ("removed", "a"), ("send", "b", "y", 1)), 2, 0, 9),
}
# name: (scenario, mistake, the property that it breaks)
MISTAKES = {
    "no_condition": ("retries", "the put has no condition"),
    "after_unverified": ("invented after", "the tail is read after-exclusive and `after` is believed"),
    "read_before_row": ("retries+subscribe", "subscribe reads the events before it writes its row"),
    "subs_before_put": ("retries+subscribe", "send reads the subscriptions before it puts the event"),
    "own_item_is_foreign": ("retries", "the item that won is not compared with one's own"),
    "no_tail_check": ("retries", "the tail gives the head only, duplicates are looked for at the put only"),
    "silent_duplicate": ("retries+subscribe", "a duplicate is answered without repeating the push"),
    "torn_max": ("crowd", "head = newest seq of the answer, though a Query may be torn and have a hole"),
    "position_head": ("position_head", "the client raises `after` to `head` without having seen the events"),
    "small_window": ("small_window", "no `after`, and more events than the window since the first attempt"),
    "subs_only": ("removal", "fan-out looks at subscriptions only, so a row without a participant is live"),
    "no_fence": ("removal", "nobody looks for its own removal in what it reads"),
    "check_before_read": ("removal+history", "a reader is checked before it reads, and is removed in between"),
    "answer_before_row": ("removal", "removal is answered before the participant row is deleted"),
    "row_then_entry": ("removal+adding", "row and entry of a change of participants are written one after the other"),
    "no_ping": ("retries+subscribe", "nothing but the gap test shows what is missing: the newest event can stay unseen"),
}
SPECIAL = {
    "position_head": (OLD[:1], (("send", "a", "x", 1), ("send", "a", "x", "head"), ("send", "b", "y", 1)), 1, 0, 9),
    "small_window": ((), (("send", "a", "x", None), ("send", "a", "x", None), ("send", "b", "y", 0),
                          ("send", "b", "z", 0)), 1, 0, 2),
}


def check(task):
    """Of a scenario's name and a rule: what `explore` returns, and the seconds that it took."""
    scenario, rule = task
    begun = time.time()
    return *explore(SPECIAL.get(scenario) or SCENARIOS[scenario], rule), time.time() - begun


def main():
    if len(sys.argv) > 1:
        name = sys.argv[1]
        states, found, _ = check((MISTAKES[name][0], (name,)))
        print(states, "states;", found[0] if found else "nothing found")
        print("\n".join("  " + line for line in found[1]) if found else "")
        return
    total, wrong = 0, 0
    designs = [(name, rule) for rule in ((), ("reread",)) for name in SCENARIOS]
    mistakes = [(scenario, (name,)) for name, (scenario, _) in MISTAKES.items()]
    with ProcessPoolExecutor() as processes:
        designs_checked, mistakes_checked = processes.map(check, designs), processes.map(check, mistakes)
        for (name, rule), (states, found, seconds) in zip(designs, designs_checked):
            total += states
            wrong += bool(found)
            print("%-9s %-20s %8d states %5.1f s  %s" % (
                "design" if not rule else rule[0], name, states, seconds, found[0] if found else "ok"), flush=True)
            if found:
                print("\n".join("    " + line for line in found[1]))
        print("design: %d states in all\n" % total)
        for (name, (_, what)), (states, found, _) in zip(MISTAKES.items(), mistakes_checked):
            print("%-20s %s in %d steps (%d states): %s" % (
                name, "caught by " + found[0] if found else "NOT CAUGHT", len(found[1]) if found else 0, states, what), flush=True)
            wrong += not found
    sys.exit(bool(wrong))


if __name__ == "__main__":
    main()
