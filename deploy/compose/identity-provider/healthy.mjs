// Ends with 0 when a URL answers with 200: `node healthy.mjs URL`. With --watch it only stays, for a
// health check to be run beside it.

const [url, option] = process.argv.slice(2);

if (option === '--watch') {
  process.on('SIGTERM', () => process.exit(0));
  setInterval(() => {}, 1 << 30);
} else {
  const answer = await fetch(url, { signal: AbortSignal.timeout(3000) }).catch(() => undefined);
  process.exitCode = answer?.status === 200 ? 0 : 1;
}
