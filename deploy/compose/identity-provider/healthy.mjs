// Ends with 0 when a URL answers with 200: `node healthy.mjs URL`.

const answer = await fetch(process.argv[2], { signal: AbortSignal.timeout(3000) }).catch(() => undefined);
process.exitCode = answer?.status === 200 ? 0 : 1;
