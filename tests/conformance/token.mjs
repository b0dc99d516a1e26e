// Preloaded into the conformance suite, which knows of no tokens: adds ours to what it sends to the server under
// test, by fetch (undici) and by node:http.

import http from 'node:http';
import { createRequire, syncBuiltinESMExports } from 'node:module';

const { origin, host } = new URL(process.env.GATEHOUSE_URL);
const authorization = `Bearer ${process.env.GATEHOUSE_TOKEN}`;
const { Agent, setGlobalDispatcher } = createRequire(process.env.GATEHOUSE_SUITE)('undici');

function withToken(headers) {
  const names = Array.isArray(headers)
    ? headers.filter((_, index) => index % 2 === 0)
    : [...(headers?.[Symbol.iterator] ? headers : Object.entries(headers ?? {}))].map(([name]) => name);
  if (names.some((name) => String(name).toLowerCase() === 'authorization')) return headers;
  if (Array.isArray(headers)) return [...headers, 'authorization', authorization];
  if (headers?.[Symbol.iterator]) return { ...Object.fromEntries(headers), authorization };
  return { ...headers, authorization };
}

const inject = (dispatch) => (options, handler) => {
  const ours = new URL(options.origin).origin === origin;
  return dispatch(ours ? { ...options, headers: withToken(options.headers) } : options, handler);
};
setGlobalDispatcher(new Agent().compose(inject));

// The scenarios that look at the case of header names write their requests themselves.
const request = http.request;
http.request = (...parts) => {
  const made = request(...parts);
  const place = `${made.host}:${parts.find((part) => part?.port)?.port ?? ''}`;
  if (place === host && !made.hasHeader('authorization')) made.setHeader('authorization', authorization);
  return made;
};
syncBuiltinESMExports();
