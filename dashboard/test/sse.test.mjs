import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { transformSync } from 'esbuild';

const source = readFileSync(new URL('../src/sse.ts', import.meta.url), 'utf8');
const { code } = transformSync(source, { loader: 'ts', format: 'esm' });
const { EventParser } = await import(`data:text/javascript;base64,${Buffer.from(code).toString('base64')}`);

const STREAM = ': a comment\n\nid: 1\nevent: timeline\ndata: {"a":1}\n\ndata: two\r\ndata:  lines\r\n\r\nid:3\nevent: session\ndata\n\nid: 4\n\nevent: cut off\ndata: never told\n';
const EVENTS = [
  { id: '1', event: 'timeline', data: '{"a":1}' },
  { id: '1', event: 'message', data: 'two\n lines' },
  { id: '3', event: 'session', data: '' },
];

test('an event stream is parsed alike however it is cut into pieces', () => {
  for (let size = 1; size <= STREAM.length; size++) {
    const parser = new EventParser();
    const events = [];
    for (let at = 0; at < STREAM.length; at += size) events.push(...parser.push(STREAM.slice(at, at + size)));
    assert.deepEqual(events, EVENTS, `pieces of ${size}`);
  }
});

test('an endless event is refused', () => {
  const parser = new EventParser();
  assert.throws(() => parser.push('x'.repeat(1_000_001)));
});
