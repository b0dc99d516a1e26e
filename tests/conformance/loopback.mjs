// Preloaded into a server that others wrote, so that it listens on this machine only, at a port that the system
// chooses, and says which.

import { Server } from 'node:net';

const listen = Server.prototype.listen;
Server.prototype.listen = function (_port, ...rest) {
  const done = rest.findLast((part) => typeof part === 'function');
  this.once('listening', () => process.stderr.write(`listening at ${this.address().port}\n`));
  return listen.call(this, { port: 0, host: '127.0.0.1' }, done);
};
