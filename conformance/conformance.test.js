/**
 * The facts of docs/aws-behaviour.md, each named by its section and by how sure it is, asked of the harness or of AWS.
 * What is unsure ([M], [U]) must hold here, since it was decided so; of AWS a difference is reported, not failed.
 */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';

import { handshake, OPCODE } from './socket.js';
import { allow, deployed, knock, manage, open, start, target } from './target.js';

const ID = /^[\w-]{15}=$/;
const KB = 1024;

function fact(source, name, ask) {
  const unsure = /\[[MU]\]/.test(source);
  test(`${source} ${name}`, async (t) => {
    try {
      await ask();
    } catch (difference) {
      if (!deployed || !unsure) throw difference;
      t.diagnostic(`DIFFERENT: ${difference.message}`);
    }
  });
}

const answer = (value) => [{ answer: value }];
const keys = (value) => Object.keys(value).sort();

describe('conformance', { concurrency: 4 }, () => {
  before(start);
  after(() => target.stop?.());

  const handshakes = [
    ['2.4 [D]', '200 opens', { connect: answer({ statusCode: 200 }) }, 101],
    ['2.4 [D]', '204 opens', { connect: answer({ statusCode: 204 }) }, 101],
    ...[302, 400, 401, 403, 404, 429, 500, 503].map((statusCode) => [
      '2.4 [D]',
      `${statusCode} of $connect is the status`,
      { connect: answer({ statusCode }) },
      statusCode,
    ]),
    ['2.4 [O]', 'a $connect that fails', { connect: [{ fail: 'x' }] }, 502],
    ['2.4 [O]', 'a $connect that exits', { connect: [{ exit: 1 }] }, 502],
    ['2.4 [O]', 'a $connect that times out', { connect: ['hang'] }, 502],
    ...[null, 'text', [], {}, { statusCode: 'x' }].map((value) => [
      '2.4 [O]',
      `a $connect that answers ${JSON.stringify(value)}`,
      { connect: answer(value) },
      502,
    ]),
    ['2.4 [U]', 'a status in digits', { connect: answer({ statusCode: '200' }) }, 101],
    ['1.4 [O]', 'a policy that denies', { authorizer: allow({}, '*', 'Deny') }, 403],
    [
      '1.4 [O]',
      'a policy for something deeper than $connect',
      { authorizer: allow({}, 'arn:aws:execute-api:*:*:*/*/*/*') },
      403,
    ],
    ['1.4 [D]', 'a policy with wildcards', { authorizer: allow({}, 'arn:aws:execute-api:*:*:*/*/$connect') }, 101],
    ['1.4 [D]', 'an authorizer that fails with Unauthorized', { authorizer: [{ fail: 'Unauthorized' }] }, 401],
    ['1.4 [O]', 'an authorizer that fails otherwise', { authorizer: [{ fail: 'other' }] }, 500],
    ['1.4 [O]', 'an authorizer without a policy', { authorizer: answer({ principalId: 'a' }) }, 500],
    ['1.4 [O]', 'a context that is not flat', { authorizer: allow({ a: { b: 1 } }) }, 500],
    ['1.4 [O]', 'a header that is an identity source and empty', { headers: { 'X-Conformance': '' } }, 401],
  ];
  for (const [source, name, scripts, status] of handshakes) {
    fact(source, `handshake: ${name}: ${status}`, async () => {
      const seen = await knock(scripts);
      seen.socket?.cut();
      assert.equal(seen.status, status);
    });
  }
  fact('1.4 [O]', 'handshake: no identity source: 401', async () => {
    assert.equal((await handshake(target.ws)).status, 401);
  });
  fact('2.4 [M]', 'handshake: another stage: 403', async () => {
    assert.equal((await handshake(`${target.ws}x`)).status, 403);
  });
  fact('2.4 [O]', 'handshake: no upgrade: 426', async () => {
    assert.equal((await handshake(target.ws, {}, { plain: true })).status, 426);
  });

  const offered = { headers: { 'Sec-WebSocket-Protocol': 'one, two' } };
  const protocols = [
    ['2.4 [D]', 'is not confirmed unless returned', {}, undefined],
    ['2.4 [D]', 'is what headers say', { headers: { 'Sec-WebSocket-Protocol': 'two' } }, 'two'],
    ['2.4 [D]', 'is found in any case', { headers: { 'sec-websocket-protocol': 'two' } }, 'two'],
    ['1.5 [D]', 'is found in multiValueHeaders', { multiValueHeaders: { 'Sec-WebSocket-Protocol': ['two'] } }, 'two'],
  ];
  for (const [source, name, returned, expected] of protocols) {
    fact(source, `subprotocol: it ${name}`, async () => {
      const { socket, headers } = await knock({ ...offered, connect: answer({ statusCode: 200, ...returned }) });
      socket.cut();
      assert.equal(headers['sec-websocket-protocol'], expected);
    });
  }

  const farewells = [
    ['1.3 [C]', 'a close frame without a code', (socket) => socket.close(), 1005],
    ['1.3 [M]', 'a close frame with 1000', (socket) => socket.close(1000), 1000],
    ['1.3 [M]', "the client's own code", (socket) => socket.close(4001, 'own words'), 4001, 'own words'],
    ['1.3 [O]', 'DeleteConnection', (socket) => manage('DELETE', socket.id), 1000, 'Connection Closed Normally'],
    ['1.3 [U]', 'a network connection that is cut', (socket) => socket.cut(), 1006],
  ];
  for (const [source, name, leave, code, reason] of farewells) {
    fact(source, `$disconnect hears of ${name}: ${code}`, async () => {
      const observer = await open();
      await leave(await open({ disconnect: [{ report: { to: observer.id, as: 'end' } }] }));
      const { event } = await observer.json();
      assert.equal(event.requestContext.disconnectStatusCode, code);
      if (reason) assert.equal(event.requestContext.disconnectReason, reason);
      assert.deepEqual(keys(event), ['headers', 'isBase64Encoded', 'multiValueHeaders', 'requestContext']);
      assert.deepEqual(keys(event.headers), ['Host', 'X-Forwarded-For', 'x-api-key', 'x-restapi']);
      observer.cut();
    });
  }

  fact('1.1 [C]', '$connect and a message have the keys and forms of the real events', async () => {
    const observer = await open();
    const report = [{ report: { to: observer.id, as: 'connect' } }];
    const socket = await open({ connect: report, headers: { 'X-Odd-cASE': '1' } });
    const { event } = await observer.json();
    assert.deepEqual(keys(event), [
      'headers',
      'isBase64Encoded',
      'multiValueHeaders',
      'multiValueQueryStringParameters',
      'queryStringParameters',
      'requestContext',
    ]);
    assert.equal(event.headers['X-Odd-cASE'], '1');
    const common = ['apiId', 'authorizer', 'connectedAt', 'connectionId', 'domainName', 'eventType', 'extendedRequestId'];
    common.push('identity', 'messageDirection', 'requestId', 'requestTime', 'requestTimeEpoch', 'routeKey', 'stage');
    assert.deepEqual(keys(event.requestContext), common);
    socket.send('no JSON');
    const message = await socket.json();
    assert.deepEqual(keys(message), ['body', 'isBase64Encoded', 'requestContext']);
    assert.deepEqual(keys(message.requestContext), [...common, 'messageId'].sort());
    assert.equal(message.body, 'no JSON');
    const { requestContext } = message;
    assert.equal(requestContext.routeKey, '$default');
    for (const id of ['connectionId', 'messageId', 'requestId']) assert.match(requestContext[id], ID);
    assert.equal(requestContext.requestId, requestContext.extendedRequestId);
    assert.match(requestContext.requestTime, /^\d\d\/[A-Z][a-z]{2}\/\d{4}:\d\d:\d\d:\d\d \+0000$/);
    assert.equal(requestContext.connectedAt, event.requestContext.connectedAt);
    assert.equal(requestContext.authorizer.principalId, 'tester');
    for (const end of [socket, observer]) end.cut();
  });

  const failed = 'Internal server error';
  const messages = [
    ['2.1 [D]', 'unmatched goes to $default', { action: 'nowhere', script: answer({ statusCode: 200, body: 'd' }) }, 'd'],
    ['2.1 [U]', '$connect is no match', { action: '$connect', script: answer({ statusCode: 200, body: 'd' }) }, 'd'],
    ['2.2 [O]', 'a function that fails', { action: 'reply', script: [{ fail: 'x' }] }, failed],
    ['2.2 [O]', 'a function that exits', { action: 'reply', script: [{ exit: 1 }] }, failed],
    ['2.2 [O]', 'a function that times out', { action: 'hasty', script: ['hang'] }, failed],
    ['2.2 [O]', 'a function that is throttled', { action: 'throttled' }, failed],
    ['2.2 [O]', 'a status of 400', { action: 'silent', script: answer({ statusCode: 400 }) }, failed],
    ['6.1 [D]', 'a runtime in a shell', { action: 'shell' }, 'from a shell'],
  ];
  for (const [source, name, message, expected] of messages) {
    fact(source, `message: ${name}: ${expected}`, async () => {
      const socket = await open();
      socket.send(message);
      const { text } = await socket.next();
      if (expected === failed) {
        const frame = JSON.parse(text);
        assert.deepEqual(keys(frame), ['connectionId', 'message', 'requestId']);
        assert.deepEqual([frame.message, frame.connectionId], [failed, socket.id]);
      } else assert.equal(text, expected);
      socket.cut();
    });
  }

  fact('2.3 [D]', 'a route without a response is silent', async () => {
    const socket = await open();
    const told = [{ post: { to: 'self', data: 'marker' } }, ...answer({ statusCode: 200, body: 'unheard' })];
    socket.send({ action: 'silent', script: told });
    assert.equal((await socket.next()).text, 'marker');
    socket.send({ action: 'reply', script: answer({ statusCode: 200, body: 'heard' }) });
    assert.equal((await socket.next()).text, 'heard');
    socket.cut();
  });

  fact('0.19 [D]', 'messages of one connection run at the same time', async () => {
    const [gate, socket] = [await open(), await open()];
    socket.send({ action: 'reply', script: [{ awaitEnd: gate.id }, ...answer({ statusCode: 200, body: 'first' })] });
    socket.send({ action: 'reply', script: answer({ statusCode: 200, body: 'second' }) });
    assert.equal((await socket.next()).text, 'second');
    gate.cut();
    assert.equal((await socket.next()).text, 'first');
    socket.cut();
  });

  fact('2.2 [M]', 'an integration that is too slow is a frame', async () => {
    const [gate, socket] = [await open(), await open()];
    socket.send({ action: 'slow', script: [{ awaitEnd: gate.id }] });
    assert.equal((await socket.json()).message, 'Endpoint request timed out');
    for (const end of [gate, socket]) end.cut();
  });

  const closings = [
    ['0.11 [D]', 'a binary frame', (socket) => socket.frame(OPCODE.binary, 'x'), 1003],
    ['3 [D]', 'a frame over 32 KB', (socket) => socket.send('x'.repeat(32 * KB + 1)), 1009],
    [
      '3 [D]',
      'a message over 128 KB',
      (socket) => {
        for (let n = 0; n < 5; n += 1) socket.frame(n ? 0 : OPCODE.text, 'x'.repeat(30 * KB), { last: n === 4 });
      },
      1009,
    ],
  ];
  for (const [source, name, send, code] of closings) {
    fact(source, `${name} ends the connection with ${code}`, async () => {
      const socket = await open();
      send(socket);
      assert.equal((await socket.next()).code, code);
    });
  }

  fact('3 [D]', 'a message may come in several frames, and pings are answered between them', async () => {
    const socket = await open();
    socket.frame(OPCODE.text, 'x'.repeat(32 * KB), { last: false });
    socket.frame(OPCODE.ping, 'are you there');
    assert.deepEqual(await socket.next(), { kind: 'pong', text: 'are you there' });
    socket.frame(OPCODE.continuation, 'y'.repeat(8 * KB));
    assert.equal((await socket.json()).body.length, 40 * KB);
    socket.cut();
  });

  fact('3 [M]', 'what is posted arrives in frames of at most 32 KB', async () => {
    const socket = await open();
    assert.equal((await manage('POST', socket.id, 'x'.repeat(128 * KB))).status, 200);
    const { kind, frames } = await socket.next();
    assert.equal(kind, 'text');
    assert.ok(frames.every((length) => length <= 32 * KB), String(frames));
    assert.equal((await manage('POST', socket.id, 'x'.repeat(128 * KB + 1))).status, 413);
    socket.cut();
  });

  fact('4 [D]', '@connections: GET, DELETE, 400, 410, and unsigned', async () => {
    const socket = await open();
    const described = await (await manage('GET', socket.id)).json();
    assert.deepEqual(keys(described), ['connectedAt', 'identity', 'lastActiveAt']);
    const url = `${target.management}/@connections/${encodeURIComponent(socket.id)}`;
    assert.equal((await fetch(url)).status, 403);
    assert.equal((await target.aws.fetch(url.replace('@', '%40'))).status, 200);
    assert.equal((await manage('DELETE', socket.id)).status, 204);
    assert.equal((await socket.next()).code, 1000);
    const gone = await manage('GET', socket.id);
    assert.deepEqual([gone.status, gone.headers.get('x-amzn-errortype'), await gone.text()], [410, 'GoneException', '']);
    assert.equal((await manage('POST', 'malformed', 'x')).status, 400);
  });

  fact('0.2 [D]', 'a connection does not exist while $connect runs', async () => {
    const observer = await open();
    const script = [{ post: { to: 'self', data: 'x' } }, { report: { to: observer.id, as: 'connect' } }];
    const { socket } = await knock({ connect: script });
    assert.equal((await observer.json()).outcomes[0].status, 410);
    for (const end of [socket, observer]) end.cut();
  });

  fact('4 [D]', 'a function without the permission is refused', async () => {
    const [observer, socket] = [await open(), await open()];
    const script = [{ post: { to: observer.id, data: 'x' } }];
    socket.send({ action: 'powerless', script: [...script, ...answer({ statusCode: 200, body: 'refused' })] });
    assert.equal((await socket.next()).text, 'refused');
    assert.equal((await manage('POST', observer.id, 'marker')).status, 200);
    assert.equal((await observer.next()).text, 'marker');
    for (const end of [socket, observer]) end.cut();
  });

  const http = [
    ['5 [D]', 'any other JSON is a 200', [{ answer: [1] }], 200, '[1]'],
    ['5 [D]', 'a status and a body', answer({ statusCode: 418, body: 'tea' }), 418, 'tea'],
    ['5 [M]', 'a function that fails', [{ fail: 'x' }], 500, '{"message":"Internal Server Error"}'],
  ];
  for (const [source, name, script, status, body] of http) {
    fact(source, `HTTP: ${name}: ${status}`, async () => {
      const seen = await fetch(`${target.http}/open/x`, { headers: { 'x-script': JSON.stringify(script) } });
      assert.deepEqual([seen.status, await seen.text()], [status, body]);
    });
  }
  fact('5 [D]', 'HTTP: the most specific route, and its parameters', async () => {
    const event = await (await fetch(`${target.http}/open/items/a%20b?x=1&x=2`)).json();
    assert.deepEqual([event.version, event.routeKey], ['2.0', 'GET /open/items/{id}']);
    assert.deepEqual([event.pathParameters, event.queryStringParameters], [{ id: 'a b' }, { x: '1,2' }]);
  });
  const simple = (isAuthorized) => JSON.stringify(answer({ isAuthorized, context: { call: '$request' } }));
  const ask = (path, authorization) => fetch(target.http + path, { headers: authorization ? { authorization } : {} });
  const call = async (path) => (await (await ask(path, simple(true))).json()).requestContext.authorizer.lambda.call;
  fact('5 [D]', 'HTTP: an authorizer is asked once for the same identity, if it is cached', async () => {
    assert.equal(await call('/cached'), await call('/cached'));
    assert.notEqual(await call('/uncached'), await call('/uncached'));
  });
  fact('5 [M]', 'HTTP: 401 without identity, 403 by a no, 500 by a failure', async () => {
    assert.equal((await ask('/cached')).status, 401);
    assert.equal((await ask('/cached', simple(false))).status, 403);
    assert.equal((await ask('/cached', JSON.stringify([{ fail: 'x' }]))).status, 500);
  });
});
